"""Channels and direct chats, against the real emulator: made once, by nobody's name taken over, entered and left."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.making import channel_names
from adapters.slack.outgoing import Outgoing
from adapters.slack.settings import SlackSettings
from adapters.slack.web import Web
from adapters.stage.emulate import Emulate
from adapters.stage.slack_proxy import SlackProxy
from chatops.ports import Enter, Impossible, Invite, Leave, OpenRoom, Remove, TryLater
from tests.adapters.slack.kit import Workspace, again, effect, post, shown

TOPIC = "Private. What is said here stays here."


def embargo(*invite: str, name: str = "Dynasched DS-2026-7KQ4") -> OpenRoom:
    return OpenRoom(purpose="embargo", name=name, topic=TOPIC, invite=invite)


async def bots_channels(workspace: Workspace) -> set[str]:
    page = await workspace.emulate.call("conversations.list", types="private_channel", limit=1000)
    return {channel["id"] for channel in page["channels"]}


# --- making -------------------------------------------------------------------------------------------------------


async def test_a_room_is_a_private_channel_with_a_name_nobody_can_guess(
    outgoing: Outgoing, workspace: Workspace
) -> None:
    maintainer = workspace.user("maintainer")
    receipt = await outgoing.perform(effect(embargo(maintainer)))
    channel = receipt.data["room"]
    info = await workspace.info(channel)
    assert info["is_private"]
    assert re.fullmatch(r"dynasched-ds-2026-7kq4-[0-9a-f]{8}", info["name"])
    assert info["topic"]["value"] == TOPIC
    assert await workspace.members(channel) == {Emulate.bot_user, maintainer}
    assert receipt.data["refused"] == {}


@given(name=st.text(max_size=120), effect=st.text(max_size=40))
def test_channel_names_are_what_slack_takes(name: str, effect: str) -> None:
    names = channel_names(name, effect)
    assert len(set(names)) == len(names) > 1
    for one in names:
        assert re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,79}", one)


def test_no_two_effects_share_a_name() -> None:
    assert not set(channel_names("Dynasched", "one")) & set(channel_names("Dynasched", "two"))


async def test_a_name_that_is_taken_is_left_to_whoever_has_it(outgoing: Outgoing, workspace: Workspace) -> None:
    one = effect(embargo())
    first, second, *_ = channel_names(embargo().name, one.id)
    taken = await workspace.emulate.call("conversations.create", by="maintainer", name=first, is_private=False)
    room = (await outgoing.perform(one)).data["room"]
    assert room != taken["channel"]["id"]
    assert (await workspace.info(room))["name"] == second


async def test_after_a_lost_answer_a_squatters_channel_is_not_taken_over(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy
) -> None:
    """Not even if the bot is in it, and it is private: it was made by somebody else."""
    one = effect(embargo())
    first = channel_names(embargo().name, one.id)[0]
    taken = await workspace.emulate.call("conversations.create", by="maintainer", name=first, is_private=True)
    await workspace.add(taken["channel"]["id"], Emulate.bot_user, by="maintainer")
    room = (await outgoing.perform(again(one))).data["room"]
    assert room != taken["channel"]["id"]


async def test_where_every_name_is_taken_somebody_has_to_look(outgoing: Outgoing, slack: SlackProxy) -> None:
    slack.fail("conversations.create", "name_taken", times=None)
    with pytest.raises(Impossible) as no:
        await outgoing.perform(effect(embargo()))
    assert no.value.code == "name_taken"
    assert len({call["name"] for call in slack.called("conversations.create")}) == 4


@pytest.mark.parametrize("method", ["conversations.create", "conversations.setTopic", "conversations.invite"])
@pytest.mark.parametrize("trouble", ["lose", "drop"])
@pytest.mark.parametrize("restarted", [False, True])
async def test_a_room_is_made_once_whatever_gets_lost(
    outgoing: Outgoing,
    settings: SlackSettings,
    web: Web,
    workspace: Workspace,
    slack: SlackProxy,
    method: str,
    trouble: str,
    restarted: bool,
) -> None:
    before = await bots_channels(workspace)
    debian = workspace.user("debian")
    one = effect(embargo(debian))
    getattr(slack, trouble)(method)
    with pytest.raises(TryLater):
        await outgoing.perform(one)
    if restarted:
        outgoing = Outgoing(settings, web, Emulate.bot_user, shown)
    room = (await outgoing.perform(again(one))).data["room"]
    assert await bots_channels(workspace) - before == {room}
    assert (await workspace.info(room))["topic"]["value"] == TOPIC
    assert await workspace.members(room) == {Emulate.bot_user, debian}


async def test_a_room_that_the_list_does_not_show_yet_is_found_by_its_name_being_taken(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy
) -> None:
    before = await bots_channels(workspace)
    one = effect(embargo())
    slack.lose("conversations.create")
    with pytest.raises(TryLater):
        await outgoing.perform(one)
    slack.answer("users.conversations", {"ok": True, "channels": []}, times=1)
    room = (await outgoing.perform(again(one))).data["room"]
    assert await bots_channels(workspace) - before == {room}


async def test_what_was_too_often_is_made_again_without_a_search(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy
) -> None:
    one = effect(embargo())
    slack.limit("conversations.create", after=0)
    with pytest.raises(TryLater):
        await outgoing.perform(one)
    await outgoing.perform(again(one))
    assert not slack.called("users.conversations")


async def test_the_bots_channels_are_read_page_by_page(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy
) -> None:
    one = effect(embargo())
    slack.lose("conversations.create")
    with pytest.raises(TryLater):
        await outgoing.perform(one)
    page = {"ok": True, "channels": [], "response_metadata": {"next_cursor": ""}}
    slack.answer("users.conversations", {**page, "response_metadata": {"next_cursor": "x"}}, times=1)
    await outgoing.perform(again(one))
    assert [call.get("cursor") for call in slack.called("users.conversations")] == [None, "x"]
    assert len(slack.called("conversations.create")) == 1


async def test_a_room_without_a_topic_is_a_room(outgoing: Outgoing, workspace: Workspace, slack: SlackProxy) -> None:
    slack.fail("conversations.setTopic", "user_is_restricted")
    assert (await outgoing.perform(effect(embargo()))).data["room"]


async def test_who_cannot_be_put_in_is_named_and_the_others_are_in(outgoing: Outgoing, workspace: Workspace) -> None:
    """The emulator puts nobody in if one cannot be; Slack goes on with `force`. Both come to the same."""
    debian = workspace.user("debian")
    receipt = await outgoing.perform(effect(embargo("U0NOSUCH", debian, Emulate.bot_user)))
    assert receipt.data["refused"] == {"U0NOSUCH": "user_not_found", Emulate.bot_user: "cant_invite_self"}
    assert await workspace.members(receipt.data["room"]) == {Emulate.bot_user, debian}


async def test_who_slack_names_beside_an_ok_is_refused_too(outgoing: Outgoing, slack: SlackProxy) -> None:
    errors = [{"user": "U0GUEST", "ok": False, "error": "user_is_restricted"}]
    slack.answer("conversations.invite", {"ok": True, "errors": errors})
    receipt = await outgoing.perform(effect(embargo("U0GUEST", "U0OTHER")))
    assert receipt.data["refused"] == {"U0GUEST": "user_is_restricted"}


async def test_hundreds_are_put_in_a_hundred_at_a_time(outgoing: Outgoing, slack: SlackProxy) -> None:
    slack.answer("conversations.invite", {"ok": True})
    await outgoing.perform(effect(embargo(*(f"U{number:04}" for number in range(250)))))
    assert [call["users"].count(",") + 1 for call in slack.called("conversations.invite")] == [100, 100, 50]


async def test_there_is_one_direct_chat_with_a_person(outgoing: Outgoing, workspace: Workspace) -> None:
    deed = OpenRoom(purpose="direct", name="Dynasched security", topic="", invite=(workspace.user("reporter"),))
    one = effect(deed)
    first = (await outgoing.perform(one)).data["room"]
    assert first == (await outgoing.perform(again(one))).data["room"] == await workspace.direct("reporter")


@pytest.mark.parametrize(
    ("invite", "code"),
    [((), "direct-needs-one"), (("U1", "U2"), "direct-needs-one"), (("U0NOSUCH",), "user_not_found")],
)
async def test_a_direct_chat_needs_its_person(outgoing: Outgoing, invite: tuple[str, ...], code: str) -> None:
    with pytest.raises(Impossible) as no:
        await outgoing.perform(effect(OpenRoom(purpose="direct", name="", topic="", invite=invite)))
    assert no.value.code == code


# --- people --------------------------------------------------------------------------------------------------------


async def test_somebody_is_put_in_once_and_out_once(outgoing: Outgoing, workspace: Workspace) -> None:
    channel, debian = await workspace.channel(), workspace.user("debian")
    for _ in range(2):
        await outgoing.perform(effect(Invite(user=debian), channel))
        assert debian in await workspace.members(channel)
    for _ in range(2):
        await outgoing.perform(effect(Remove(user=debian, reason="left the team"), channel))
        assert debian not in await workspace.members(channel)


async def test_who_cannot_be_put_in_or_out_is_told(outgoing: Outgoing, workspace: Workspace, slack: SlackProxy) -> None:
    channel = await workspace.channel("debian")
    slack.fail("conversations.kick", "restricted_action")
    for deed, code in (
        (Invite(user="U0NOSUCH"), "user_not_found"),
        (Invite(user=Emulate.bot_user), "cant_invite_self"),
        (Remove(user=workspace.user("debian"), reason=""), "restricted_action"),
        (Remove(user="U0NOSUCH", reason=""), "user_not_found"),
    ):
        with pytest.raises(Impossible) as no:
            await outgoing.perform(effect(deed, channel))
        assert no.value.code == code


async def test_putting_somebody_out_shows_at_once(outgoing: Outgoing, workspace: Workspace) -> None:
    channel = await workspace.channel("maintainer", "debian")
    audience = (workspace.user("maintainer"),)
    with pytest.raises(TryLater):
        await outgoing.perform(effect(post(), channel, audience=audience))
    await outgoing.perform(effect(Remove(user=workspace.user("debian"), reason=""), channel))
    await outgoing.perform(effect(post(), channel, audience=audience))


# --- coming and going -----------------------------------------------------------------------------------------------


async def test_entering_tells_who_else_is_there(outgoing: Outgoing, workspace: Workspace) -> None:
    chat = await workspace.direct("reporter")
    entered = await outgoing.perform(effect(Enter(), chat))
    assert entered.data == {"others": [workspace.user("reporter")], "encrypted": True}
    channel = await workspace.channel("debian", by="maintainer")
    entered = await outgoing.perform(effect(Enter(), channel))
    others = sorted([workspace.user("debian"), workspace.user("maintainer")])
    assert entered.data == {"others": others, "encrypted": False}


async def test_leaving_archives_a_room_of_the_bots(outgoing: Outgoing, workspace: Workspace) -> None:
    channel = await workspace.channel("maintainer")
    for _ in range(2):
        await outgoing.perform(effect(Leave(), channel))
    assert (await workspace.info(channel, by="maintainer"))["is_archived"]


@pytest.mark.parametrize("private", [True, False])
async def test_leaving_somebody_elses_room_leaves_it_to_them(
    outgoing: Outgoing, workspace: Workspace, private: bool
) -> None:
    channel = await workspace.channel(by="maintainer", private=private)
    for _ in range(2):
        await outgoing.perform(effect(Leave(), channel))
    info = await workspace.info(channel, by="maintainer")
    assert not info["is_archived"]
    assert await workspace.members(channel, by="maintainer") == {workspace.user("maintainer")}


async def test_the_last_one_out_archives(outgoing: Outgoing, workspace: Workspace) -> None:
    channel = await workspace.channel(by="maintainer")
    await workspace.emulate.call("conversations.leave", by="maintainer", channel=channel)
    await outgoing.perform(effect(Leave(), channel))
    assert (await workspace.info(channel))["is_archived"]


async def test_a_direct_chat_cannot_be_left_and_a_strange_room_was(outgoing: Outgoing, workspace: Workspace) -> None:
    await outgoing.perform(effect(Leave(), await workspace.direct("reporter")))
    await outgoing.perform(effect(Leave(), "C0NOSUCH"))


async def test_an_archive_that_is_forbidden_is_told(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy
) -> None:
    channel = await workspace.channel()
    slack.fail("conversations.archive", "restricted_action")
    with pytest.raises(Impossible) as no:
        await outgoing.perform(effect(Leave(), channel))
    assert no.value.code == "restricted_action"


# --- people of other workspaces -------------------------------------------------------------------------------------


@pytest.fixture
def connected(settings: SlackSettings, web: Web, emulate: Emulate) -> Outgoing:
    return Outgoing(replace(settings, connect=True), web, emulate.bot_user, shown)


async def test_who_is_outside_is_invited_by_slack_connect_and_may_bring_nobody(
    connected: Outgoing, workspace: Workspace, slack: SlackProxy
) -> None:
    channel = await workspace.channel()
    slack.outside("U0ELSEWHERE")
    receipt = await connected.perform(effect(Invite(user="U0ELSEWHERE"), channel))
    assert receipt.data == {"pending": True}
    assert slack.shared == [(channel, "U0ELSEWHERE")]
    (asked,) = slack.called("conversations.inviteShared")
    assert str(asked["external_limited"]).lower() == "true"
    inside = await connected.perform(effect(Invite(user=workspace.user("debian")), channel))
    assert inside.data == {}
    assert len(slack.shared) == 1


async def test_without_slack_connect_nobody_outside_is_asked(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy
) -> None:
    slack.outside("U0ELSEWHERE")
    with pytest.raises(Impossible) as no:
        await outgoing.perform(effect(Invite(user="U0ELSEWHERE"), await workspace.channel()))
    assert no.value.code == "user_not_found"
    assert not slack.called("conversations.inviteShared")


async def test_a_plan_without_it_is_named(connected: Outgoing, workspace: Workspace, slack: SlackProxy) -> None:
    slack.outside("U0ELSEWHERE")
    slack.fail("conversations.inviteShared", "not_paid")
    with pytest.raises(Impossible) as no:
        await connected.perform(effect(Invite(user="U0ELSEWHERE"), await workspace.channel()))
    assert no.value.code == "not_paid"


async def test_an_invitation_of_which_no_answer_came_is_not_refused_for_being_there(
    connected: Outgoing, workspace: Workspace, slack: SlackProxy
) -> None:
    slack.outside("U0ELSEWHERE")
    slack.lose("conversations.inviteShared")
    one = effect(Invite(user="U0ELSEWHERE"), await workspace.channel())
    with pytest.raises(TryLater):
        await connected.perform(one)
    slack.fail("conversations.inviteShared", "connection_limit_exceeded_pending")
    assert (await connected.perform(again(one))).data == {"pending": True}
