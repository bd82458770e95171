"""Opens forms while their trigger is good (three seconds), and remembers where to answer what is handed in."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict

from adapters.slack.forms import Origin, view
from adapters.slack.incoming import SERVICE, Installation, Where
from adapters.slack.methods import Caller
from chatops.ports import Asker, Form, Impossible, Interactions, TryLater

log = logging.getLogger(__name__)

OPEN = 1_000
"""So many open forms are remembered."""
_FORM_PATIENCE = 1.0  # seconds
_OPEN_PATIENCE = 1.5


class Modals:
    def __init__(self, here: Installation, web: Caller, interactions: Interactions) -> None:
        self._here = here
        self._web = web
        self._interactions = interactions
        # Not in the form: whoever has such an address can speak as the bot.
        self._urls: OrderedDict[str, str | None] = OrderedDict()

    async def open(self, where: Where, trigger: str | None, line: str) -> bool:
        """Open the form of a command that was typed without what it needs. False: there is none, or it did not open;
        the command is to be taken as it was typed. A form is opened at most once for a trigger."""
        if trigger is None or not self._interactions.may_open(line):
            return False
        form = await self._form(where, line)
        if form is None or not form.fields:
            return False
        shown = view(form, Origin(form.line, where.room, where.pair))
        try:
            async with asyncio.timeout(_OPEN_PATIENCE):
                opened = await self._web.call("views.open", trigger_id=trigger, view=shown)
        except Impossible as problem:
            log.warning("form: %s", problem.code)
            return problem.code == "exchanged_trigger_id"  # it was opened when this came first
        except (TryLater, TimeoutError) as problem:
            log.warning("form: %s", problem.code if isinstance(problem, TryLater) else "timeout")
            return False
        self._remember(str(opened.get("view", {}).get("id")), where.url)
        return True

    def url(self, view_id: str) -> str | None:
        """Where an answer is taken that only the person sees, if this process opened the form."""
        return self._urls.get(view_id)

    async def _form(self, where: Where, line: str) -> Form | None:
        try:
            async with asyncio.timeout(_FORM_PATIENCE):
                return await self._interactions.form(self.asker(where), line)
        except Exception as problem:
            log.error("form: %s", type(problem).__name__)
            return None

    def asker(self, where: Where) -> Asker:
        return Asker(service=SERVICE, tenant="", user=where.user, room=where.room or None)

    def _remember(self, view_id: str, url: str | None) -> None:
        self._urls[view_id] = url
        if len(self._urls) > OPEN:
            self._urls.popitem(last=False)
