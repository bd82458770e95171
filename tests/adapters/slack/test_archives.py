"""Dropped archives: hashed as they stream, after their message was taken, and not lost with the process."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web as http

from adapters.slack.outgoing import Outgoing
from adapters.slack.serve import PATH
from adapters.slack.service import SlackService
from adapters.slack.settings import SlackSettings
from adapters.slack.web import Web
from adapters.stage.slack_proxy import SlackProxy
from adapters.stage.slackers import BOT, TEAM, Posts, Slackers
from chatops.ports import Dropped, Locked, Nothing, Said, Unreadable, Upload
from chatops.service import schema
from chatops.service.intake import StoreIntake, as_received
from chatops.service.store import Store
from tests.adapters.slack.front import DEBIAN, SECRET, Core, Front, serving
from tests.adapters.slack.kit import Workspace, effect
from tests.service.kit import inbox, until

CONTENT = bytes(range(256)) * 5000
NAME = "dynasched-1.0.1.tar.gz"


class Slack:
    """As much of Slack as a download needs. ``play`` answers for a file; ``held`` keeps it from answering."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[http.BaseRequest] = []
        self.held: asyncio.Event | None = None
        self.play: Callable[[], http.Response] = lambda: http.Response(body=CONTENT)
        self.info: dict[str, Any] = {}
        self._runner = http.ServerRunner(http.Server(self._serve), shutdown_timeout=0.1)

    async def start(self) -> None:
        await self._runner.setup()
        await http.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = "http://{}:{}".format(*self._runner.addresses[0][:2])

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _serve(self, request: http.BaseRequest) -> http.StreamResponse:
        if request.path == "/api/auth.test":
            return http.json_response({"ok": True, "team_id": TEAM, "user_id": BOT})
        if request.path == "/api/files.info":
            return http.json_response({"ok": True, "file": self.info})
        self.asked.append(request)
        if self.held is not None:
            await self.held.wait()
        return self.play()

    def file(self, **more: Any) -> dict[str, Any]:
        url = f"{self.url}/files-pri/T-F1/download/{NAME}"
        return {"id": "F1", "name": NAME, "size": len(CONTENT), "url_private_download": url, **more}


@pytest.fixture
async def slack_files() -> AsyncIterator[Slack]:
    server = Slack()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def front(tmp_path: Path, slack_files: Slack) -> AsyncIterator[Front]:
    web = Web(SlackSettings(bot_token="xoxb-fake-bot-token", api=f"{slack_files.url}/api/"))
    web.open()
    async with serving(tmp_path, web=web, largest=2 * len(CONTENT)) as made:
        yield made
    await web.close()


async def drop(slackers: Slackers, *files: dict[str, Any], text: str = "") -> None:
    event = slackers.message(DEBIAN, text, "D0DEBIAN", subtype="file_share", files=list(files), thread_ts="1.5")
    assert (await slackers.event(event)).status == 200


async def settled(store: Store, number: int = 1) -> list[Any]:
    def events() -> list[Any]:
        return [as_received(row).event for row in inbox(store)]

    await until(lambda: len(events()) >= number and not any(isinstance(event, Locked) for event in events()))
    return events()


def is_dropped(event: Dropped) -> None:
    assert (event.sender, event.room, event.name, event.size) == (DEBIAN, "D0DEBIAN", NAME, len(CONTENT))
    assert event.thread == "1.5"
    assert event.pair
    assert event.digests == {
        name: hashlib.new(name, CONTENT).hexdigest() for name in ("md5", "sha1", "sha256", "sha512", "blake2b")
    }


async def test_an_archive_is_hashed(front: Front, slack_files: Slack) -> None:
    await drop(front.slackers, slack_files.file(), text="here it is")
    said, dropped = await settled(front.store, 2)
    assert isinstance(said, Said)
    is_dropped(dropped)
    assert slack_files.asked[0].headers["Authorization"] == "Bearer xoxb-fake-bot-token"


async def test_a_patch_is_read_too(front: Front, slack_files: Slack) -> None:
    text = "Subject: größer\n".encode()
    slack_files.play = lambda: http.Response(body=text)
    for name in ("0001-Grow.patch", "notes.txt"):
        await drop(front.slackers, slack_files.file(name=name, size=len(text)))
    (dropped,) = await settled(front.store)
    assert (dropped.name, dropped.text) == ("0001-Grow.patch", "Subject: größer\n")


async def test_the_message_is_taken_before_its_archive_is_read(front: Front, slack_files: Slack) -> None:
    slack_files.held = asyncio.Event()
    await drop(front.slackers, slack_files.file(), text="here it is")
    said, locked = (row.event for row in front.rows())
    assert isinstance(said, Said)
    assert isinstance(locked, Locked)
    slack_files.held.set()
    is_dropped((await settled(front.store))[1])


async def test_the_same_drop_again_is_one(front: Front, slack_files: Slack) -> None:
    event = front.slackers.message(
        DEBIAN, "", "D0DEBIAN", subtype="file_share", files=[slack_files.file()], thread_ts="1.5"
    )
    payload = front.slackers.event_payload(event)
    for _ in range(2):
        await front.slackers.delivery.send("events_api", payload)
        (dropped,) = await settled(front.store)
        is_dropped(dropped)


async def test_a_file_of_another_workspace_is_asked_about(front: Front, slack_files: Slack) -> None:
    slack_files.info = slack_files.file()
    unknown = {"id": "F1", "mode": "file_access", "file_access": "check_file_info"}
    await drop(front.slackers, unknown)
    is_dropped((await settled(front.store))[0])
    slack_files.info = slack_files.file(name="notes.txt")
    await drop(front.slackers, unknown)
    assert isinstance((await settled(front.store, 2))[1], Nothing)
    assert len(slack_files.asked) == 1


async def test_the_token_goes_to_slack_only(front: Front, slack_files: Slack) -> None:
    for url in (
        slack_files.url.replace("127.0.0.1", "localhost") + "/x",
        slack_files.url.replace("http:", "https:") + "/x",
        slack_files.url.replace("http://", "http://elsewhere@") + "/x",
        "https://files.slack.com.example.org/x",
        "file:///etc/passwd",
    ):
        await drop(front.slackers, slack_files.file(url_private_download=url))
    events = await settled(front.store, 5)
    assert all(isinstance(event, Unreadable) for event in events)
    assert slack_files.asked == []


@pytest.mark.parametrize(
    "play",
    [
        lambda: http.Response(status=302, headers={"Location": "/login"}),
        lambda: http.Response(status=404),
        lambda: http.Response(body=CONTENT * 3),
    ],
    ids=["login", "gone", "too large"],
)
async def test_what_cannot_be_read_is_told(front: Front, slack_files: Slack, play: Callable[[], http.Response]) -> None:
    slack_files.play = play
    await drop(front.slackers, slack_files.file(size=None))
    (event,) = await settled(front.store)
    assert isinstance(event, Unreadable)
    assert len(slack_files.asked) == 1


async def test_what_is_said_to_be_too_large_is_not_fetched(front: Front, slack_files: Slack) -> None:
    await drop(front.slackers, slack_files.file(size=3 * len(CONTENT)))
    (event,) = await settled(front.store)
    assert isinstance(event, Unreadable)
    assert slack_files.asked == []


async def test_trouble_passes(front: Front, slack_files: Slack) -> None:
    def play() -> http.Response:
        answers = {1: http.Response(status=503), 2: http.Response(body=CONTENT[:-1])}  # the second is cut short
        return answers.get(len(slack_files.asked), http.Response(body=CONTENT))

    slack_files.play = play
    await drop(front.slackers, slack_files.file())
    is_dropped((await settled(front.store))[0])


async def test_an_archive_outlives_its_process(tmp_path: Path, slack_files: Slack) -> None:
    """Killed while it reads: the next process finds the row, and reads again."""
    slack_files.held = asyncio.Event()
    api = f"{slack_files.url}/api/"
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.adapters.slack.victim", str(tmp_path), api, stdout=asyncio.subprocess.PIPE
    )
    assert victim.stdout is not None
    port = int(await victim.stdout.readline())
    posts = Posts(f"http://127.0.0.1:{port}{PATH}", SECRET)
    await drop(Slackers(posts), slack_files.file())
    await posts.close()
    await until(lambda: slack_files.asked)
    victim.kill()
    await victim.wait()
    slack_files.held.set()
    slack_files.held = None
    with Store(url := f"sqlite:///{tmp_path / 'chatops.db'}") as store:
        schema.upgrade(url)
        assert [row.state for row in inbox(store)] == ["locked"]
        settings = SlackSettings(
            bot_token="xoxb-fake-bot-token", signing_secret=SECRET, api=api, host="127.0.0.1", port=0
        )
        service = SlackService(settings, Core())
        await service.start(StoreIntake(store, asyncio.Event()))
        is_dropped((await settled(store))[0])
        await service.stop()
    assert len(slack_files.asked) == 2


async def test_a_file_of_the_real_emulator(
    tmp_path: Path, web: Web, outgoing: Outgoing, workspace: Workspace, slack: SlackProxy
) -> None:
    path = tmp_path / "archive"
    path.write_bytes(CONTENT)
    channel = await workspace.channel("debian")
    upload = Upload(path=str(path), name=NAME, sha256=hashlib.sha256(CONTENT).hexdigest())
    await outgoing.perform(effect(upload, channel, audience=(workspace.user("debian"),)))
    history = await web.call("conversations.history", channel=channel)
    (file,) = next(message["files"] for message in history["messages"] if message.get("files"))
    async with serving(tmp_path, web=web, largest=2 * len(CONTENT)) as front:
        await drop(front.slackers, file)
        is_dropped((await settled(front.store))[0])
