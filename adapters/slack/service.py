"""The Slack service: wires the parts, starts and stops them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from functools import partial

from adapters.slack.archives import Archives
from adapters.slack.home import Homes
from adapters.slack.incoming import SERVICE, Installation
from adapters.slack.listeners import Listeners, Parts
from adapters.slack.modals import Modals
from adapters.slack.outgoing import Outgoing
from adapters.slack.pairs import Pairs
from adapters.slack.render import home
from adapters.slack.serve import Http, SocketMode
from adapters.slack.settings import SlackSettings
from adapters.slack.web import Client, Web
from chatops.ports import Effect, Impossible, Intake, Interactions, Member, Receipt, Received, TryLater, Working

log = logging.getLogger(__name__)

_TEAM = "slack team"
"""The cursor that keeps which workspace this installation belongs to."""
_REFUSED = "slack token"
"""The cursor that keeps why Slack refuses our token, of which the core was told; empty if it does not."""
_DEAF = "slack connection"
"""The same of the app-level token, without which nothing is heard."""
_LOOKS_AGAIN = 2.0
"""Seconds from one look for another token to the next."""


class Unusable(Exception):
    """Slack can't be used as configured. The text is one line for the operator, without a secret."""


class SlackService:
    """A ports.Service. One object is started once."""

    name = SERVICE

    def __init__(self, settings: SlackSettings, interactions: Interactions) -> None:
        self._settings = settings
        self._interactions = interactions
        self._web = Web(settings)
        self._tasks: list[asyncio.Task[None]] = []
        self._server: Http | SocketMode | None = None
        self._deaf = ""
        self._heard = asyncio.Event()
        self._outgoing: Outgoing | None = None

    @property
    def port(self) -> int:
        """HTTP mode: where it listens, once started."""
        assert isinstance(self._server, Http)
        return self._server.port

    async def start(self, intake: Intake) -> None:
        """Ask who we are, take up what was left, and begin to listen.

        Raises:
            Unusable: a token is missing or refused, or is of another workspace than before.
            TryLater: Slack can't be reached.
        """
        self._web.open()
        try:
            await self._start(intake)
        except BaseException:
            await self.stop()
            raise

    async def _start(self, intake: Intake) -> None:
        here = await self._who(intake)
        self._outgoing = outgoing = Outgoing(self._settings, self._web, here.bot, workspace=here.url)
        page = partial(home, command=self._settings.command, workspace=here.url)
        homes = Homes(here, self._web, self._interactions, page)
        archives = Archives(self._web, self._settings.api, self._settings.largest_archive, intake.unlock)
        for row in await intake.locked(SERVICE):
            archives.put(row)
        parts = Parts(
            here=here,
            command=self._settings.command,
            intake=_Noticing(intake, outgoing),
            interactions=self._interactions,
            pairs=Pairs(self._web),
            modals=Modals(here, self._web, self._interactions),
            homes=homes,
            archives=archives,
            lost=self._web.revoke,
            clock=self._settings.clock,
        )
        if await intake.cursor(_REFUSED):
            await self._tell(intake, "")
        work = (homes.run(), archives.run(), self._mind(intake), self._mind_hearing(intake))
        self._tasks = [asyncio.create_task(one) for one in work]
        self._server = self._listen(Listeners(parts, self._settings.signing_secret))
        await self._connect(self._server)
        log.info("Slack workspace %s", here.team)

    def _listen(self, listeners: Listeners) -> Http | SocketMode:
        if self._settings.host is not None:
            if self._settings.signing_secret is None:
                raise Unusable("slack.signing_secret_file: HTTP mode needs the app's signing secret")
            return Http(listeners.answer, self._settings.host, self._settings.port)
        if self._settings.app_token is None:
            raise Unusable("slack.app_token_file: Socket Mode needs an app-level token (or set slack.host for HTTP)")
        client = Client(None, self._settings.api, self._web.session)
        return SocketMode(listeners.answer, partial(self._app_token, self._settings.app_token), self._hears, client)

    def _app_token(self, at_start: str) -> str:
        if self._settings.read_app_token is None:
            return at_start
        try:
            return self._settings.read_app_token()
        except Exception as problem:  # somebody is just putting the new one there
            log.warning("the app-level token cannot be read: %s", type(problem).__name__)
            return at_start

    def _hears(self, problem: str) -> None:
        """Whether Slack lets us listen, each time that it is asked to."""
        if problem and problem != self._deaf:
            log.error("Slack refuses the app-level token (%s): nothing is heard until there is another", problem)
        self._deaf = problem
        self._heard.set()

    async def _connect(self, server: Http | SocketMode) -> None:
        try:
            await server.start()
        except Impossible as problem:
            raise Unusable(f"Slack refuses the app-level token ({problem.code})") from None
        except OSError as problem:
            raise Unusable(f"slack.host: cannot listen there ({problem.strerror or type(problem).__name__})") from None

    async def _who(self, intake: Intake) -> Installation:
        """The workspace and our user in it. An installation stays with one: its people's ids mean nothing elsewhere."""
        try:
            told = await self._web.call("auth.test")
        except TryLater as problem:
            if self._web.revoked is not None:
                raise Unusable(f"Slack refuses the bot's token ({problem.code})") from None
            raise
        team = str(told["team_id"])
        before = await intake.cursor(_TEAM)
        if before not in (None, team):
            raise Unusable(f"the bot's token is of workspace {team}, but this installation belongs to {before}")
        await intake.admit((), cursor=(_TEAM, team))
        self._web.team = team
        return Installation(team, str(told["user_id"]), told.get("url"))

    async def _mind(self, intake: Intake) -> None:
        """Tell the core when Slack does not take our token any more, and when it takes one again."""
        while True:
            await self._web.refused.wait()
            await self._tell(intake, self._web.revoked or "refused")
            while self._web.refused.is_set():
                await asyncio.sleep(_LOOKS_AGAIN)
                with contextlib.suppress(TryLater, Impossible):
                    await self._web.call("auth.test")
            await self._tell(intake, "")

    async def _mind_hearing(self, intake: Intake) -> None:
        """Tell the core when Slack does not let us listen any more, and when it does again."""
        while True:
            await self._heard.wait()
            self._heard.clear()
            if self._deaf != (await intake.cursor(_DEAF) or ""):
                await self._tell(intake, self._deaf, deaf=True)

    async def _tell(self, intake: Intake, problem: str, *, deaf: bool = False) -> None:
        now = self._settings.clock()
        row = Received(
            service=SERVICE,
            key=f"{'connection' if deaf else 'token'} {now.isoformat()} {problem}",
            conversation="token",
            at=now,
            event=Working(problem=problem, deaf=deaf),
        )
        await intake.admit((row,), cursor=(_DEAF if deaf else _REFUSED, problem))

    async def perform(self, effect: Effect) -> Receipt:
        """Do it. Raises :class:`TryLater` or :class:`chatops.ports.Impossible`."""
        if self._outgoing is None:
            raise TryLater("not-started")
        return await self._outgoing.perform(effect)

    async def stop(self) -> None:
        """Take nothing new, answer what was taken, disconnect."""
        if self._server is not None:
            await self._server.stop()
            self._server = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self._web.close()


class _Noticing:
    """The intake, telling what goes out of everybody who comes or goes: who is in a room is old news then."""

    def __init__(self, intake: Intake, outgoing: Outgoing) -> None:
        self._intake = intake
        self._outgoing = outgoing

    async def admit(self, received: Sequence[Received], *, cursor: tuple[str, str] | None = None) -> None:
        for one in received:
            if isinstance(one.event, Member):
                self._outgoing.members_changed(one.event.room)
        await self._intake.admit(received, cursor=cursor)

    async def cursor(self, name: str) -> str | None:
        return await self._intake.cursor(name)

    async def locked(self, service: str) -> Sequence[Received]:
        return await self._intake.locked(service)

    async def unlock(self, received: Received) -> None:
        await self._intake.unlock(received)
