"""From effects to calls of the homeserver, each once however often it is tried."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

from adapters.matrix.http import Http, Json, Refused, path
from adapters.matrix.making import Making, membership
from adapters.matrix.pins import Pins
from adapters.matrix.render import LIMIT, render
from adapters.matrix.rooms import Room, Rooms
from adapters.matrix.settings import MatrixSettings
from adapters.matrix.sharing import UNVERIFIED, Sharing
from adapters.matrix.uploads import upload
from chatops.ports import (
    Effect,
    Enter,
    Impossible,
    Invite,
    Leave,
    OpenRoom,
    Post,
    Receipt,
    Redact,
    Remove,
    Retire,
    TryLater,
    Upload,
)

EFFECT = "org.dynasched.chatops.effect"
"""Key in an event's unencrypted content that holds the effect's (random) id."""

_TX_LIFE = timedelta(hours=20)  # Synapse forgets transaction ids after 24 h
_FURTHEST = 50  # pages of 100 events to look through for an older outcome


class Outgoing:
    """Performs effects. Raises TryLater or Impossible."""

    def __init__(self, settings: MatrixSettings, http: Http, rooms: Rooms, sharing: Sharing) -> None:
        self._settings = settings
        self._http = http
        self._rooms = rooms
        self._sharing = sharing
        self._making = Making(settings, http, rooms)
        self._pins = Pins(http)
        self._me = settings.user_id

    async def perform(self, effect: Effect) -> Receipt:
        match effect.deed:
            case OpenRoom() as deed:
                return await self._making.open(effect, deed)
            case Invite() as deed:
                return await self._making.invite(effect, deed.user)
            case Enter():
                return await self._enter(_place(effect))
            case Post() as deed:
                return await self._post(effect, deed)
            case Upload() as deed:
                return await self._upload(effect, deed)
            case Redact() as deed:
                return await self._redact(effect, deed)
            case Remove() as deed:
                return await self._remove(_place(effect), deed)
            case Leave():
                return await self._leave(_place(effect))
            case Retire():  # a room has no such state; who is in it may go on there
                return Receipt(data={"closed": False})
        raise Impossible("unsupported")

    # --- messages -----------------------------------------------------------------------------------------------------

    async def _post(self, effect: Effect, deed: Post) -> Receipt:
        room = await self._rooms.get(_place(effect))
        event = await self._send(room, effect, _message(effect, deed, self._settings), bare=deed.bare)
        target = effect.target if deed.edit else event
        # Something to press: one reaction of the bot's own for each action.
        for number, action in enumerate(deed.document.actions):
            relation = {"rel_type": "m.annotation", "event_id": target, "key": action.emoji}
            try:
                await self._put(room.id, "m.reaction", f"{effect.id}.{number}", {"m.relates_to": relation})
            except Refused as problem:
                if problem.code != "M_DUPLICATE_ANNOTATION":  # it is there from before the edit
                    raise
        if deed.pin and target is not None:
            await self._pins.pin(room.id, target)
        return Receipt(event=event)

    async def _upload(self, effect: Effect, deed: Upload) -> Receipt:
        room = await self._rooms.get(_place(effect))
        if (event := await self._sent_before(room, effect)) is not None:
            return Receipt(event=event)
        content = await upload(self._http, deed, encrypt=room.encrypted)
        return Receipt(event=await self._send(room, effect, content))

    async def _send(self, room: Room, effect: Effect, content: Json, *, bare: bool = False) -> str:
        """Send under the effect's id: the same id on the same device is the same event, also encrypted anew.

        ``bare``: without encryption where nobody has a device that may read.
        """
        if (event := await self._sent_before(room, effect)) is not None:
            return event
        kind = "m.room.message"
        if room.encrypted:
            try:
                content = await self._sharing.encrypt(room, kind, content, effect.audience, effect.place)
                kind = "m.room.encrypted"
            except TryLater as problem:
                if not bare or problem.code != UNVERIFIED:
                    raise
        elif content["msgtype"] == "m.notice" and not content.get("m.mentions"):
            # By the default push rules a notice pings nobody, list or no list, and to check an empty one costs Synapse
            # 5 ms of the 40 that a message takes.
            content = {name: value for name, value in content.items() if name != "m.mentions"}
        return await self._put(room.id, kind, effect.id, {**content, EFFECT: effect.id})

    async def _put(self, room_id: str, kind: str, transaction: str, content: Json) -> str:
        answer = await self._http.call("PUT", path("rooms", room_id, "send", kind, transaction), content)
        return str(answer["event_id"])

    async def _sent_before(self, room: Room, effect: Effect) -> str | None:
        """The event of an earlier try whose transaction id the server may have forgotten."""
        if not effect.attempts or effect.first is None or self._settings.clock() - effect.first < _TX_LIFE:
            return None
        oldest = (effect.first - timedelta(hours=1)).timestamp() * 1000
        query = {"dir": "b", "limit": "100"}
        for _ in range(_FURTHEST):
            page = await self._http.call("GET", path("rooms", room.id, "messages"), query=query)
            events: list[Any] = page.get("chunk") or []
            for event in events:
                content = event.get("content") or {}
                if event.get("sender") == self._me and content.get(EFFECT) == effect.id:
                    return str(event["event_id"])
            if not page.get("end") or (events and events[-1].get("origin_server_ts", 0) < oldest):
                return None
            query["from"] = page["end"]
        raise Impossible("outcome-unknown")  # better a dead letter that somebody looks at than a second message

    async def _redact(self, effect: Effect, deed: Redact) -> Receipt:
        room_id = _place(effect)
        where = path("rooms", room_id, "redact", deed.event, effect.id)
        try:
            answer = await self._http.call("PUT", where, {"reason": deed.reason} if deed.reason else {})
        except Refused as problem:
            await self._explain(problem, room_id, "redact")
        return Receipt(event=str(answer["event_id"]))

    # --- people and places ----------------------------------------------------------------------------------------

    async def _enter(self, room_id: str) -> Receipt:
        server = self._rooms.inviters.get(room_id, room_id).partition(":")[2]
        query = {"server_name": server, "via": server} if server else {}
        await self._http.call("POST", path("join", room_id), {}, query=query, wait=180)
        room = await self._rooms.fetch(room_id)
        others = {user for user, membership in room.members.items() if membership in ("join", "invite")} - {self._me}
        return Receipt(data={"others": sorted(others), "encrypted": room.encrypted})

    async def _remove(self, room_id: str, deed: Remove) -> Receipt:
        body = {"user_id": deed.user, "reason": deed.reason} if deed.reason else {"user_id": deed.user}
        try:
            await self._http.call("POST", path("rooms", room_id, "kick"), body)
        except Refused as problem:
            present = await membership(self._http, room_id, deed.user) in {"join", "invite"}
            if present or problem.status not in {403, 404}:
                await self._explain(problem, room_id, "kick")
        return Receipt()

    async def _leave(self, room_id: str) -> Receipt:
        for step in ("leave", "forget"):
            try:
                await self._http.call("POST", path("rooms", room_id, step), {})
            except Refused as problem:
                if problem.status not in {403, 404}:  # not in it (any more)
                    raise
        self._rooms.left(room_id)
        return Receipt()

    async def _explain(self, problem: Refused, room_id: str, deed: Any) -> None:
        """Raise the refusal, as ``no-power`` if that is what it is for."""
        room = self._rooms.known(room_id)
        if problem.status == 403 and room is not None and not room.may(self._me, deed):
            raise Impossible("no-power") from None
        raise problem


def _place(effect: Effect) -> str:
    if effect.room is None:
        raise Impossible("no-room")
    return effect.room


def _door(room: str, me: str) -> str:
    """A room's address (matrix.to), by way of our own server, as we are in it. Clients show its name."""
    server = me.partition(":")[2]
    return f"https://matrix.to/#/{quote(room, safe='!:')}?via={quote(server, safe=':')}"


def _message(effect: Effect, deed: Post, settings: MatrixSettings) -> Json:
    """The content of a notice: body, HTML, whom it pings, and what it answers or replaces."""
    limit = LIMIT // 2 if deed.edit else LIMIT
    shown = render(
        deed.document,
        people=deed.people,
        discreet=deed.discreet,
        prefix=settings.prefix,
        limit=limit,
        doors={case: _door(room, settings.user_id) for case, room in deed.doors.items()},
    )
    content: Json = {
        # Clients ring for no notice, by the default push rules; who is pinged is to hear it. Not where a notification
        # must stay discreet: some clients make one of an m.text from its formatted body.
        "msgtype": "m.text" if deed.ping and not deed.discreet else "m.notice",
        "body": shown.body,
        "format": "org.matrix.custom.html",
        "formatted_body": shown.formatted_body,
        # Only who is to be notified; a name in the text alone pings nobody.
        "m.mentions": {"user_ids": list(deed.ping)} if deed.ping else {},
    }
    if deed.edit:
        if effect.target is None:
            raise Impossible("no-target")
        return {
            **content,
            "body": f"* {shown.body}",
            "formatted_body": f"* {shown.formatted_body}",
            "m.mentions": {},  # an edit pings nobody anew
            "m.new_content": content,
            "m.relates_to": {"rel_type": "m.replace", "event_id": effect.target},
        }
    answered = deed.reply_to or deed.thread
    if answered:
        relation: Json = {"m.in_reply_to": {"event_id": answered}}
        if deed.thread:
            relation |= {"rel_type": "m.thread", "event_id": deed.thread, "is_falling_back": deed.reply_to is None}
        content["m.relates_to"] = relation
    return content
