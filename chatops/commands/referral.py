"""Passing a report on to those whose matter it is: asked of the reporter first, done once they agree (policy step 1).

To contacts on the roster it goes at once. While an embargo is in force they are asked to keep it private like
everybody else, so there a coordinator invites them instead.
"""

from __future__ import annotations

from collections.abc import Sequence

from chatops.commands.desk import Decision, Desk, Direct, Message, Outgoing, Refusal, Security
from chatops.commands.moving import edit_case, edit_participant, joined
from chatops.config import Component
from chatops.document import Action, Block, Document, Line, Tlp, fields, para, quote
from chatops.model.casefile import CaseFile
from chatops.model.changes import Change, Happened
from chatops.model.machines import Consent
from chatops.model.people import Contact


def component(desk: Desk, key: str) -> Component:
    """As the configuration has it now, or at least its name."""
    return desk.settings.components.get(key) or Component(name=key, contact="see the configuration")


def question(file: CaseFile, to: Component, reason: str | None) -> Document:
    """What the reporter is asked, before anything is passed on."""
    return Document(
        title=f"{file.id}: may we pass your report on to {to.name}?",
        kind="progress",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(
            para(f"What you found is a matter of {to.name}, not of ours."),
            *((quote(reason),) if reason else ()),
            fields(("Their contact", to.contact)),
            para("We pass on what you wrote, and your name only if you allowed it. Nothing goes out until you agree."),
        ),
        actions=(
            Action(label="pass it on", command=f"report {file.id} refer=yes", emoji="✅", style="primary"),
            Action(label="please don't", command=f"report {file.id} refer=no", emoji="❌"),
        ),
    )


def answered(desk: Desk, *, agreed: bool) -> Decision:
    """The reporter's answer. Raises :class:`Refusal` if they were not asked, or it is passed on already."""
    file = desk.case
    if file.case.referred is None or file.case.closed_at is not None or file.case.reporter != desk.actor.id:
        raise Refusal(f"nobody asks to pass {file.id} on")
    if file.case.referral == "passed":
        raise Refusal(f"{file.id} is passed on already")
    to = component(desk, file.case.referred)
    answer = edit_case(file, referral="agreed" if agreed else "declined")
    facts = {"by": desk.actor.name, "answer": "yes" if agreed else "no"}
    said = Happened("referral answered", file.id, facts, changes=(answer,))
    if agreed:
        decision = pass_on(desk, file)
        decision.events.insert(0, said)
        assert decision.reply is not None
        decision.messages.append(Message(Security(), decision.reply))
        news = "has it now" if file.case.referral == "passed" else "will hear of it from us"
        decision.reply, decision.reply_kind = _reply(file, f"thank you; {to.name} {news}"), "reporter"
        return decision
    told = _card(file, f"the reporter does not want it passed on to {to.name}", ())
    own = para(f"To tell {to.name} yourself: {to.contact}")
    return Decision(
        reply=_reply(file, "we pass nothing on", own),
        reply_kind="reporter",
        events=[said],
        messages=[Message(Security(), told)],
    )


def pass_on(desk: Desk, file: CaseFile) -> Decision:
    """The report goes to the component's contacts on the roster. The reply is for the team: who has it, who has not."""
    to = component(desk, file.case.referred or "")
    known = [(name, desk.book.named(name)) for name in to.contacts]
    if file.embargoed:
        people = [name for name, contact in known if contact is not None and contact.active]
        invite = Action(label=f"invite {to.name}", command=f"invite {file.id} {' '.join(people)}", emoji="📣")
        told = _card(
            file, f"pass it on to {to.name} by inviting them: the embargo is in force", [(to.name, to.contact)]
        )
        told = told.model_copy(update={"actions": (invite,) if people else ()})
        return Decision(reply=told)
    rows: list[tuple[str, str | Line]] = [(to.name, to.contact)]
    changes: list[Change] = []
    given: list[Contact] = []
    for name, contact in known:
        if contact is None or not contact.active:
            rows.append((name, "not on the roster"))
        elif contact.id in file.participants:
            rows.append((name, "has a part in the case already; not told anew"))
        elif not any(address.service in desk.services for address in desk.book.addresses(contact.id)):
            rows.append((name, "not reachable: no address where I am"))
        else:
            changes += joined(file, contact, "referred")
            given.append(contact)
            rows.append((name, "has the report"))
    if not given:
        told = _card(file, f"please pass it on to {to.name} yourself: the reporter agrees", rows)
        return Decision(reply=told)
    changes.append(edit_case(file, referral="passed"))
    who = ", ".join(contact.name for contact in given)
    document = _report(desk, file)
    messages: list[Outgoing] = [Message(Direct(one.id), document, ping=(one.id,), kind="referral") for one in given]
    passed = Happened("passed on", file.id, {"who": who}, changes=tuple(changes))
    return Decision(reply=_card(file, f"passed on to {to.name}", rows), events=[passed], messages=messages)


def _report(desk: Desk, file: CaseFile) -> Document:
    """What the contacts read: the reporter's own words, and their name only if they allow it."""
    case = file.case
    by = file.shown(case.reporter) if case.reporter else f"{desk.project}'s security team"
    notes: Sequence[Block] = [quote(n.text) for n in desk.book.notes(file.id) if n.kind in ("report", "addition")]
    return Document(
        title=f"{file.id}: {desk.project} passes a report on to you, in confidence",
        kind="referral",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(
            para("We think that this is a matter of yours. Please keep it private until you have looked at it."),
            fields(("Title", case.title), ("Severity", case.band or "not rated yet"), ("Reported by", by)),
            *notes,
        ),
        actions=(
            Action(label="we take it on", command=f"accept {file.id}", emoji="✅", style="primary"),
            Action(label="not ours", command=f"decline {file.id}", emoji="❌"),
        ),
        tone="warning",
    )


def waits_for(file: CaseFile, contact: str) -> bool:
    """Whether a report was passed on to somebody who is asked nothing else of the case."""
    one = file.participants.get(contact)
    return one is not None and one.role == "referred" and one.consent == Consent.NO_EMBARGO


def taken(desk: Desk, *, ours: bool) -> Decision:
    """The answer of those to whom a report was passed on: the team hears it, and of a yes the reporter, too."""
    file = desk.case
    name = component(desk, file.case.referred or "").name
    news = (
        f"{desk.actor.name} takes it on for {name}" if ours else f"{desk.actor.name} says that it is none of {name}'s"
    )
    change = edit_participant(file, desk.actor.id, answered_at=desk.now)
    facts = {"who": desk.actor.name, "answer": "ours" if ours else "not ours"}
    reply = f"{file.id}: thank you; the security team knows" + (" that it is yours" if ours else "")
    messages: list[Outgoing] = [Message(Security(), _card(file, news, ()))]
    if ours:
        word = _reply(file, f"{name} has your report, and looks at it")
        messages += [Message(Direct(one), word, kind="reporter") for one in file.reporters]
    return Decision(
        reply=Document(title=reply, kind="answer", tlp=Tlp.GREEN, tone="good"),
        events=[Happened("referral taken up" if ours else "referral not theirs", file.id, facts, changes=(change,))],
        messages=messages,
    )


def _card(file: CaseFile, news: str, rows: Sequence[tuple[str, str | Line]]) -> Document:
    return Document(
        title=f"{file.id}: {news}",
        kind="referral",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(fields(*rows),) if rows else (),
    )


def _reply(file: CaseFile, news: str, *more: Block) -> Document:
    return Document(title=f"{file.id}: {news}", kind="progress", tlp=Tlp.AMBER_STRICT, case=file.id, blocks=more)
