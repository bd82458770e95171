"""What each error of Slack's comes to, for the effect on whose way it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.slack.outgoing import Outgoing
from adapters.slack.rates import NotDone
from adapters.slack.settings import SlackSettings
from adapters.slack.web import Web
from adapters.stage.emulate import Emulate
from adapters.stage.slack_proxy import SlackProxy
from chatops.ports import (
    Effect,
    Enter,
    Impossible,
    Invite,
    Leave,
    OpenRoom,
    Receipt,
    Redact,
    Remove,
    Retire,
    TryLater,
    Upload,
)
from tests.adapters.slack.errors import DONE, EVERYWHERE, LATER, NEVER, REFUSED_TOKEN
from tests.adapters.slack.kit import again, effect, post, shown

ROOM = OpenRoom(purpose="embargo", name="Dynasched", topic="Private.")
CHAT = OpenRoom(purpose="direct", name="Dynasched", topic="", invite=("U1",))
FILE = Upload(path="", name="a.tar.gz", sha256=hashlib.sha256(b"a").hexdigest())

ON_THE_WAY: dict[str, Callable[[], Effect]] = {
    "chat.delete": lambda: effect(Redact(event="1.000001", reason=""), "C1"),
    "chat.postEphemeral": lambda: effect(post(aside="U1"), "C1"),
    "chat.postMessage": lambda: effect(post(), "C1"),
    "chat.update": lambda: effect(post(edit="e"), "C1", target="1.000001"),
    "conversations.archive": lambda: effect(Retire(), "C1"),
    "conversations.create": lambda: effect(ROOM),
    "conversations.history": lambda: again(effect(post(), "C1")),
    "conversations.info": lambda: effect(Enter(), "C1"),
    "conversations.invite": lambda: effect(Invite(user="U1"), "C1"),
    "conversations.inviteShared": lambda: effect(Invite(user="U0OUTSIDE"), "C1"),
    "conversations.kick": lambda: effect(Remove(user="U1", reason=""), "C1"),
    "conversations.leave": lambda: effect(Leave(), "C1"),
    "conversations.members": lambda: effect(post(), "C1", audience=()),
    "conversations.open": lambda: effect(CHAT),
    "conversations.replies": lambda: again(effect(post(thread="1.000001"), "C1")),
    "conversations.setTopic": lambda: effect(ROOM),
    "files.completeUploadExternal": lambda: effect(FILE, "C1"),
    "files.getUploadURLExternal": lambda: effect(FILE, "C1"),
    "pins.add": lambda: effect(post(pin=True), "C1"),
    "users.conversations": lambda: again(effect(ROOM)),
}
"""An effect for each method, that calls it."""


def each(table: dict[str, str]) -> list[tuple[str, str]]:
    return [(method, name) for method, names in table.items() for name in names.split()]


@pytest.fixture
def outgoing(request: pytest.FixtureRequest, settings: SlackSettings, web: Web, emulate: Emulate) -> Outgoing:
    connect = "inviteShared" in request.node.name
    return Outgoing(replace(settings, connect=connect), web, emulate.bot_user, shown)


@pytest.fixture
async def come_to(outgoing: Outgoing, slack: SlackProxy, tmp_path: Path) -> Callable[[str, str], Effect]:
    """Sets an error on the way of an effect; everything else goes well."""
    (tmp_path / "a").write_bytes(b"a")

    def prepare(method: str, error: str) -> Effect:
        channel = {"id": "C1", "is_private": True, "creator": Emulate.bot_user if "leave" not in method else "U1"}
        slack.fail(method, error, times=1)
        if method == "conversations.inviteShared":  # for whom the plain invitation does not do
            slack.fail("conversations.invite", "user_not_found", times=1)
        slack.answer(
            "*",
            {
                "ok": True,
                "ts": "1.000002",
                "channel": channel,
                "channels": [],
                "members": [Emulate.bot_user],
                "messages": [],
                "upload_url": f"{slack.api}upload",
                "file_id": "F1",
            },
        )
        one = ON_THE_WAY[method]()
        if isinstance(one.deed, Upload):
            one = one.model_copy(update={"deed": one.deed.model_copy(update={"path": str(tmp_path / "a")})})
        return one

    return prepare


ComeTo = Callable[[str, str], Effect]


def test_no_method_is_forgotten() -> None:
    assert set(ON_THE_WAY) == set(DONE) | set(LATER) | set(NEVER)


@pytest.mark.parametrize(("method", "error"), each(DONE))
async def test_success(outgoing: Outgoing, slack: SlackProxy, come_to: ComeTo, method: str, error: str) -> None:
    assert isinstance(await outgoing.perform(come_to(method, error)), Receipt)
    assert slack.called(method)


@pytest.mark.parametrize(("method", "error"), each(NEVER))
async def test_never(outgoing: Outgoing, slack: SlackProxy, come_to: ComeTo, method: str, error: str) -> None:
    with pytest.raises(Impossible) as no:
        await outgoing.perform(come_to(method, error))
    assert no.value.code == error
    assert len(slack.called(method)) == 1


@pytest.mark.parametrize(
    ("method", "error"), each(LATER) + [(method, name) for method in ON_THE_WAY for name in EVERYWHERE]
)
async def test_later(outgoing: Outgoing, come_to: ComeTo, method: str, error: str) -> None:
    with pytest.raises(TryLater) as later:
        await outgoing.perform(come_to(method, error))
    limited = error in ("ratelimit", "ratelimited", "rate_limited", "message_limit_exceeded")
    assert later.value.code == ("ratelimited" if limited else error)
    assert isinstance(later.value, NotDone) == limited
    assert later.value.counts != limited


@pytest.mark.parametrize("error", REFUSED_TOKEN)
@pytest.mark.parametrize("method", ON_THE_WAY)
async def test_when_there_is_another_token(outgoing: Outgoing, come_to: ComeTo, method: str, error: str) -> None:
    with pytest.raises(NotDone) as later:
        await outgoing.perform(come_to(method, error))
    assert (later.value.code, later.value.counts) == (error, False)
    assert later.value.after is not None
    assert later.value.after.total_seconds() >= 600


async def test_a_name_that_is_taken_means_another(outgoing: Outgoing, slack: SlackProxy, come_to: ComeTo) -> None:
    await outgoing.perform(come_to("conversations.create", "name_taken"))
    assert len(slack.called("conversations.create")) == 2
