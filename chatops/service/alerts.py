"""What coordinators must hear without having asked: faults, parked rows, text typed in public, mismatches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chatops.commands.desk import Decision, Desk, Message, Security
from chatops.document import Action, Document, Para, Tlp, fields, line, mono, para, strong, table, typed
from chatops.model.changes import Happened
from chatops.model.flow import InboxRow, OutboxRow
from chatops.ports import Received
from chatops.service.unit import CVE_SERVICES, RELEASE_HOST, Unit, refusal


def typed_in_public(unit: Unit, desk: Desk, verb: str) -> None:
    """Text of a case may have been read by others already."""
    document = Document(
        title=f"{desk.actor.name} typed {verb} in a public room",
        kind="leak risk",
        tlp=Tlp.AMBER_STRICT,
        blocks=(para("I took the message back where I may. Others may have read it; consider whether it is out."),),
        tone="alert",
    )
    told = Happened("typed in public", facts={"verb": verb, "by": desk.actor.name})
    unit.carry_out(Decision(events=[told], messages=[Message(Security(), document)]))


SHOWN = 20
"""So many of the collected mismatches are shown one by one."""

WHY = {
    "clearance": "the place is not cleared for it",
    "not-cleared": "its reader is not cleared for the case",
    "stranger": "its reader is a stranger to the case",
    "public": "it would have been public",
    "another-case": "the room belongs to another case",
    "place-closed": "the place is closed",
    "server-shut-out": "their homeserver is shut out of the room (matrix.allow_servers, matrix.deny_servers)",
    "too-large-to-attach": "the file is too large to attach to a mail: give it to them on another way",
    "files-folder": "it is too large for mail, and could not be written to mail.files_folder",
    "openpgp-key": "nothing can be encrypted to their OpenPGP key: ask them for a new one",
    "smtp-550": "their mail server knows no such mailbox, or refuses it",
    "restricted_action": "the workspace allows its administrators only to do that",
    "is_archived": "somebody archived the channel",
    "channel_not_found": "the channel is gone, or I am not in it any more",
    "not_in_channel": "I am not in the channel any more",
    "not-private": "the channel was made public: everybody in the workspace can read what is in it",
    "name_taken": "every name that I tried for the channel is taken",
    "missing_scope": "the app lacks a permission: install it anew from what chatops slack manifest prints",
    "outcome-unknown": "I cannot tell whether it was done already: look before it is tried again",
}
"""What a code means, by the word before its colon."""
GUEST = "they are a guest of the workspace, who may not be in this channel too"
OUTSIDE = {
    **dict.fromkeys(("user_is_restricted", "ura_max_channels"), GUEST),
    **dict.fromkeys(
        (
            "cant_invite",
            "invitee_cant_see_channel",
            "no_external_invite_permission",
            "no_permission",
            "org_user_not_in_team",
            "user_not_found",
        ),
        "they are not in this workspace, or it does not let me invite them",
    ),
    **dict.fromkeys(
        ("not_allowed_for_grid_workspace", "not_paid"),
        "they are outside this workspace, whose plan has no Slack Connect",
    ),
    "restricted_action": "they are outside this workspace, which lets its administrators only use Slack Connect",
    **dict.fromkeys(
        ("connection_limit_exceeded", "connection_limit_exceeded_pending", "member_limit_exceeded"),
        "they are outside this workspace, and the channel takes no more people by Slack Connect",
    ),
    **dict.fromkeys(
        (
            "cannot_share_cross_workspace_channel",
            "invite_not_found",
            "legacy_connection_limit_exceeded",
            "not_owner",
            "not_supported",
        ),
        "they are outside this workspace, and Slack Connect does not take the channel",
    ),
}
"""Why Slack refuses to put somebody into a channel (its reference of conversations.invite and inviteShared)."""


def fault(unit: Unit, row: OutboxRow, code: str) -> None:
    """An effect that the gate refused, or that failed for good: on record, and told, never dropped in silence."""
    refused = row.state == "refused"
    what = "message refused" if refused else "effect failed"
    told = Happened(what, row.case, {"effect": row.key[:8], "kind": row.kind, "code": code})
    if row.kind == "alert" or row.service in (RELEASE_HOST, CVE_SERVICES):
        unit.record(told)  # an alert about an alert would go on for ever; what is no chat's is told by its outcome
        return
    place = unit.book.place(row.place) if row.place else None
    where = f"{place.kind} room on {place.service}" if place else row.service
    document = Document(
        title="A message was held back" if refused else "Something could not be done",
        kind="fault",
        tlp=Tlp.AMBER_STRICT,
        case=row.case,
        blocks=(
            fields(
                ("What", row.deed.get("t", row.kind) if row.deed else row.kind),
                ("Case", row.case or "none"),
                ("Where", where),
                ("Whom", _whom(unit, row)),
                ("Why", _why(row, code)),
                ("Code", line(mono(row.key[:8]))),
            ),
            *_elsewhere(unit, row, code),
        ),
        actions=_again(row.key[:8]),
        tone="alert",
    )
    unit.carry_out(Decision(events=[told], messages=[Message(Security(), document, kind="alert")]))


def _again(code: str) -> tuple[Action, ...]:
    return (
        Action(label="try again", command=f"stuck retry {code}", emoji="🔁"),
        Action(label="give up", command=f"stuck skip {code}", emoji="🗑️"),
    )


def _uninvited(row: OutboxRow, code: str) -> bool:
    """Whether a service does not have whom it was to invite."""
    return bool(row.deed) and row.deed.get("t") == "invite" and code in OUTSIDE


def _why(row: OutboxRow, code: str) -> str:
    return OUTSIDE[code] if _uninvited(row, code) else WHY.get(code.partition(":")[0], code)


def _elsewhere(unit: Unit, row: OutboxRow, code: str) -> tuple[Para, ...]:
    """What to do about somebody who cannot be put into a channel."""
    if not _uninvited(row, code):
        return ()
    name = _whom(unit, row)
    change = typed(f"contacts change {name} address=matrix:@NAME:SERVER")
    return (
        para(
            "Give them an address where they are, and I reach them there: ", change, ", or ", mono("mail:…"), " there."
        ),
        para(
            "Where your Slack plan has Slack Connect, I can invite them by it (slack.connect in the configuration), or "
            "you share the channel with them in Slack itself."
        ),
    )


def _whom(unit: Unit, row: OutboxRow) -> str:
    known = unit.book.contact(row.audience) if row.audience else None
    return known.name if known else "—"


def parked(unit: Unit, row: InboxRow, received: Received | None) -> None:
    """Something that came in could not be decided: its sender and the coordinators hear it."""
    if unit.answerable:
        unit.carry_out(
            Decision(reply=refusal("That went wrong on my side; the coordinators know. Nothing was changed."))
        )
    document = Document(
        title="Something that came in could not be handled",
        kind="fault",
        tlp=Tlp.AMBER_STRICT,
        blocks=(
            fields(("Inbox row", str(row.id)), ("From", row.service), ("Problem", row.problem or "unknown")),
            para("It is kept as it came. The operator finds more in the log, by the row's number."),
        ),
        actions=_again(f"in{row.id}"),
        tone="alert",
    )
    told = Happened("inbox row parked", facts={"row": str(row.id), "problem": row.problem or "unknown"})
    unit.carry_out(Decision(events=[told], messages=[Message(Security(), document, kind="alert")]))


def mismatches(unit: Unit, seen: Sequence[Mapping[str, Any]]) -> None:
    """One alert for all mismatches of the last while."""
    rows = [
        (line(strong(one["file"])), line(mono(one["digest"][:16] + "…")), line(f"{one['by']} in {one['where']}"))
        for one in seen[:SHOWN]
    ]
    cases = {one["case"] for one in seen if one["case"]}
    document = Document(
        title="A checksum that is not ours" if len(seen) == 1 else f"{len(seen)} checksums that are not ours",
        kind="mismatch",
        tlp=Tlp.AMBER_STRICT,
        case=cases.pop() if len(cases) == 1 else None,
        blocks=(
            table(("file", "their digest", "who and where"), rows),
            para("A damaged download is likeliest. If several people have the same digest, look at the mirrors."),
        ),
        tone="alert",
    )
    unit.carry_out(Decision(messages=[Message(Security(), document)]))
