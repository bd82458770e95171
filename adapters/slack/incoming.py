"""From Slack's payloads to what the core is told. Nothing here waits or asks: what else must be known is handed in.

Shapes are those of the reference at docs.slack.dev: "Events API", "Slash commands", "Interaction payloads". A payload
that lacks what it must have raises :class:`Malformed`, which quotes nothing of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from adapters.slack.typed import plain, without_mention
from chatops.checksums.stream import is_wanted
from chatops.ports import Aside, Event, Invitation, Locked, Member, Reacted, Received, Said

SERVICE = "slack"

Json = dict[str, Any]

_SAID = (None, "file_share", "thread_broadcast", "me_message")
"""Subtypes of messages that somebody wrote. The others tell of edits, deletions, bots and the channel's own doings."""
_GONE = frozenset(
    ("channel_left", "group_left", "channel_archive", "group_archive", "channel_deleted", "group_deleted")
)
"""Events after which the bot can say nothing more in a channel."""
_SLACKBOT = "USLACKBOT"


class Malformed(Exception):
    """A payload that is not of the documented shape. ``code`` names the part, never what is in it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Installation:
    """The workspace that the bot is installed in, who the bot is there, and its address (``auth.test``)."""

    team: str
    bot: str
    url: str | None = None

    def owns(self, body: Mapping[str, Any]) -> bool:
        """Whether a payload is about this installation.

        In a channel shared with another workspace an event, or whoever presses a button, may be of theirs: then the
        authorization, the form's workspace or the author of the message says whose the app is.
        """
        authorized = [part.get("team_id") for part in body.get("authorizations") or () if isinstance(part, dict)]
        if authorized:
            return self.team in authorized
        named = [
            body.get("team_id"),
            _get(body, "team", "id"),
            _get(body, "view", "app_installed_team_id"),
        ]
        return self.team in named or _get(body, "message", "user") == self.bot

    def row(self, key: str, room: str, at: datetime, event: Event) -> Received:
        # An installation is of one workspace (SlackService sees to it): its ids need nothing to tell them apart.
        return Received(service=SERVICE, tenant="", key=key, conversation=room, at=at, event=event)


# --- the Events API ------------------------------------------------------------------------------------------------


def event(here: Installation, body: Mapping[str, Any], now: datetime) -> list[Received]:
    """The rows of an ``event_callback``; none for what is nothing to the core. Raises :class:`Malformed`."""
    key = text_at(body, "event_id")
    told = body.get("event")
    if not isinstance(told, dict):
        raise Malformed("event")
    at = _moment(body.get("event_time"), now)
    kind = text_at(told, "type")
    if kind == "message":
        return _message(here, key, told, now)
    if kind in ("member_joined_channel", "member_left_channel") or kind in _GONE:
        row = _membership(here, key, told, at)
        return [row] if row else []
    return []


def _message(here: Installation, key: str, told: Json, now: datetime) -> list[Received]:
    if told.get("subtype") not in _SAID or told.get("bot_id") or told.get("hidden"):
        return []
    sender, room, ts = text_at(told, "user"), text_at(told, "channel"), text_at(told, "ts")
    if sender in (here.bot, _SLACKBOT):
        return []
    root = told.get("thread_ts")
    thread = root if isinstance(root, str) and root != ts else None
    escaped, addressed = without_mention(str(told.get("text") or ""), here.bot)
    at = _moment(ts, now)
    rows = []
    if escaped.strip() or addressed:
        said = Said(
            sender=sender,
            room=room,
            event=ts,
            text=plain(escaped),
            thread=thread,
            addressed=addressed,
            pair=is_own_pair(told),
        )
        rows.append(here.row(key, room, at, said))
    files = told.get("files")
    for file in files if isinstance(files, list) else ():
        if isinstance(file, dict) and (kept := _archive(file)) is not None:
            kept |= {"thread": thread, "pair": is_own_pair(told)}
            locked = Locked(sender=sender, room=room, event=ts, raw=kept)
            rows.append(here.row(f"{key}/{kept['id']}", room, at, locked))
    return rows


def lost(here: Installation, told: Mapping[str, Any]) -> str | None:
    """Whether an event says that the bot's token counts no more; a token of somebody else's may be meant."""
    revoked = _get(told, "tokens", "bot")
    if told.get("type") == "tokens_revoked" and isinstance(revoked, list) and here.bot in revoked:
        return "token_revoked"
    return "account_inactive" if told.get("type") == "app_uninstalled" else None


def is_own_pair(told: Mapping[str, Any]) -> bool:
    """Whether a message event is of a direct chat with the bot: a bot's token is told of no others."""
    return told.get("channel_type") in ("im", "app_home")


def _archive(file: Json) -> Json | None:
    """What is needed to fetch a file later, if it may be an archive or a patch. Of one shared from another workspace
    only the id is told; its name is asked for when it is fetched (docs.slack.dev, "Slack Connect", files)."""
    if not isinstance(file.get("id"), str):
        return None
    if file.get("file_access") == "check_file_info":
        return {"id": file["id"]}
    if not is_wanted(file.get("name")) or file.get("is_external"):
        return None
    return {"id": file["id"], **fetchable(file)}


def fetchable(file: Mapping[str, Any]) -> Json:
    """Name, size and address of a file object."""
    return {"name": file.get("name"), "size": file.get("size"), "url": file.get("url_private_download")}


def _membership(here: Installation, key: str, told: Json, at: datetime) -> Received | None:
    room = text_at(told, "channel")
    if told["type"] in _GONE:
        by = told.get("user") or told.get("actor_id") or here.bot
        left = told["type"].endswith("_left")
        if not left and by == here.bot:
            return None  # it archived the channel itself
        return here.row(key, room, at, Member(room=room, who=here.bot, by=str(by), now="leave", own=True))
    who = text_at(told, "user")
    if told["type"] == "member_left_channel":
        return here.row(key, room, at, Member(room=room, who=who, by=None, now="leave", own=who == here.bot))
    inviter = told.get("inviter")
    inviter = inviter if isinstance(inviter, str) and inviter else None
    if who != here.bot:
        return here.row(key, room, at, Member(room=room, who=who, by=inviter or who, now="join"))
    if inviter in (None, here.bot):
        return None  # a channel that it made itself
    return here.row(key, room, at, Invitation(room=room, by=inviter, direct=False, encrypted=False))


# --- what people type and press ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Where:
    """Somebody's doing that Slack wants answered: by whom, in which channel, and how to answer only them.

    ``pair``: the channel is the bot's own with them. ``key``: the identity of the doing.
    """

    user: str
    room: str
    key: str
    at: datetime
    url: str | None = None
    pair: bool = False

    @property
    def aside(self) -> Aside:
        return Aside(user=self.user, url=self.url)


def said(here: Installation, where: Where, text: str, fields: dict[str, str] | None = None) -> Received:
    """Somebody typed a command that only they see, or handed in a form for it."""
    event = Said(
        sender=where.user,
        room=where.room,
        event=where.key,
        text=text,
        pair=where.pair,
        aside=where.aside,
        fields=fields,
    )
    return here.row(where.key, where.room, where.at, event)


def pressed(here: Installation, where: Where, target: str, command: str) -> Received:
    """Somebody pressed a button of the message ``target``."""
    event = Reacted(
        sender=where.user, room=where.room, target=target, command=command, pair=where.pair, aside=where.aside
    )
    return here.row(where.key, where.room, where.at, event)


def command(form: Mapping[str, Any], now: datetime, envelope: str | None = None) -> tuple[Where, str]:
    """A slash command: where it was typed, and what stood behind it."""
    room = text_at(form, "channel_id")
    url = form.get("response_url")
    where = Where(
        user=text_at(form, "user_id"),
        room=room,
        key=_identity(form, envelope),
        at=now,
        url=url if isinstance(url, str) else None,
    )
    return where, plain(str(form.get("text") or "")).strip()


def button(body: Mapping[str, Any]) -> tuple[str, str | None] | None:
    """The command of the button that was pressed, and the message that it stood in (None: a home page).

    None for a press that means nothing to the bot: of a link, or of something that is no button.
    """
    actions = body.get("actions")
    first = actions[0] if isinstance(actions, list) and actions else None
    if not isinstance(first, dict) or first.get("type") != "button" or not isinstance(first.get("value"), str):
        return None
    if not first["value"].strip():
        return None
    target = _get(body, "container", "message_ts")
    return first["value"].strip(), target if isinstance(target, str) else None


def interaction(body: Mapping[str, Any], now: datetime, envelope: str | None = None) -> Where:
    """Where a button was pressed or a shortcut used; ``room`` is empty on a home page."""
    user = _get(body, "user", "id")
    if not isinstance(user, str):
        raise Malformed("user")
    room = _get(body, "channel", "id") or _get(body, "container", "channel_id") or ""
    url = body.get("response_url")
    actions = body.get("actions")
    first = actions[0] if isinstance(actions, list) and actions and isinstance(actions[0], dict) else {}
    return Where(
        user=user,
        room=str(room),
        key=_identity(body, envelope),
        at=_moment(first.get("action_ts") or body.get("action_ts"), now),
        url=url if isinstance(url, str) else None,
    )


def submission(body: Mapping[str, Any], now: datetime) -> Where:
    """A form that was handed in; ``room`` is left to the caller, who wrote it into the form.

    The identity is that of the form and of what is in it: pressed again because the answer got lost, it comes
    with another trigger id.
    """
    user, view = _get(body, "user", "id"), _get(body, "view", "id")
    if not isinstance(user, str) or not isinstance(view, str):
        raise Malformed("view")
    filled = json.dumps(_get(body, "view", "state"), sort_keys=True)
    digest = hashlib.sha256(filled.encode(errors="replace")).hexdigest()[:32]
    return Where(user=user, room="", key=f"{view}/{digest}", at=now)


def shortcut_text(body: Mapping[str, Any]) -> str:
    """The text of the message that a shortcut was used on."""
    text = _get(body, "message", "text")
    return plain(text) if isinstance(text, str) else ""


def text_at(part: Mapping[str, Any], name: str) -> str:
    """A field that must be there. Raises :class:`Malformed`."""
    value = part.get(name)
    if not isinstance(value, str) or not value:
        raise Malformed(name)
    return value


def _identity(body: Mapping[str, Any], envelope: str | None) -> str:
    key = body.get("trigger_id") or envelope
    if not isinstance(key, str):
        raise Malformed("trigger_id")
    return key


def _get(body: Mapping[str, Any], part: str, name: str) -> Any:
    inner = body.get(part)
    return inner.get(name) if isinstance(inner, dict) else None


def _moment(seconds: Any, now: datetime) -> datetime:
    """An instant of Slack's: seconds since 1970, as a number or as ``1512085950.000216``."""
    try:
        return datetime.fromtimestamp(float(seconds), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return now
