"""What is done with each payload: its rows are committed, and only then is Slack told that it was taken.

Bolt reads requests, verifies their signatures and answers Slack's own checks. Its app is left out: before it looks for
listeners it makes a Web API client for every request, and ours need none. A payload that fails is a 500 (no
acknowledgement in Socket Mode), and Slack sends an event again. It does not send again what somebody typed or pressed:
they are told.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from slack_bolt.async_app import AsyncBoltRequest
from slack_bolt.middleware.async_builtins import AsyncRequestVerification, AsyncSslCheck, AsyncUrlVerification
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
_CHECK_PATIENCE = 2.0  # seconds

_Take = Callable[[Json, str | None], Awaitable[BoltResponse]]


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
    """Takes a payload of any kind, by HTTP or in Socket Mode."""

    def __init__(self, parts: Parts, signing_secret: str | None) -> None:
        self._parts = parts
        self._here = parts.here
        self._gathering = Gathering(parts.intake)
        self._kinds: Mapping[str, _Take] = {
            "command": self._command,
            "event_callback": self._event,
            "block_actions": self._button,
            "message_action": self._shortcut,
            "view_submission": self._form,
        }
        bolt = quiet("bolt")
        self._checks = (
            AsyncSslCheck(base_logger=bolt),
            AsyncRequestVerification(signing_secret or "", base_logger=bolt),  # not asked in Socket Mode
            AsyncUrlVerification(base_logger=bolt),
        )

    async def answer(self, request: AsyncBoltRequest) -> BoltResponse:
        """What to answer a request."""
        try:
            response = await self._checked(request) or await self._known(request)
        except Exception as problem:  # over a payload that is not what Bolt takes for granted
            log.warning("payload refused: %s", type(problem).__name__)
            return BoltResponse(status=400)
        if response.status != 200:
            log.warning("payload refused: %d", response.status)
        return response

    async def _checked(self, request: AsyncBoltRequest) -> BoltResponse | None:
        """Bolt's answer to what is not Slack's, or only a check of Slack's. None: it is for us."""
        unasked = _taken()
        for check in self._checks:
            answer = await check.async_process(req=request, resp=unasked, next=_passed)
            if answer is not None:
                return answer
        return None

    async def _known(self, request: AsyncBoltRequest) -> BoltResponse:
        """The answer to a request that is known to be Slack's."""
        body = request.body
        take = self._kinds.get("command" if "command" in body else str(body.get("type")))
        if take is None:  # nobody listens to it
            return _taken()
        if not self._here.owns(body):
            return _dropped("other-team")
        try:
            return await take(body, request.context.get("envelope_id"))
        except Malformed as problem:
            return _dropped(problem.code)
        except Exception as problem:
            _failed(problem)
            return BoltResponse(status=500)

    # --- one for each kind --------------------------------------------------------------------------------------------

    async def _command(self, body: Json, envelope: str | None) -> BoltResponse:
        where, line = incoming.command(body, self._parts.clock(), envelope)
        try:
            where = replace(where, pair=await self._parts.pairs.own(where.room, where.user))
            if await self._parts.modals.open(where, body.get("trigger_id"), line):
                return _taken()
            await self._admit(incoming.said(self._here, where, self._as_typed(line)))
        except Exception as problem:
            _failed(problem)
            return _taken(APOLOGY)
        self._parts.homes.touch(where.user)
        return _taken()

    async def _event(self, body: Json, envelope: str | None) -> BoltResponse:
        rows = incoming.event(self._here, body, self._parts.clock())
        told = body["event"]
        if told["type"] == "app_home_opened":
            if told.get("tab", "home") == "home" and isinstance(told.get("user"), str):
                self._parts.homes.opened(told["user"])
        elif (code := incoming.lost(self._here, told)) is not None:
            self._parts.lost(code)
        elif told["type"] == "message" and rows and incoming.is_own_pair(told):
            self._parts.pairs.learn(told["channel"], told["user"])
        if rows:
            await self._admit(*rows)
        for row in rows:
            if isinstance(row.event, Locked):
                self._parts.archives.put(row)
        return _taken()

    async def _button(self, body: Json, envelope: str | None) -> BoltResponse:
        found = incoming.button(body)
        if found is None:
            return _taken()
        command, target = found
        where = await self._placed(incoming.interaction(body, self._parts.clock(), envelope), home=target is None)
        if await self._parts.modals.open(where, body.get("trigger_id"), command):
            return _taken()
        if target is None:
            row = incoming.said(self._here, where, self._as_typed(command))
        else:
            row = incoming.pressed(self._here, where, target, command)
        await self._admit(row)
        self._parts.homes.touch(where.user)
        return _taken()

    async def _shortcut(self, body: Json, envelope: str | None) -> BoltResponse:
        if body.get("callback_id") != VERIFY:
            return _dropped("no-such-shortcut")
        where = await self._placed(incoming.interaction(body, self._parts.clock(), envelope))
        text = f"verify\n{incoming.shortcut_text(body)}"
        await self._admit(incoming.said(self._here, where, self._as_typed(text)))
        return _taken()

    async def _form(self, body: Json, envelope: str | None) -> BoltResponse:
        where = incoming.submission(body, self._parts.clock())
        shown = body["view"]
        if shown.get("callback_id") != forms.CALLBACK:
            return _dropped("no-such-form")
        try:
            origin = forms.Origin.read(shown["private_metadata"])
            values = forms.values(shown["state"]["values"])
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Malformed("view") from None
        where = replace(where, room=origin.room, pair=origin.pair, url=self._parts.modals.url(shown["id"]))
        try:
            async with asyncio.timeout(_CHECK_PATIENCE):
                asker = self._parts.modals.asker(where)
                problems = await self._parts.interactions.check(asker, origin.line, values)
            if not problems:
                await self._admit(incoming.said(self._here, where, self._as_typed(origin.line), values))
        except Exception as problem:
            _failed(problem)
            problems = {"": APOLOGY}
        if problems:
            return _taken({"response_action": "errors", "errors": forms.errors(shown, problems)})
        self._parts.homes.touch(where.user)
        return _taken()

    # --- what they share ----------------------------------------------------------------------------------------------

    async def _admit(self, *rows: Received) -> None:
        await self._gathering.admit(rows)

    async def _placed(self, where: Where, *, home: bool = False) -> Where:
        """With the channel of who pressed on a home page, and whether it is the bot's own with them."""
        if home:
            return replace(where, room=await self._parts.pairs.of(where.user), pair=True)
        return replace(where, pair=await self._parts.pairs.own(where.room, where.user))

    def _as_typed(self, line: str) -> str:
        return f"{self._parts.command} {line}".rstrip()


def _taken(answer: str | Json = "") -> BoltResponse:
    """That it was taken, with something for whoever did it."""
    if isinstance(answer, str):
        return BoltResponse(status=200, body=answer)
    return BoltResponse(status=200, body=json.dumps(answer), headers={"content-type": "application/json"})


def _dropped(code: str) -> BoltResponse:
    """Slack is told that it came, so that it does not send it again."""
    log.warning("payload dropped: %s", code)
    return _taken()


def _failed(problem: Exception) -> None:
    log.error("payload not taken: %s", type(problem).__name__)


async def _passed() -> Any:
    """For Bolt's checks, which call it when they have nothing to say."""
    return None
