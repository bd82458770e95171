"""Private reports as GitHub delivers them: event ``repository_advisory``, action ``reported``
(docs.github.com/webhooks/webhook-events-and-payloads#repository_advisory).

A delivery is answered once its report is committed. GitHub delivers nothing a second time by itself; what is missed
while the bot is down comes with the next reading of reports. What comes both ways, or twice, is one report: it bears
its own name at GitHub.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from aiohttp import web
from gidgethub import BadRequest, ValidationFailure
from gidgethub.sansio import Event

from adapters.github.advisories import as_report
from adapters.github.settings import GitHubWebhook
from chatops.ports import Filed, Intake, Received

log = logging.getLogger(__name__)

PATH = "/github"
PATIENCE = 10.0
"""Seconds that what is in hand is given when the bot stops."""
_SIGNATURE = "X-Hub-Signature-256"


class Unusable(Exception):
    """It cannot listen as it is configured. One line that says why."""


class Webhook:
    """Takes GitHub's deliveries about ``repository`` at ``PATH``. Port 0 takes any; :attr:`port` is the one taken.

    A body of more than a MiB is refused: the longest report is far shorter.
    """

    def __init__(self, settings: GitHubWebhook, repository: str, intake: Intake) -> None:
        self._settings = settings
        self._repository = repository.casefold()
        self._intake = intake
        self.port = settings.port
        self._runner: web.ServerRunner | None = None

    async def start(self) -> None:
        """Listen. Raises :class:`Unusable` if the address can't be had."""
        server = web.Server(self._take, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=PATIENCE)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._settings.host, self.port).start()
        except OSError as problem:
            why = problem.strerror or type(problem).__name__
            raise Unusable(f"github.webhook_host: cannot listen there ({why})") from None
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Take no more, and answer what was taken."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path != PATH:
            return web.Response(status=404)
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "POST"})
        signature = request.headers.get(_SIGNATURE, "")
        if not signature.startswith("sha256=") or not signature.isascii():  # the library would take SHA-1 as well
            return _refused(401, "unsigned")
        try:
            told = Event.from_http(request.headers, await request.read(), secret=self._settings.secret)
            received = self._received(told)
        except web.HTTPRequestEntityTooLarge:
            return _refused(413, "too-large")
        except ValidationFailure:
            return _refused(401, "badly-signed")
        except (BadRequest, ValueError, LookupError, TypeError, AttributeError):
            return _refused(400, "not-understood")
        if received is not None:
            await self._intake.admit([received])
        return web.Response(status=202 if received is not None else 200)

    def _received(self, told: Event) -> Received | None:
        """What a delivery says of a new report; None if it is of something else, or somewhere else."""
        if told.event != "repository_advisory" or told.data["action"] != "reported":
            return None
        if told.data["repository"]["full_name"].casefold() != self._repository:
            return None
        report = Filed(site="github", **as_report(told.data["repository_advisory"]))
        return Received(
            service="github",
            tenant=self._repository,
            key=report.id,
            conversation="reports",
            at=datetime.now(UTC),
            event=report,
        )


def _refused(status: int, why: str) -> web.Response:
    log.warning("delivery refused: %s", why)
    return web.Response(status=status)
