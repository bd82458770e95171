"""What one person only is to see: each way only after Slack said that the one before does not work, and once."""

from __future__ import annotations

import pytest
from aiohttp import web as http

from adapters.slack.outgoing import Outgoing
from adapters.slack.settings import SlackSettings
from adapters.slack.web import Web
from adapters.stage.emulate import Emulate
from adapters.stage.slack_proxy import SlackProxy
from chatops.ports import Aside, Impossible, TryLater
from tests.adapters.slack.kit import Workspace, effect, post, shown


@pytest.fixture
def reporter(workspace: Workspace) -> str:
    return workspace.user("reporter")


async def whispered(slack: SlackProxy) -> list[str]:
    return [call["text"] for call in slack.called("chat.postEphemeral")]


async def test_the_address_that_came_with_the_command_comes_first(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy, reporter: str
) -> None:
    hook = slack.hook()
    receipt = await outgoing.perform(effect(post("for you", aside=Aside(user=reporter, url=hook.url)), "C0ELSEWHERE"))
    (body,) = hook.taken
    assert (body["text"], body["response_type"], body["replace_original"]) == ("for you", "ephemeral", False)
    assert body["blocks"]
    assert receipt.event is None
    assert slack.calls == []


async def test_then_beside_the_talk(outgoing: Outgoing, workspace: Workspace, slack: SlackProxy, reporter: str) -> None:
    channel = await workspace.channel("reporter")
    hook = slack.hook()
    hook.gone = True
    await outgoing.perform(effect(post("for you", aside=Aside(user=reporter, url=hook.url)), channel))
    await outgoing.perform(effect(post("without an address", aside=reporter), channel))
    assert await whispered(slack) == ["for you", "without an address"]
    assert await workspace.texts(channel) == []


async def test_an_address_that_is_used_up_leads_to_the_next_way_for_the_rest(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy, reporter: str
) -> None:
    channel = await workspace.channel("reporter")
    hook = slack.hook(uses=1)
    await outgoing.perform(effect(post("long", parts=3, aside=Aside(user=reporter, url=hook.url)), channel))
    assert [body["text"] for body in hook.taken] == ["long"]
    assert await whispered(slack) == ["more", "more"]


@pytest.mark.parametrize("where", ["bot is not there", "reporter is not there", "archived", "no room"])
async def test_then_in_their_direct_chat(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy, reporter: str, where: str
) -> None:
    channel: str | None = None
    if where == "bot is not there":
        channel = "C0ELSEWHERE"
    elif where == "reporter is not there":
        channel = await workspace.channel()
    elif where == "archived":
        channel = await workspace.channel("reporter")
        await workspace.emulate.call("conversations.archive", channel=channel)
    chat = await workspace.direct("reporter")
    before = await workspace.texts(chat)
    await outgoing.perform(effect(post("for you", aside=reporter), channel))
    assert await workspace.texts(chat) == [*before, "for you"]


async def test_a_whisper_can_be_in_a_thread(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy, reporter: str
) -> None:
    channel = await workspace.channel("reporter")
    await outgoing.perform(effect(post("for you", aside=reporter, thread="1.000001"), channel))
    assert slack.called("chat.postEphemeral")[0]["thread_ts"] == "1.000001"


async def test_where_it_is_unknown_whether_they_saw_it_nothing_more_is_sent(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy, reporter: str
) -> None:
    channel = await workspace.channel("reporter")
    slack.lose("chat.postEphemeral")
    with pytest.raises(TryLater):
        await outgoing.perform(effect(post("for you", aside=reporter), channel))
    assert len(slack.calls) == 1


async def test_a_whisper_that_came_too_soon_waits_here(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy, reporter: str
) -> None:
    """The core tries what is said at once only once, so later would be never."""
    channel = await workspace.channel("reporter")
    slack.limit("chat.postEphemeral", after=1)
    await outgoing.perform(effect(post("for you", aside=reporter), channel))
    assert await whispered(slack) == ["for you", "for you"]  # the first was refused


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com.evil.example/commands/T1/1/x",
        "https://evil.example/commands/T1/1/x",
        "http://127.0.0.1:9/commands/T1/1/x",
        "https://hooks.slack.com@evil.example/",
        "not an address",
    ],
)
async def test_text_is_given_to_no_other_host(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy, reporter: str, url: str
) -> None:
    channel = await workspace.channel("reporter")
    await outgoing.perform(effect(post("for you", aside=Aside(user=reporter, url=url)), channel))
    assert await whispered(slack) == ["for you"]


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://hooks.slack.com/commands/T1/1/x", True),
        ("http://hooks.slack.com/commands/T1/1/x", False),
        ("https://hooks.slack.com:444/commands/T1/1/x", False),
        ("https://hooks.slack.com.evil.example/", False),
        ("https://user@hooks.slack.com/", False),
        ("https://evil.example/?https://hooks.slack.com/", False),
    ],
)
def test_at_slack_there_is_one_host_for_it(url: str, fine: bool) -> None:
    settings = SlackSettings(bot_token="xoxb-fake")
    asides = Outgoing(settings, Web(settings), "U1", shown)._asides
    assert asides._may_have(url) is fine


async def test_an_address_that_takes_no_more_now_leads_to_the_next_way(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy, reporter: str
) -> None:
    channel = await workspace.channel("reporter")
    slack.limit("hook")
    await outgoing.perform(effect(post("for you", aside=Aside(user=reporter, url=f"{slack.api}hook")), channel))
    assert await whispered(slack) == ["for you"]


@pytest.mark.parametrize("trouble", ["break_down", "drop"])
async def test_an_address_that_may_have_taken_it_ends_it(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy, reporter: str, trouble: str
) -> None:
    channel = await workspace.channel("reporter")
    getattr(slack, trouble)("hook")
    with pytest.raises(TryLater):
        await outgoing.perform(effect(post("for you", aside=Aside(user=reporter, url=f"{slack.api}hook")), channel))
    assert await whispered(slack) == []


async def test_no_redirect_is_followed(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy, reporter: str
) -> None:
    channel = await workspace.channel("reporter")
    there = slack.hook()
    slack.answer("elsewhere", lambda _: http.Response(status=307, headers={"Location": there.url}))
    await outgoing.perform(effect(post("for you", aside=Aside(user=reporter, url=f"{slack.api}elsewhere")), channel))
    assert there.taken == []
    assert await whispered(slack) == ["for you"]


async def test_who_does_not_exist_is_told_nothing(outgoing: Outgoing) -> None:
    with pytest.raises(Impossible) as no:
        await outgoing.perform(effect(post("for you", aside="U0NOSUCH")))
    assert no.value.code == "user_not_found"


async def test_a_refused_token_ends_it(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy, reporter: str
) -> None:
    slack.revoke(Emulate.bot_token)
    with pytest.raises(TryLater) as later:
        await outgoing.perform(effect(post("for you", aside=reporter), await workspace.channel("reporter")))
    assert later.value.code == "token_revoked"
