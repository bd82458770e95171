"""The bot's front towards Slack on a real store, with a core and a Web API that say what the test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from adapters.slack.archives import Archives
from adapters.slack.home import Homes
from adapters.slack.incoming import Installation
from adapters.slack.listeners import Listeners, Parts
from adapters.slack.modals import Modals
from adapters.slack.pairs import Pairs
from adapters.slack.serve import PATH, Http, SocketMode
from adapters.slack.settings import SlackSettings, utc_now
from adapters.slack.web import Client, Web
from adapters.stage.slack_proxy import SlackProxy
from adapters.stage.slackers import BOT, TEAM, Posts, Slackers, Socket
from chatops.ports import Asker, Form, FormField, Impossible, Post, Received
from chatops.service import schema
from chatops.service.intake import StoreIntake, as_received
from chatops.service.store import Store
from tests.service.kit import inbox, until

Way = Literal["http", "socket"]
SECRET = "fake-signing-secret"
MAINTAINER, DEBIAN, REPORTER = "U0MAINTAINER", "U0DEBIAN", "U0REPORTER"


def report_form(line: str = "report") -> Form:
    return Form(
        line=line,
        title="Report",
        fields=(
            FormField(name="summary", label="Summary", hint="A sentence", shape="line", required=True),
            FormField(name="text", label="What you found", hint="", shape="text", required=False),
        ),
    )


class Core:
    """ports.Interactions, by the test's script."""

    def __init__(self) -> None:
        self.forms: dict[str, Form] = {}
        self.problems: dict[str, str] = {}
        self.page: tuple[Post, ...] = ()
        self.asked: list[tuple[Asker, str]] = []
        self.checked: list[tuple[Asker, str, dict[str, str]]] = []
        self.broken: Exception | None = None

    def may_open(self, line: str) -> bool:
        return True

    async def form(self, asker: Asker, line: str) -> Form | None:
        self.asked.append((asker, line))
        if self.broken is not None:
            raise self.broken
        return self.forms.get(line)

    async def check(self, asker: Asker, line: str, values: Mapping[str, str]) -> dict[str, str]:
        self.checked.append((asker, line, dict(values)))
        if self.broken is not None:
            raise self.broken
        return self.problems

    async def home(self, asker: Asker) -> tuple[Post, ...]:
        self.asked.append((asker, "home"))
        return self.page


class Api:
    """The Web API by script: ``answers`` by method are answers, errors to raise, or functions of the arguments."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {
            "conversations.info": Impossible("channel_not_found"),
            "conversations.open": lambda arguments: {"ok": True, "channel": {"id": f"D{arguments['users'][1:]}"}},
            "views.open": lambda arguments: {"ok": True, "view": {**arguments["view"], "id": "V0FORM"}},
            "views.publish": {"ok": True},
        }

    async def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        self.calls.append((method, arguments))
        answer = self.answers[method]
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            answer = answer(arguments)
            answer = await answer if asyncio.iscoroutine(answer) else answer
        return dict(answer)

    def called(self, method: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.calls if name == method]


class Intake(StoreIntake):
    """The real one; ``problem`` is raised instead of committing, ``held`` keeps it from beginning to."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, asyncio.Event())
        self.problem: Exception | None = None
        self.held: asyncio.Event | None = None
        self.came = asyncio.Event()
        self.admissions = 0

    async def admit(self, received: Sequence[Received], *, cursor: tuple[str, str] | None = None) -> None:
        self.admissions += 1
        self.came.set()
        if self.held is not None:
            await self.held.wait()
        if self.problem is not None:
            raise self.problem
        await super().admit(received, cursor=cursor)


class Front:
    """Everything between Slack and the inbox. ``slackers`` reach it the ``way`` that it listens."""

    def __init__(self, store: Store, web: Web | None = None, largest: int = 1 << 20) -> None:
        self.store = store
        self.core = Core()
        self.api = Api()
        self.intake = Intake(store)
        self.lost: list[str] = []
        settings = SlackSettings(bot_token="xoxb-fake-bot-token")
        self.web = web or Web(settings)
        here = Installation(TEAM, BOT)
        self.homes = Homes(here, self.api, self.core, lambda post: [{"type": "section", "text": post.document.title}])
        self.archives = Archives(self.web, self.web.client.base_url, largest, self.intake.unlock)
        self.listeners = Listeners(
            Parts(
                here=here,
                command="/dynasched",
                intake=self.intake,
                interactions=self.core,
                pairs=Pairs(self.api),
                modals=Modals(here, self.api, self.core),
                homes=self.homes,
                archives=self.archives,
                lost=self.lost.append,
                clock=utc_now,
            ),
            SECRET,
        )
        self.slackers: Slackers
        self.socket: Socket | None = None
        self.posts: Posts | None = None
        self.server: Http | SocketMode

    def rows(self) -> list[Received]:
        """What is committed, as another connection to the database sees it."""
        return [as_received(row) for row in inbox(self.store)]

    async def until_rows(self, number: int) -> list[Received]:
        await until(lambda: len(self.rows()) >= number)
        return self.rows()


@asynccontextmanager
async def serving(folder: Path, way: Way = "http", **more: Any) -> AsyncIterator[Front]:
    """A front that is up, on a database in ``folder`` (the same one when called again)."""
    url = f"sqlite:///{folder / 'chatops.db'}"
    async with AsyncExitStack() as stack:
        store = stack.enter_context(Store(url))
        schema.upgrade(url)
        front = Front(store, **more)
        tasks = [asyncio.create_task(front.homes.run()), asyncio.create_task(front.archives.run())]
        stack.push_async_callback(_cancel, tasks)
        if way == "http":
            await _http(front, stack)
        else:
            await _socket(front, stack)
        yield front


async def _http(front: Front, stack: AsyncExitStack) -> None:
    front.server = server = Http(front.listeners.answer, "127.0.0.1", 0)
    await server.start()
    front.posts = Posts(f"http://127.0.0.1:{server.port}{PATH}", SECRET)
    front.slackers = Slackers(front.posts)
    stack.push_async_callback(server.stop)
    stack.push_async_callback(front.posts.close)


async def _socket(front: Front, stack: AsyncExitStack) -> None:
    proxy, front.socket = SlackProxy("http://127.0.0.1:9"), Socket()
    await proxy.start()
    stack.push_async_callback(proxy.stop)
    await front.socket.start()
    stack.push_async_callback(front.socket.stop)
    proxy.answer("apps.connections.open", front.socket.opened)
    front.slackers = Slackers(front.socket)
    client = Client(None, proxy.api)
    front.server = SocketMode(front.listeners.answer, lambda: "xapp-fake", lambda problem: None, client)
    await front.server.start()
    stack.push_async_callback(front.server.stop)
    await front.socket.connected()


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
