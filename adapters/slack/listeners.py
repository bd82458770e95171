"""What is done with each payload: its rows are committed, and only then is Slack told that it was taken.

Bolt verifies signatures and tells the kinds apart. In the mode ``process_before_response`` its answer goes out when the
listener returns; a listener that fails is a 500 (no acknowledgement in Socket Mode), and Slack sends an event again.
It does not send again what somebody typed or pressed: they are told.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.response import BoltResponse

from adapters.slack import forms, incoming
from adapters.slack.archives import Archives
from adapters.slack.gathering import Gathering
from adapters.slack.home import Homes
from adapters.slack.incoming import Installation, Json, Malformed, Where
from adapters.slack.modals import Modals
from adapters.slack.pairs import Pairs
from adapters.slack.quiet import quiet
from chatops.ports import Intake, Interactions, Locked, Received

log = logging.getLogger(__name__)

VERIFY = "verify-lines"
"""The callback id of the message shortcut "Verify checksum lines"."""
APOLOGY = "I could not take that; please send it again."
_ANY = re.compile("")
_CHECK_PATIENCE = 2.0  # seconds


@dataclass(frozen=True)
class Parts:
    """What listeners work with."""

    here: Installation
    command: str
    intake: Intake
    interactions: Interactions
    pairs: Pairs
    modals: Modals
    homes: Homes
    archives: Archives
    lost: Callable[[str], None]
    """Told, with a code, that the bot's token counts no more."""
    clock: Callable[[], datetime]


class Listeners:
    """Bolt's app with a listener for every kind of payload."""

    def __init__(self, parts: Parts, signing_secret: str | None) -> None:
        self._parts = parts
        self._here = parts.here
        self._gathering = Gathering(parts.intake)
        self._app = app = AsyncApp(
            name="slack",
            logger=quiet("bolt"),
            process_before_response=True,
            signing_secret=signing_secret or "",
            request_verification_enabled=signing_secret is not None,
            authorize=_Authorized(parts.here),
            ignoring_self_events_enabled=False,  # what the bot does itself is told apart in incoming
            attaching_function_token_enabled=False,
            attaching_conversation_kwargs_enabled=False,
        )
        app.command(_ANY)(self._command)
        app.event(_ANY)(self._event)
        app.action(_ANY)(self._button)
        app.view(_ANY)(self._form)
        app.shortcut(_ANY)(self._shortcut)
        app.error(self._failed)

    async def answer(self, request: AsyncBoltRequest) -> BoltResponse:
        """What to answer a request. Of kinds that nobody listens to, that it came."""
        try:
            response = await self._app.async_dispatch(request)
        except Exception as problem:  # Bolt's own, over a payload that lacks what Bolt takes for granted
            log.warning("payload refused: %s", type(problem).__name__)
            return BoltResponse(status=400)
        if response.status == 404:
            return BoltResponse(status=200)
        if response.status != 200:
            log.warning("payload refused: %d", response.status)
        return response

    async def _failed(self, error: Exception) -> None:
        log.error("payload not taken: %s", type(error).__name__)

    # --- one for each kind --------------------------------------------------------------------------------------------

    async def _command(self, ack: AsyncAck, body: Json, context: AsyncBoltContext) -> None:
        try:
            where, line = incoming.command(body, self._parts.clock(), context.get("envelope_id"))
        except Malformed as problem:
            return await self._dropped(ack, problem.code)
        if not self._here.owns(body):
            return await self._dropped(ack, "other-team")
        try:
            where = replace(where, pair=await self._parts.pairs.own(where.room, where.user))
            if await self._parts.modals.open(where, body.get("trigger_id"), line):
                await ack()
                return None
            await self._admit([incoming.said(self._here, where, self._as_typed(line))])
        except Exception as problem:
            await self._failed(problem)
            await ack(APOLOGY)
            return None
        await ack()
        self._parts.homes.touch(where.user)
        return None

    async def _event(self, ack: AsyncAck, body: Json) -> None:
        if not self._here.owns(body):
            return await self._dropped(ack, "other-team")
        told = body["event"]
        if told["type"] == "app_home_opened":
            if told.get("tab", "home") == "home" and isinstance(told.get("user"), str):
                self._parts.homes.opened(told["user"])
            return None
        if (code := incoming.lost(self._here, told)) is not None:
            self._parts.lost(code)
            return None
        try:
            rows = incoming.event(self._here, body, self._parts.clock())
        except Malformed as problem:
            return await self._dropped(ack, problem.code)
        if told["type"] == "message" and rows and incoming.is_own_pair(told):
            self._parts.pairs.learn(told["channel"], told["user"])
        if rows:
            await self._admit(rows)
        for row in rows:
            if isinstance(row.event, Locked):
                self._parts.archives.put(row)
        return None

    async def _button(self, ack: AsyncAck, body: Json, context: AsyncBoltContext) -> None:
        found = incoming.button(body)
        if found is None:
            await ack()
            return None
        command, target = found
        try:
            where = incoming.interaction(body, self._parts.clock(), context.get("envelope_id"))
        except Malformed as problem:
            return await self._dropped(ack, problem.code)
        if not self._here.owns(body):
            return await self._dropped(ack, "other-team")
        where = await self._placed(where, target)
        if await self._parts.modals.open(where, body.get("trigger_id"), command):
            await ack()
            return None
        if target is None:
            row = incoming.said(self._here, where, self._as_typed(command))
        else:
            row = incoming.pressed(self._here, where, target, command)
        await self._admit([row])
        await ack()
        self._parts.homes.touch(where.user)
        return None

    async def _shortcut(self, ack: AsyncAck, body: Json, context: AsyncBoltContext) -> None:
        if body.get("callback_id") != VERIFY or body.get("type") != "message_action":
            return await self._dropped(ack, "no-such-shortcut")
        try:
            where = incoming.interaction(body, self._parts.clock(), context.get("envelope_id"))
        except Malformed as problem:
            return await self._dropped(ack, problem.code)
        if not self._here.owns(body):
            return await self._dropped(ack, "other-team")
        where = await self._placed(where, "")
        text = f"verify\n{incoming.shortcut_text(body)}"
        await self._admit([incoming.said(self._here, where, self._as_typed(text))])
        await ack()
        return None

    async def _form(self, ack: AsyncAck, body: Json) -> None:
        shown = body["view"]
        if shown.get("callback_id") != forms.CALLBACK:
            return await self._dropped(ack, "no-such-form")
        if not self._here.owns(body):
            return await self._dropped(ack, "other-team")
        try:
            where = incoming.submission(body, self._parts.clock())
            origin = forms.Origin.read(shown["private_metadata"])
            values = forms.values(shown["state"]["values"])
        except Malformed as problem:
            return await self._dropped(ack, problem.code)
        except (KeyError, TypeError, ValueError):
            return await self._dropped(ack, "view")
        where = replace(where, room=origin.room, pair=origin.pair, url=self._parts.modals.url(shown["id"]))
        asker = self._parts.modals.asker(where)
        try:
            async with asyncio.timeout(_CHECK_PATIENCE):
                problems = await self._parts.interactions.check(asker, origin.line, values)
            if not problems:
                await self._admit([incoming.said(self._here, where, self._as_typed(origin.line), values)])
        except Exception as problem:
            await self._failed(problem)
            problems = {"": APOLOGY}
        if problems:
            await ack(response_action="errors", errors=forms.errors(shown, problems))
            return None
        await ack()
        self._parts.homes.touch(where.user)
        return None

    # --- what they share ----------------------------------------------------------------------------------------------

    async def _admit(self, rows: list[Received]) -> None:
        await self._gathering.admit(rows)

    async def _placed(self, where: Where, target: str | None) -> Where:
        """With the channel of who pressed on a home page, and whether it is the bot's own with them."""
        if target is None:
            return replace(where, room=await self._parts.pairs.of(where.user), pair=True)
        return replace(where, pair=await self._parts.pairs.own(where.room, where.user))

    def _as_typed(self, line: str) -> str:
        return f"{self._parts.command} {line}".rstrip()

    async def _dropped(self, ack: AsyncAck, code: str) -> None:
        """Slack is told that it came, so that it does not send it again."""
        log.warning("payload dropped: %s", code)
        await ack()


class _Authorized(AsyncAuthorize):
    """One installation, known from the start. No listener uses Bolt's client, so it gets no token, and Slack is not
    asked about it with every request."""

    def __init__(self, here: Installation) -> None:
        self._result = AuthorizeResult(enterprise_id=None, team_id=here.team, bot_user_id=here.bot)

    async def __call__(self, **_: object) -> AuthorizeResult:
        return self._result
