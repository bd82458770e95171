"""Files into channels, against the real emulator: shared once, and only what they should be."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path

import aiohttp
import pytest

from adapters.slack.outgoing import Outgoing
from adapters.slack.settings import SlackSettings
from adapters.slack.web import Web
from adapters.stage.emulate import Emulate
from adapters.stage.slack_proxy import SlackProxy
from chatops.ports import Impossible, TryLater, Upload
from tests.adapters.slack.kit import Workspace, again, effect, post, shown

CONTENT = bytes(range(256)) * 9000  # more than one chunk


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "archive"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def changed(archive: Path, deed: Upload) -> Upload:
    archive.write_bytes(CONTENT[:-1] + b"!")
    return deed


@pytest.fixture
def deed(archive: Path) -> Upload:
    return Upload(path=str(archive), name="dynasched-2.3.1.tar.gz", sha256=hashlib.sha256(CONTENT).hexdigest())


async def files(workspace: Workspace, channel: str) -> list[tuple[str, int]]:
    return [
        (file["name"], file["size"])
        for message in await workspace.messages(channel)
        for file in message.get("files", [])
    ]


async def test_what_the_core_made_is_shared_without_a_file(outgoing: Outgoing, workspace: Workspace) -> None:
    channel = await workspace.channel("maintainer")
    made = Upload.made("DS-2026-7KQ4-timeline.png", CONTENT)
    await outgoing.perform(effect(made, channel, audience=(workspace.user("maintainer"),)))
    (message,) = await workspace.messages(channel)
    assert [(file["name"], file["size"]) for file in message["files"]] == [(made.name, len(CONTENT))]


async def test_a_file_is_shared_as_it_is(outgoing: Outgoing, workspace: Workspace, deed: Upload) -> None:
    channel = await workspace.channel("maintainer")
    receipt = await outgoing.perform(effect(deed, channel, audience=(workspace.user("maintainer"),)))
    (message,) = await workspace.messages(channel)
    assert message["ts"] == receipt.event
    (file,) = message["files"]
    assert (file["name"], file["title"], file["size"]) == (deed.name, deed.name, len(CONTENT))
    headers = {"Authorization": f"Bearer {Emulate.bot_token}"}
    async with aiohttp.ClientSession() as http, http.get(file["url_private_download"], headers=headers) as got:
        assert await got.read() == CONTENT


async def test_a_file_that_changed_is_shared_with_nobody(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy, changed: Upload
) -> None:
    channel = await workspace.channel()
    with pytest.raises(Impossible) as no:
        await outgoing.perform(effect(changed, channel))
    assert no.value.code == "changed"
    assert await files(workspace, channel) == []
    assert not slack.called("files.completeUploadExternal")


async def test_a_file_that_is_not_there_cannot_be_shared(
    outgoing: Outgoing, workspace: Workspace, deed: Upload
) -> None:
    gone = deed.model_copy(update={"path": deed.path + ".gone"})
    with pytest.raises(Impossible) as no:
        await outgoing.perform(effect(gone, await workspace.channel()))
    assert no.value.code == "no-file"


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal"])
@pytest.mark.parametrize("trouble", ["lose", "drop"])
async def test_a_file_is_shared_once_whatever_gets_lost(
    outgoing: Outgoing,
    settings: SlackSettings,
    web: Web,
    workspace: Workspace,
    slack: SlackProxy,
    deed: Upload,
    method: str,
    trouble: str,
) -> None:
    channel = await workspace.channel()
    one = effect(deed, channel)
    getattr(slack, trouble)(method)
    with pytest.raises(TryLater):
        await outgoing.perform(one)
    for _ in range(2):
        one = again(one)
        assert (await Outgoing(settings, web, Emulate.bot_user, shown).perform(one)).event
    assert await files(workspace, channel) == [(deed.name, len(CONTENT))]


async def test_somebody_elses_file_of_that_name_is_not_the_bots(
    outgoing: Outgoing, workspace: Workspace, deed: Upload
) -> None:
    channel = await workspace.channel("maintainer")
    call = workspace.emulate.call
    asked = await call("files.getUploadURLExternal", by="maintainer", filename=deed.name, length=len(CONTENT))
    async with aiohttp.ClientSession() as http, http.post(asked["upload_url"], data=BytesIO(CONTENT)) as got:
        assert got.status == 200
    await call("files.completeUploadExternal", by="maintainer", files=[{"id": asked["file_id"]}], channel_id=channel)
    await outgoing.perform(again(effect(deed, channel)))
    assert len(await files(workspace, channel)) == 2


async def test_a_file_goes_to_no_other_host(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy, deed: Upload
) -> None:
    elsewhere = {"ok": True, "upload_url": "https://files.slack.com.evil.example/upload", "file_id": "F1"}
    slack.answer("files.getUploadURLExternal", elsewhere)
    with pytest.raises(Impossible) as no:
        await outgoing.perform(effect(deed, await workspace.channel()))
    assert no.value.code == "bad-upload-address"


async def test_no_file_while_a_stranger_is_there(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy, deed: Upload
) -> None:
    channel = await workspace.channel("debian")
    with pytest.raises(TryLater) as later:
        await outgoing.perform(effect(deed, channel, audience=()))
    assert later.value.code == "intruder"
    assert not slack.called("files.getUploadURLExternal")


async def test_a_workspace_without_uploads_says_so(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy, deed: Upload
) -> None:
    slack.fail("files.getUploadURLExternal", "file_uploads_disabled")
    with pytest.raises(Impossible) as no:
        await outgoing.perform(effect(deed, await workspace.channel()))
    assert no.value.code == "file_uploads_disabled"


# --- texts that are too long for messages ---------------------------------------------------------------------------


@pytest.mark.parametrize("in_thread", [False, True])
async def test_a_long_text_follows_its_message_as_a_file(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy, in_thread: bool
) -> None:
    channel = await workspace.channel()
    root = (await outgoing.perform(effect(post("root"), channel))).event if in_thread else None
    receipt = await outgoing.perform(effect(post("with a file", thread=root), channel))
    said = (
        (await workspace.emulate.call("conversations.replies", channel=channel, ts=root))["messages"][1:]
        if root
        else (await workspace.messages(channel))
    )
    assert [message["text"] for message in said] == ["with a file", ""]
    assert receipt.event == said[0]["ts"]
    (file,) = said[1]["files"]
    assert (file["name"], file["size"]) == ("all-of-it.txt", len("all of it, ä".encode()))


@pytest.mark.parametrize("method", ["chat.postMessage", "files.getUploadURLExternal", "files.completeUploadExternal"])
@pytest.mark.parametrize("trouble", ["lose", "drop", "limit"])
async def test_message_and_file_come_once_whatever_gets_lost(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy, method: str, trouble: str
) -> None:
    channel = await workspace.channel()
    one = effect(post("with a file"), channel)
    slack.limit(method, after=0) if trouble == "limit" else getattr(slack, trouble)(method)
    with pytest.raises(TryLater):
        await outgoing.perform(one)
    for _ in range(2):
        one = again(one)
        await outgoing.perform(one)
    assert [message["text"] for message in await workspace.messages(channel)] == ["with a file", ""]


async def test_the_same_file_with_another_message_is_another(outgoing: Outgoing, workspace: Workspace) -> None:
    """One that came before our message does not count as ours."""
    channel = await workspace.channel()
    await outgoing.perform(effect(post("with a file"), channel))
    one = effect(post("with a file"), channel)
    await outgoing.perform(again(one))
    assert len(await files(workspace, channel)) == 2
