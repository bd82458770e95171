"""What is said, against the real emulator: once however often it is tried, in its place, and to nobody else."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from adapters.slack.outgoing import Outgoing
from adapters.slack.past import KIND
from adapters.slack.rates import NotDone
from adapters.slack.settings import SlackSettings
from adapters.slack.web import Web
from adapters.stage.emulate import Emulate
from adapters.stage.slack_proxy import SlackProxy
from chatops.document import Action, Document, para, quote, strong
from chatops.ports import Impossible, Post, Redact, Stage, TryLater
from tests.adapters.slack.kit import Workspace, again, effect, post, shown


async def test_a_post_is_text_and_blocks_with_its_effect_and_no_unfurling(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy
) -> None:
    channel = await workspace.channel()
    one = effect(post("hello"), channel)
    receipt = await outgoing.perform(one)
    (said,) = await workspace.messages(channel)
    assert (said["ts"], said["text"], said["blocks"][0]["type"]) == (receipt.event, "hello", "section")
    assert (said["unfurl_links"], said["unfurl_media"]) == (False, False)
    assert said["metadata"] == {"event_type": KIND, "event_payload": {"effect": one.id, "part": 0}}
    assert "thread_ts" not in slack.called("chat.postMessage")[0]


async def test_a_reply_is_made_in_a_thread_only_if_one_is_named(outgoing: Outgoing, workspace: Workspace) -> None:
    channel = await workspace.channel()
    root = await outgoing.perform(effect(post("root"), channel))
    await outgoing.perform(effect(post("answer", reply_to=root.event), channel))
    await outgoing.perform(effect(post("in the thread", reply_to=root.event, thread=root.event), channel))
    assert await workspace.texts(channel) == ["root", "answer"]
    replies = await workspace.emulate.call("conversations.replies", channel=channel, ts=root.event)
    assert [one["text"] for one in replies["messages"]] == ["root", "in the thread"]


async def test_an_edit_replaces_the_message_and_can_be_done_again(outgoing: Outgoing, workspace: Workspace) -> None:
    channel = await workspace.channel()
    card = effect(post("card"), channel)
    said = await outgoing.perform(card)
    edit = effect(post("card, newer", edit=card.id), channel, target=said.event)
    for one in (edit, again(edit)):
        assert (await outgoing.perform(one)).event == said.event
    (only,) = await workspace.messages(channel)
    assert only["text"] == "card, newer"
    assert only["metadata"]["event_payload"]["effect"] == card.id, "an edit keeps the mark"


async def test_an_edit_of_what_is_gone_is_impossible(outgoing: Outgoing, workspace: Workspace) -> None:
    channel = await workspace.channel()
    for target, code in (("1.000001", "message_not_found"), (None, "no-target")):
        with pytest.raises(Impossible) as no:
            await outgoing.perform(effect(post(edit="e"), channel, target=target))
        assert no.value.code == code


async def test_a_pinned_post_is_pinned_once(outgoing: Outgoing, workspace: Workspace, slack: SlackProxy) -> None:
    channel = await workspace.channel("maintainer")
    slack.fail("pins.add", "internal_error")
    one = effect(post("board", pin=True), channel)
    with pytest.raises(TryLater):
        await outgoing.perform(one)
    for _ in range(2):
        one = again(one)
        await outgoing.perform(one)
    pinned = await workspace.emulate.call("pins.list", by="maintainer", channel=channel)
    assert [item["message"]["text"] for item in pinned["items"]] == ["board"]
    assert await workspace.texts(channel) == ["board"]


async def test_what_cannot_be_pinned_was_said_all_the_same(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy
) -> None:
    channel = await workspace.channel()
    slack.fail("pins.add", "too_many_pins")
    await outgoing.perform(effect(post("board", pin=True), channel))
    assert await workspace.texts(channel) == ["board"]


# --- once ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_thread", [False, True])
async def test_a_lost_answer_doubles_nothing(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy, in_thread: bool
) -> None:
    channel = await workspace.channel()
    root = (await outgoing.perform(effect(post("root"), channel))).event if in_thread else None
    one = effect(post("once", thread=root), channel)
    slack.lose("chat.postMessage")
    with pytest.raises(TryLater):
        await outgoing.perform(one)
    one = again(one)
    event = (await outgoing.perform(one)).event
    ts = root or event
    replies = await workspace.emulate.call("conversations.replies", channel=channel, ts=ts)
    assert [(m["text"], m["ts"]) for m in replies["messages"]][-1] == ("once", event)
    assert len(replies["messages"]) == (2 if in_thread else 1)
    assert (await outgoing.perform(again(one))).event == event


async def test_a_new_process_finds_it_too(
    settings: SlackSettings, web: Web, workspace: Workspace, slack: SlackProxy
) -> None:
    channel = await workspace.channel()
    one = effect(post("once"), channel)
    slack.lose("chat.postMessage")
    with pytest.raises(TryLater):
        await Outgoing(settings, web, Emulate.bot_user, shown).perform(one)
    await Outgoing(settings, web, Emulate.bot_user, shown).perform(again(one))
    assert await workspace.texts(channel) == ["once"]


async def test_a_lost_call_is_made_again(outgoing: Outgoing, workspace: Workspace, slack: SlackProxy) -> None:
    channel = await workspace.channel()
    one = effect(post("once"), channel)
    slack.drop("chat.postMessage")
    with pytest.raises(TryLater):
        await outgoing.perform(one)
    assert await workspace.texts(channel) == []
    await outgoing.perform(again(one))
    assert await workspace.texts(channel) == ["once"]


async def test_nobody_looks_while_the_lost_call_may_be_under_way(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy
) -> None:
    channel = await workspace.channel()
    one = effect(post("once"), channel)
    slack.drop("chat.postMessage")
    with pytest.raises(TryLater):
        await outgoing.perform(one)
    with pytest.raises(TryLater) as later:
        await outgoing.perform(again(one, seconds=1))
    assert later.value.code == "settling"
    assert later.value.after is not None
    assert 3 < later.value.after.total_seconds() <= 5
    assert not slack.called("conversations.history")


async def test_a_long_post_goes_on_at_the_part_that_is_missing(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy
) -> None:
    channel = await workspace.channel()
    one = effect(post("long", parts=3), channel)
    slack.let("chat.postMessage")
    slack.lose("chat.postMessage")
    with pytest.raises(TryLater):
        await outgoing.perform(one)
    assert await workspace.texts(channel) == ["long", "more"]
    receipt = await outgoing.perform(again(one))
    said = await workspace.messages(channel)
    assert [m["metadata"]["event_payload"]["part"] for m in said] == [0, 1, 2]
    assert receipt.event == said[0]["ts"]


async def test_a_part_that_was_too_often_is_not_taken_for_the_first(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy
) -> None:
    """Slack surely did not post the second part, but the first stands."""
    channel = await workspace.channel()
    one = effect(post("long", parts=2), channel)
    slack.let("chat.postMessage")
    slack.limit("chat.postMessage", after=0)
    with pytest.raises(NotDone):
        await outgoing.perform(one)
    await outgoing.perform(again(one))
    assert await workspace.texts(channel) == ["long", "more"]


async def test_what_surely_was_not_sent_is_not_looked_for(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy
) -> None:
    channel = await workspace.channel()
    one = effect(post("once"), channel)
    slack.limit("chat.postMessage", after=0)
    with pytest.raises(NotDone):
        await outgoing.perform(one)
    await outgoing.perform(again(one))
    assert await workspace.texts(channel) == ["once"]
    assert not slack.called("conversations.history")


async def test_an_older_try_is_found_behind_many_messages(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy
) -> None:
    channel = await workspace.channel("maintainer")
    one = effect(post("once"), channel)
    slack.lose("chat.postMessage")
    with pytest.raises(TryLater):
        await outgoing.perform(one)
    for number in range(250):
        await workspace.emulate.call("chat.postMessage", by="maintainer", channel=channel, text=f"chat {number}")
    await outgoing.perform(again(one))
    assert (await workspace.texts(channel)).count("once") == 1
    assert len(slack.called("conversations.history")) == 2


async def test_a_forged_mark_of_somebody_elses_counts_for_nothing(outgoing: Outgoing, workspace: Workspace) -> None:
    channel = await workspace.channel("maintainer")
    one = effect(post("once"), channel)
    forged = {"event_type": KIND, "event_payload": {"effect": one.id, "part": 0}}
    await workspace.emulate.call("chat.postMessage", by="maintainer", channel=channel, text="forged", metadata=forged)
    await outgoing.perform(again(one))
    assert await workspace.texts(channel) == ["forged", "once"]


async def test_where_the_answer_stays_open_somebody_has_to_look(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy
) -> None:
    channel = await workspace.channel()
    endless = {"ok": True, "messages": [], "response_metadata": {"next_cursor": "more"}}
    slack.answer("conversations.history", endless)
    with pytest.raises(Impossible) as no:
        await outgoing.perform(again(effect(post("once"), channel)))
    assert no.value.code == "outcome-unknown"


# --- to nobody else ------------------------------------------------------------------------------------------------


async def test_nothing_is_said_while_a_stranger_is_there(outgoing: Outgoing, workspace: Workspace) -> None:
    channel = await workspace.channel("maintainer", "debian")
    maintainer, debian = workspace.user("maintainer"), workspace.user("debian")
    one = effect(post("embargoed"), channel, audience=(maintainer,))
    with pytest.raises(TryLater) as later:
        await outgoing.perform(one)
    assert later.value.code == "intruder"
    assert await workspace.texts(channel) == []
    await outgoing.perform(one.model_copy(update={"attempts": 1, "audience": (maintainer, debian)}))
    assert await workspace.texts(channel) == ["embargoed"]


async def test_a_newcomer_is_seen_as_soon_as_an_event_tells(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy
) -> None:
    channel = await workspace.channel("maintainer")
    audience = (workspace.user("maintainer"),)
    for _ in range(3):
        await outgoing.perform(effect(post("embargoed"), channel, audience=audience))
    assert len(slack.called("conversations.members")) == 1
    await workspace.add(channel, workspace.user("debian"))
    outgoing.members_changed(channel)
    with pytest.raises(TryLater):
        await outgoing.perform(effect(post("embargoed"), channel, audience=audience))
    assert len(await workspace.texts(channel)) == 3


async def test_a_channel_that_was_made_public_is_no_place_for_a_case(outgoing: Outgoing, workspace: Workspace) -> None:
    channel = await workspace.channel("maintainer", private=False)
    with pytest.raises(Impossible) as no:
        await outgoing.perform(effect(post("embargoed"), channel, audience=(workspace.user("maintainer"),)))
    assert no.value.code == "not-private"
    await outgoing.perform(effect(post("announcement"), channel))


async def test_a_direct_chat_has_its_two_people_for_ever(
    outgoing: Outgoing, workspace: Workspace, slack: SlackProxy
) -> None:
    chat = await workspace.direct("reporter")
    await outgoing.perform(effect(post("hello"), chat, audience=(workspace.user("reporter"),)))
    assert not slack.called("conversations.members")


async def test_members_are_read_page_by_page(outgoing: Outgoing, workspace: Workspace, slack: SlackProxy) -> None:
    channel = await workspace.channel()
    page = {"ok": True, "members": [Emulate.bot_user], "response_metadata": {"next_cursor": "2"}}
    slack.answer("conversations.members", page, times=1)
    slack.answer("conversations.members", {"ok": True, "members": ["U0STRANGER"]}, times=1)
    with pytest.raises(TryLater) as later:
        await outgoing.perform(effect(post("embargoed"), channel, audience=()))
    assert later.value.code == "intruder"
    assert [call.get("cursor") for call in slack.called("conversations.members")] == [None, "2"]


# --- taken back, refused ----------------------------------------------------------------------------------------------


async def test_a_message_of_the_bots_can_be_taken_back_and_no_other(outgoing: Outgoing, workspace: Workspace) -> None:
    channel = await workspace.channel("maintainer")
    own = await outgoing.perform(effect(post("own"), channel))
    theirs = await workspace.emulate.call("chat.postMessage", by="maintainer", channel=channel, text="theirs")
    assert own.event is not None
    for _ in range(2):  # the second finds it gone
        await outgoing.perform(effect(Redact(event=own.event, reason=""), channel))
    with pytest.raises(Impossible) as no:
        await outgoing.perform(effect(Redact(event=theirs["ts"], reason=""), channel))
    assert no.value.code == "cant_delete_message"
    assert await workspace.texts(channel) == ["theirs"]


async def test_what_can_never_be_done_is_said_so(outgoing: Outgoing, workspace: Workspace) -> None:
    archived = await workspace.channel()
    await workspace.emulate.call("conversations.archive", channel=archived)
    for one, code in (
        (effect(post(), archived), "is_archived"),
        (effect(post(), "C0NOSUCH"), "channel_not_found"),
        (effect(post()), "no-room"),
        (effect(Stage(version="2.0")), "unsupported"),
    ):
        with pytest.raises(Impossible) as no:
            await outgoing.perform(one)
        assert no.value.code == code


# --- with the real renderer -------------------------------------------------------------------------------------------


async def test_slack_takes_what_the_renderer_makes(settings: SlackSettings, web: Web, workspace: Workspace) -> None:
    channel = await workspace.channel("maintainer")
    outgoing = Outgoing(settings, web, Emulate.bot_user)
    document = Document(
        title="Case <DS-2026-7KQ4> & co",
        kind="case card",
        blocks=(para("Owner: ", strong("maintainer")), quote("*not bold* `not code`")),
        actions=(Action(label="Accept", command="accept DS-2026-7KQ4", emoji="✅"),),
    )
    await outgoing.perform(effect(Post(document=document, ping=(workspace.user("maintainer"),)), channel))
    (said,) = await workspace.messages(channel)
    assert said["text"].startswith(f"<@{workspace.user('maintainer')}>")
    assert "&lt;DS-2026-7KQ4&gt;" in said["text"]
    assert said["mrkdwn"] is False
    assert {block["type"] for block in said["blocks"]} >= {"header", "actions"}


async def test_what_is_longer_than_some_messages_comes_as_a_file(
    settings: SlackSettings, web: Web, workspace: Workspace
) -> None:
    channel = await workspace.channel()
    outgoing = Outgoing(settings, web, Emulate.bot_user)
    text = "".join(f"line {number} of a long log\n" for number in range(5000))
    document = Document(title="Log", kind="answer", blocks=(quote(text),))
    await outgoing.perform(effect(Post(document=document), channel))
    message, file = await workspace.messages(channel)
    assert file["files"][0]["name"] == "answer.txt"
    assert file["files"][0]["size"] > len(text)
    assert message["blocks"]


async def test_with_a_token_revoked_in_mid_case_a_post_waits_and_comes_once_with_the_next(
    settings: SlackSettings, slack: SlackProxy, workspace: Workspace, emulate: Emulate, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("xoxb-fake-old")
    web = Web(dataclasses.replace(settings, bot_token="xoxb-fake-old", read_token=file.read_text))
    web.open()
    outgoing = Outgoing(settings, web, emulate.bot_user, shown)
    channel = await workspace.channel("maintainer")
    one = effect(post("hello"), channel)
    slack.revoke("xoxb-fake-old")
    for _ in range(3):
        with pytest.raises(TryLater) as later:
            await outgoing.perform(one)
        assert (later.value.code, later.value.counts) == ("token_revoked", False)
        one = again(one)
    file.write_text(Emulate.bot_token)
    await web.call("auth.test")  # as the service does every few seconds
    await outgoing.perform(one)
    await web.close()
    assert await workspace.texts(channel) == ["hello"]
