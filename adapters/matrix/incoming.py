"""From the server's events to what the core is told."""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, cast, get_args

from adapters.matrix.guards import Distrusted, Machine, NoKey, tidy
from adapters.matrix.http import Json
from adapters.matrix.rooms import Room
from adapters.matrix.settings import MatrixSettings
from adapters.matrix.trust import Trust
from chatops.checksums.stream import is_wanted
from chatops.ports import Event, Invitation, Locked, Member, Nothing, Reacted, Received, Replaced, Said, Unreadable

log = logging.getLogger(__name__)

SERVICE = "matrix"

_Membership = Literal["join", "invite", "leave", "ban", "knock"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that waits to be hashed. ``row`` is its locked row; ``file`` is how to fetch (and decrypt) it."""

    row: Received
    name: str
    url: str
    size: int | None
    file: Json | None
    thread: str | None
    verified: bool


class Reader:
    """Turns events into rows, one by one. What is malformed is dropped with a log line; nothing raises."""

    def __init__(self, settings: MatrixSettings, machine: Machine, trust: Trust) -> None:
        self._me = settings.user_id
        self._trust = trust
        self._clock = settings.clock
        self._machine = machine
        self.display_name = ""

    def read(self, room: Room, raw: Any) -> Received | Attachment | None:
        """A timeline or state event of a joined room."""
        try:
            return self._read(room, raw)
        except Distrusted as problem:
            log.warning("refused event %s in %s: %s", _name(raw), room.id, problem.code)
            if problem.code == "not-the-senders-session":  # perhaps an honest sender whose device was reset
                return self._row(raw, room.id, Unreadable(sender=raw["sender"], room=room.id, event=raw["event_id"]))
        except Exception as problem:
            log.warning("dropped event %s in %s: %s", _name(raw), room.id, type(problem).__name__)
        return None

    def retry(self, room: Room, row: Received) -> Received | Attachment | None:
        """Try a locked row again. None: still locked."""
        assert isinstance(row.event, Locked)
        raw = row.event.raw["event"]
        made = self.read(room, raw)
        if isinstance(made, Attachment):
            return replace(made, row=row)
        if made is None:
            return row.model_copy(update={"event": Nothing()})
        return None if isinstance(made.event, Locked) else made

    def invitation(self, room_id: str, state: Any) -> Received | None:
        """The bot was invited; ``state`` is the stripped state that came with it."""
        try:
            return self._invitation(room_id, [event for event in state if isinstance(event, dict)])
        except Exception as problem:
            log.warning("dropped an invitation to %s: %s", room_id, type(problem).__name__)
        return None

    def state(self, room_id: str, raw: Any) -> Received | None:
        """A membership, or a room's end, as its state shows it, whatever it was before."""
        try:
            if raw["type"] == "m.room.tombstone":
                return self._replaced(room_id, raw)
            return self._member(room_id, raw) if raw["type"] == "m.room.member" else None
        except Exception as problem:
            log.warning("dropped state %s in %s: %s", _name(raw), room_id, type(problem).__name__)
        return None

    def _member(self, room_id: str, raw: Json) -> Received | None:
        """Of the bot's own, only that somebody put it out."""
        who, by, now = raw["state_key"], raw["sender"], raw["content"].get("membership")
        if now not in get_args(_Membership) or not isinstance(who, str):
            return None
        if who == self._me and (by == self._me or now not in {"leave", "ban"}):
            return None
        own = who == self._me
        return self._row(raw, room_id, Member(room=room_id, who=who, by=by, now=cast(_Membership, now), own=own))

    def _replaced(self, room_id: str, raw: Json) -> Received | None:
        successor = raw["content"].get("replacement_room")
        if raw["state_key"] != "" or not isinstance(successor, str) or not successor.startswith("!"):
            return None
        return self._row(raw, room_id, Replaced(room=room_id, by=raw["sender"], successor=successor))

    # --- one event ----------------------------------------------------------------------------------------------------

    def _read(self, room: Room, raw: Json) -> Received | Attachment | None:
        kind, content, mark = raw["type"], raw["content"], None
        if "state_key" in raw:
            if kind == "m.room.tombstone":
                return self._replaced(room.id, raw)
            # Not a new name or picture of somebody who stays.
            news = kind == "m.room.member" and _prior(raw).get("membership") != content.get("membership")
            return self._member(room.id, raw) if news else None
        if raw["sender"] == self._me or not content:  # a redacted event has no content
            return None
        private = not room.encrypted
        if kind == "m.room.encrypted":
            try:
                payload = self._machine.open(room.id, raw)
            except NoKey:
                return self._locked(room, raw)
            kind, content, private = payload["type"], payload["content"], True
            if (mark := self._trust.mark(payload["device"])) is False:
                raise Distrusted("distrusted-device")
        else:
            content = tidy(content)
        return self._judge(room, raw, kind, content, private, verified=bool(mark))

    def _judge(
        self, room: Room, raw: Json, kind: str, content: Json, private: bool, *, verified: bool
    ) -> Received | Attachment | None:
        relation = content.get("m.relates_to")
        relation = relation if isinstance(relation, dict) else {}
        if kind == "m.reaction":
            return self._reaction(room, raw, relation, verified=verified)
        if kind != "m.room.message" or relation.get("rel_type") == "m.replace":
            return None
        thread = _text(relation.get("event_id")) if relation.get("rel_type") == "m.thread" else None
        if content.get("msgtype") == "m.file":
            return self._attachment(room, raw, content, thread, verified=verified)
        if content.get("msgtype") != "m.text":
            return None
        text, addressed = self._addressed(_without_fallback(str(content["body"]), relation), content)
        said = Said(
            sender=raw["sender"],
            room=room.id,
            event=raw["event_id"],
            text=text,
            thread=thread,
            addressed=addressed,
            private=private,
            verified=verified,
        )
        return self._row(raw, room.id, said)

    def _reaction(self, room: Room, raw: Json, relation: Json, *, verified: bool) -> Received | None:
        target, key = relation.get("event_id"), relation.get("key")
        if relation.get("rel_type") != "m.annotation" or not isinstance(target, str) or not isinstance(key, str):
            return None
        reacted = Reacted(sender=raw["sender"], room=room.id, target=target, key=key, verified=verified)
        return self._row(raw, room.id, reacted)

    def _attachment(
        self, room: Room, raw: Json, content: Json, thread: str | None, *, verified: bool
    ) -> Attachment | None:
        name = _text(content.get("filename")) or str(content.get("body"))
        file = content.get("file")
        file = file if isinstance(file, dict) else None
        url = (file or content).get("url")
        if not is_wanted(name) or not isinstance(url, str):
            return None
        info = content.get("info")
        size = info.get("size") if isinstance(info, dict) else None
        size = size if isinstance(size, int) else None
        return Attachment(self._locked(room, raw), name, url, size, file, thread, verified)

    def _locked(self, room: Room, raw: Json) -> Received:
        # The event as it came: keys of attachments stay inside the ciphertext.
        kept = {name: raw[name] for name in ("type", "event_id", "sender", "origin_server_ts", "content")}
        event = Locked(sender=raw["sender"], room=room.id, event=raw["event_id"], raw={"event": tidy(kept)})
        return self._row(raw, room.id, event)

    def _addressed(self, text: str, content: Json) -> tuple[str, bool]:
        """The text without a leading mention of the bot, and whether it was mentioned."""
        mentions = content.get("m.mentions")
        users = mentions.get("user_ids") if isinstance(mentions, dict) else None
        named = isinstance(users, list) and self._me in users
        link = rf"\[[^\]\n]*\]\(https://matrix\.to/#/{re.escape(self._me)}\)"
        names = [link, re.escape(self._me)]
        if self.display_name:
            names.append("@?" + re.escape(self.display_name))
        start = re.match(rf"\s*(?:{'|'.join(names)})(?:[:,]\s*|\s+|\Z)", text, re.IGNORECASE)
        return (text[start.end() :], True) if start else (text, named)

    def _invitation(self, room_id: str, state: list[Json]) -> Received | None:
        own = [e for e in state if e.get("type") == "m.room.member" and e.get("state_key") == self._me]
        if not own or own[-1]["content"].get("membership") != "invite":
            return None
        invite = own[-1]
        told = Invitation(
            room=room_id,
            by=invite["sender"],
            direct=invite["content"].get("is_direct") is True,
            encrypted=any(event.get("type") == "m.room.encryption" for event in state),
        )
        # Stripped state may come without an event id.
        digest = hashlib.sha256(f"{invite['sender']} {invite.get('origin_server_ts')}".encode()).hexdigest()[:16]
        return self._row({"event_id": f"invite:{room_id}:{digest}", **invite}, room_id, told)

    def _row(self, raw: Json, room_id: str, event: Event) -> Received:
        at = self._at(raw.get("origin_server_ts"))
        return Received(service=SERVICE, key=raw["event_id"], conversation=room_id, at=at, event=event)

    def _at(self, milliseconds: Any) -> datetime:
        try:
            at = datetime.fromtimestamp(milliseconds / 1000, UTC)
        except (TypeError, ValueError, OverflowError, OSError):
            return self._clock()
        return at


def give_up(row: Received, *, file: bool = False) -> Received:
    """A locked row whose key, or whose ``file``, never came."""
    assert isinstance(row.event, Locked)
    event = Unreadable(sender=row.event.sender, room=row.event.room, event=row.event.event, file=file)
    return row.model_copy(update={"event": event})


def _without_fallback(body: str, relation: Json) -> str:
    """A reply's text without the quoted lines that old clients put before it."""
    if not isinstance(relation.get("m.in_reply_to"), dict) or not body.startswith("> "):
        return body
    lines = body.split("\n")
    while lines and lines[0].startswith(">"):
        lines.pop(0)
    return "\n".join(lines[1:] if lines and not lines[0].strip() else lines)


def _prior(raw: Json) -> Json:
    unsigned = raw.get("unsigned")
    prior = unsigned.get("prev_content") if isinstance(unsigned, dict) else None
    return prior if isinstance(prior, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _name(raw: Any) -> str:
    """An event's id for the log, if it has one that looks like it."""
    name = raw.get("event_id") if isinstance(raw, dict) else None
    return name if isinstance(name, str) and re.fullmatch(r"\$[\w:.+/=-]{1,255}", name, re.ASCII) else "?"
