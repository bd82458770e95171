"""From effects to calls of the Web API, each once however often it is tried."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial

from adapters.slack.asides import Asides
from adapters.slack.limits import Json
from adapters.slack.making import Making
from adapters.slack.past import Attempt, Attempts, Past, mark
from adapters.slack.render import Rendered, render
from adapters.slack.rooms import Rooms
from adapters.slack.settings import SlackSettings
from adapters.slack.uploads import Uploads
from adapters.slack.web import Refused, Web
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
    Upload,
)

log = logging.getLogger(__name__)

Render = Callable[[Post], Rendered]

_PATIENCE = 10.0
"""Seconds that what is said at once or never waits for the rate."""


class Outgoing:
    """Performs effects. ``bot`` is our user id, ``workspace`` our address. Raises TryLater or Impossible."""

    def __init__(
        self,
        settings: SlackSettings,
        web: Web,
        bot: str,
        renderer: Render | None = None,
        *,
        workspace: str | None = None,
    ) -> None:
        self._web = web
        self._render = renderer or partial(render, command=settings.command, workspace=workspace)
        self._attempts = Attempts()
        self._past = Past(settings, web, bot)
        self._rooms = Rooms(web, bot)
        self._making = Making(web, bot, self._rooms, self._past, connect=settings.connect)
        self._asides = Asides(settings, web, self._making.direct)
        self._uploads = Uploads(settings, web, self._past)

    def members_changed(self, room: str) -> None:
        """Tell of every event about somebody's coming or going: what is known of a channel's members is old then."""
        self._rooms.members_changed(room)

    async def perform(self, effect: Effect) -> Receipt:
        with self._attempts.of(effect) as attempt:
            return await self._perform(attempt)

    async def _perform(self, attempt: Attempt) -> Receipt:
        effect = attempt.effect
        match effect.deed:
            case Post() as deed:
                return await self._post(attempt, deed)
            case OpenRoom() as deed:
                return await self._making.open(attempt, deed)
            case Invite() as deed:
                return await self._making.invite(attempt, _place(effect), deed.user)
            case Enter():
                return await self._rooms.enter(_place(effect))
            case Upload() as deed:
                return await self._upload(attempt, deed)
            case Redact() as deed:
                return await self._redact(_place(effect), deed)
            case Remove() as deed:
                return await self._rooms.remove(_place(effect), deed.user)
            case Leave():
                return await self._rooms.leave(_place(effect))
            case Retire():
                return await self._rooms.retire(_place(effect))
        raise Impossible("unsupported")

    async def _post(self, attempt: Attempt, deed: Post) -> Receipt:
        effect = attempt.effect
        rendered = self._render(deed)
        if deed.aside is not None:
            await self._asides.tell(effect, deed, rendered.messages)
            return Receipt()
        room = _place(effect)
        await self._rooms.expect(room, effect.audience)
        if deed.edit is not None:
            event = await self._edit(effect, room, rendered.messages[0])
        else:
            event = await self._say(attempt, room, deed, rendered.messages)
            if rendered.file is not None:
                await self._uploads.attach(attempt, rendered.file, room, deed.thread, after=event)
        if deed.pin:
            await self._pin(room, event)
        return Receipt(event=event)

    async def _say(self, attempt: Attempt, room: str, deed: Post, messages: Sequence[Json]) -> str:
        """Post what is not there yet; returns the event id of the first message."""
        said = {} if attempt.clean else await self._past.posted(attempt.effect, room, deed.thread)
        for part, message in enumerate(messages):
            if part in said:
                continue
            answer = await self._web.call(
                "chat.postMessage",
                channel=room,
                thread_ts=deed.thread,
                metadata=mark(attempt.effect, part),
                mrkdwn=False,
                unfurl_links=False,  # Slack would fetch what a case links to
                unfurl_media=False,
                patience=_PATIENCE if deed.instant else 0,
                **message,
            )
            attempt.trace = True
            said[part] = str(answer["ts"])
        return said[0]

    async def _edit(self, effect: Effect, room: str, message: Json) -> str:
        if effect.target is None:
            raise Impossible("no-target")
        await self._web.call("chat.update", channel=room, ts=effect.target, parse="none", **message)
        return effect.target

    async def _pin(self, room: str, event: str) -> None:
        try:
            await self._web.call("pins.add", channel=room, timestamp=event, allow=("already_pinned",))
        except Refused as no:  # it was said, which is what matters
            log.warning("a message in %s is not pinned: %s", room, no.code)

    async def _upload(self, attempt: Attempt, deed: Upload) -> Receipt:
        room = _place(attempt.effect)
        await self._rooms.expect(room, attempt.effect.audience)
        return await self._uploads.upload(attempt, deed, room)

    async def _redact(self, room: str, deed: Redact) -> Receipt:
        """A bot may take back its own messages only; others are refused (``cant_delete_message``)."""
        await self._web.call("chat.delete", channel=room, ts=deed.event, allow=("message_not_found",))
        return Receipt()


def _place(effect: Effect) -> str:
    if effect.room is None:
        raise Impossible("no-room")
    return effect.room
