"""What Slack sends, and what the core is told of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack import incoming
from adapters.slack.incoming import Installation, Malformed
from adapters.slack.typed import plain, without_mention
from adapters.stage.slackers import BOT, TEAM, Posts, Slackers
from chatops.ports import Aside, Invitation, Locked, Member, Reacted, Received, Said

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HERE = Installation(TEAM, BOT)
MAINTAINER, DEBIAN = "U0MAINTAINER", "U0DEBIAN"
DIGEST = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.fixture
async def slackers() -> Any:
    posts = Posts("http://127.0.0.1:9/", "fake-secret")
    yield Slackers(posts)
    await posts.close()


def rows(slackers: Slackers, event: dict[str, Any], **more: Any) -> list[Received]:
    return incoming.event(HERE, slackers.event_payload(event, **more), NOW)


# --- what was typed --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("escaped", "typed"),
    [
        ("status DS-2026-7KQ4", "status DS-2026-7KQ4"),
        ("a &amp;&amp; b &lt;c&gt;", "a && b <c>"),
        ("&amp;lt;", "&lt;"),
        ("invite DS-2026-7KQ4 <@U0DEBIAN|debian>", "invite DS-2026-7KQ4 slack:U0DEBIAN"),
        ("ask <@W0DEBIAN>", "ask slack:W0DEBIAN"),
        ("in <#C0PUBLIC|general> or <#C0PUBLIC>", "in #general or #C0PUBLIC"),
        ("<!here> <!subteam^S1|@packagers> <!date^1392734382^{date}|12 March>", "@here @packagers 12 March"),
        (f"{DIGEST}  <http://dynasched-1.0.1.zip|dynasched-1.0.1.zip>", f"{DIGEST}  dynasched-1.0.1.zip"),
        ("<mailto:security@example.org|security@example.org>", "security@example.org"),
        ("<https://example.org/a?b=1&amp;c=2>", "https://example.org/a?b=1&c=2"),
        ("<https://example.org|see here>", "see here (https://example.org)"),
        ("<tel:+4930123|+4930123>", "+4930123"),
        (
            "verify\n```" + DIGEST + "  a.tar.gz\n" + DIGEST + "  b.tar.gz```",
            "verify\n```\nX  a.tar.gz\nX  b.tar.gz\n```",
        ),
        ("```\na\n```", "```\na\n```"),
    ],
)
def test_typed_text_is_undone(escaped: str, typed: str) -> None:
    assert plain(escaped) == typed.replace("X", DIGEST)


@given(st.text().filter(lambda text: "```" not in text))
def test_any_text_survives_escaping(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert plain(escaped) == text


@pytest.mark.parametrize(
    ("text", "rest", "mentioned"),
    [
        (f"<@{BOT}> help", "help", True),
        (f" <@{BOT}|dynasched>: help", "help", True),
        (f"<@{BOT}>", "", True),
        (f"help me <@{BOT}>", f"help me <@{BOT}>", True),
        (f"<@{BOT}X> help", f"<@{BOT}X> help", False),
        ("help", "help", False),
    ],
)
def test_a_mention_in_front_is_taken_off(text: str, rest: str, mentioned: bool) -> None:
    assert without_mention(text, BOT) == (rest, mentioned)


# --- messages --------------------------------------------------------------------------------------------------------


def test_a_message_in_a_channel(slackers: Slackers) -> None:
    event = slackers.message(MAINTAINER, f"<@{BOT}> status &lt;all&gt;", "G0EMBARGO", thread_ts="1.5")
    payload = slackers.event_payload(event)
    (row,) = incoming.event(HERE, payload, NOW)
    assert (row.service, row.tenant, row.key) == ("slack", "", payload["event_id"])
    assert row.conversation == "G0EMBARGO"
    assert row.at == datetime.fromtimestamp(float(event["ts"]), UTC)
    assert row.event == Said(
        sender=MAINTAINER, room="G0EMBARGO", event=event["ts"], text="status <all>", thread="1.5", addressed=True
    )


def test_a_message_in_the_bots_own_chat(slackers: Slackers) -> None:
    (row,) = rows(slackers, slackers.message(MAINTAINER, "help", "D0MAINTAINER"))
    assert isinstance(row.event, Said)
    assert row.event.pair
    assert not row.event.addressed


def test_a_threads_first_message_is_in_no_thread(slackers: Slackers) -> None:
    event = slackers.message(MAINTAINER, "help", "C0PUBLIC")
    (row,) = rows(slackers, {**event, "thread_ts": event["ts"]})
    assert isinstance(row.event, Said)
    assert row.event.thread is None


@pytest.mark.parametrize(
    "more",
    [
        {"user": BOT},
        {"user": "USLACKBOT"},
        {"bot_id": "B0OTHER"},
        {"subtype": "bot_message"},
        {"subtype": "message_changed", "message": {"text": "edited"}},
        {"subtype": "message_deleted", "previous_message": {"text": "gone"}},
        {"subtype": "channel_join"},
        {"hidden": True},
        {"text": "   "},
    ],
)
def test_what_nobody_said(slackers: Slackers, more: dict[str, Any]) -> None:
    assert rows(slackers, {**slackers.message(MAINTAINER, "text", "C0PUBLIC"), **more}) == []


def test_other_events_are_nothing(slackers: Slackers) -> None:
    for kind in ("app_mention", "reaction_added", "file_shared", "channel_rename", "no_such_event"):
        assert rows(slackers, {"type": kind, "user": MAINTAINER, "channel": "C0PUBLIC", "ts": "1.1"}) == []


@pytest.mark.parametrize("lacking", ["user", "channel", "ts"])
def test_a_message_that_lacks_a_part(slackers: Slackers, lacking: str) -> None:
    event = slackers.message(MAINTAINER, "the secret of the case", "C0PUBLIC")
    del event[lacking]
    with pytest.raises(Malformed) as caught:
        rows(slackers, event)
    assert str(caught.value) == lacking


def test_archives_are_kept_for_later(slackers: Slackers) -> None:
    url = "https://files.slack.com/files-pri/T-F1/download/dynasched-1.0.1.tar.gz"
    archive = {"id": "F1", "name": "dynasched-1.0.1.tar.gz", "size": 7, "url_private_download": url}
    files = [
        archive,
        {"id": "F2", "name": "notes.txt", "size": 7, "url_private_download": "https://files.slack.com/2"},
        {"id": "F3", "mode": "file_access", "file_access": "check_file_info"},
        {**archive, "id": "F4", "is_external": True},
        {"name": "without-id.zip"},
        "no file",
    ]
    event = slackers.message(
        DEBIAN, "from <http://our.zip|our.zip>", "C0PUBLIC", subtype="file_share", files=files, thread_ts="1.5"
    )
    payload = slackers.event_payload(event)
    said, first, connect = incoming.event(HERE, payload, NOW)
    assert isinstance(said.event, Said)
    assert said.event.text == "from our.zip"
    assert first.key == f"{payload['event_id']}/F1"
    assert first.event == Locked(
        sender=DEBIAN,
        room="C0PUBLIC",
        event=event["ts"],
        raw={"id": "F1", "name": archive["name"], "size": 7, "url": url, "thread": "1.5", "pair": False},
    )
    assert isinstance(connect.event, Locked)
    assert connect.event.raw == {"id": "F3", "thread": "1.5", "pair": False}


def test_an_archive_without_a_word(slackers: Slackers) -> None:
    files = [{"id": "F1", "name": "a.ZIP", "size": 7, "url_private_download": "https://files.slack.com/1"}]
    (row,) = rows(slackers, slackers.message(DEBIAN, "", "C0PUBLIC", subtype="file_share", files=files))
    assert isinstance(row.event, Locked)


# --- who comes and goes ----------------------------------------------------------------------------------------------


def member(kind: str, user: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "user": user, "channel": "G0EMBARGO", "channel_type": "G", "team": TEAM, **more}


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (
            member("member_joined_channel", DEBIAN, inviter=MAINTAINER),
            Member(room="G0EMBARGO", who=DEBIAN, by=MAINTAINER, now="join"),
        ),
        (member("member_joined_channel", DEBIAN), Member(room="G0EMBARGO", who=DEBIAN, by=DEBIAN, now="join")),
        (member("member_left_channel", DEBIAN), Member(room="G0EMBARGO", who=DEBIAN, by=None, now="leave")),
        (
            member("member_joined_channel", BOT, inviter=MAINTAINER),
            Invitation(room="G0EMBARGO", by=MAINTAINER, direct=False, encrypted=False),
        ),
        (member("member_joined_channel", BOT), None),
        (member("member_joined_channel", BOT, inviter=BOT), None),
        (member("member_left_channel", BOT), Member(room="G0EMBARGO", who=BOT, by=None, now="leave", own=True)),
        (
            {"type": "group_left", "channel": "G0EMBARGO", "actor_id": MAINTAINER},
            Member(room="G0EMBARGO", who=BOT, by=MAINTAINER, now="leave", own=True),
        ),
        (
            {"type": "channel_left", "channel": "G0EMBARGO"},
            Member(room="G0EMBARGO", who=BOT, by=BOT, now="leave", own=True),
        ),
        (
            {"type": "group_archive", "channel": "G0EMBARGO", "user": MAINTAINER},
            Member(room="G0EMBARGO", who=BOT, by=MAINTAINER, now="leave", own=True),
        ),
        ({"type": "group_archive", "channel": "G0EMBARGO", "user": BOT}, None),
        (
            {"type": "channel_deleted", "channel": "G0EMBARGO", "actor_id": MAINTAINER},
            Member(room="G0EMBARGO", who=BOT, by=MAINTAINER, now="leave", own=True),
        ),
    ],
)
def test_memberships(slackers: Slackers, event: dict[str, Any], told: Member | Invitation | None) -> None:
    assert [row.event for row in rows(slackers, event)] == ([told] if told else [])


# --- what is typed and pressed ---------------------------------------------------------------------------------------


def test_a_slash_command(slackers: Slackers) -> None:
    form = slackers.command_form(MAINTAINER, " invite DS-2026-7KQ4 <@U0DEBIAN|debian> &amp; all ", "C0PUBLIC")
    where, line = incoming.command(form, NOW)
    row = incoming.said(HERE, where, f"/dynasched {line}")
    assert (row.key, row.conversation, row.at) == (form["trigger_id"], "C0PUBLIC", NOW)
    assert row.event == Said(
        sender=MAINTAINER,
        room="C0PUBLIC",
        event=form["trigger_id"],
        text="/dynasched invite DS-2026-7KQ4 slack:U0DEBIAN & all",
        aside=Aside(user=MAINTAINER, url=slackers.hook),
    )


def test_an_envelope_stands_in_for_a_trigger(slackers: Slackers) -> None:
    form = slackers.command_form(MAINTAINER, "help", "C0PUBLIC")
    del form["trigger_id"]
    assert incoming.command(form, NOW, "envelope-1")[0].key == "envelope-1"
    with pytest.raises(Malformed):
        incoming.command(form, NOW)


def test_a_button(slackers: Slackers) -> None:
    payload = slackers.press_payload(MAINTAINER, "accept DS-2026-7KQ4", "G0EMBARGO", "1.5")
    assert incoming.button(payload) == ("accept DS-2026-7KQ4", "1.5")
    where = incoming.interaction(payload, NOW)
    row = incoming.pressed(HERE, where, "1.5", "accept DS-2026-7KQ4")
    assert row.key == payload["trigger_id"]
    assert row.at == datetime.fromtimestamp(float(payload["actions"][0]["action_ts"]), UTC)
    assert row.event == Reacted(
        sender=MAINTAINER,
        room="G0EMBARGO",
        target="1.5",
        command="accept DS-2026-7KQ4",
        aside=Aside(user=MAINTAINER, url=slackers.hook),
    )


def test_a_button_of_a_message_that_only_one_sees(slackers: Slackers) -> None:
    payload = slackers.press_payload(MAINTAINER, "accept DS-2026-7KQ4", "G0EMBARGO", "1.5")
    payload["container"]["is_ephemeral"] = True
    del payload["message"]
    del payload["channel"]
    assert incoming.button(payload) == ("accept DS-2026-7KQ4", "1.5")
    assert incoming.interaction(payload, NOW).room == "G0EMBARGO"


@pytest.mark.parametrize(
    "action", [{"type": "button", "url": "https://example.org"}, {"type": "static_select", "value": "x"}, None]
)
def test_presses_that_mean_nothing(slackers: Slackers, action: Any) -> None:
    payload = slackers.press_payload(MAINTAINER, "x", "G0EMBARGO", "1.5", actions=[action])
    assert incoming.button(payload) is None


def test_a_form_pressed_twice_has_one_identity(slackers: Slackers) -> None:
    view = {"id": "V1", "blocks": [{"type": "input", "block_id": "a", "element": _input()}]}
    one = incoming.submission(slackers.submit_payload(MAINTAINER, view, {"a": "text"}), NOW)
    again = incoming.submission(slackers.submit_payload(MAINTAINER, view, {"a": "text"}), NOW)
    other = incoming.submission(slackers.submit_payload(MAINTAINER, view, {"a": "mended"}), NOW)
    assert one.key == again.key != other.key


def _input() -> dict[str, Any]:
    return {"type": "plain_text_input", "action_id": "value"}


# --- whose it is -----------------------------------------------------------------------------------------------------


def test_whose_a_payload_is(slackers: Slackers) -> None:
    other = Slackers(slackers.delivery, team="T0OTHER", bot="U0OTHERBOT")
    event = slackers.message(MAINTAINER, "help", "C0PUBLIC")
    assert HERE.owns(slackers.event_payload(event))
    assert not HERE.owns(other.event_payload(event))
    assert HERE.owns(slackers.command_form(MAINTAINER, "help", "C0PUBLIC"))
    assert not HERE.owns(other.command_form(MAINTAINER, "help", "C0PUBLIC"))
    assert HERE.owns(slackers.press_payload(MAINTAINER, "help", "C0PUBLIC", "1.5"))
    assert not HERE.owns(other.press_payload(MAINTAINER, "help", "C0PUBLIC", "1.5"))


def test_what_comes_from_a_shared_channel_is_ours(slackers: Slackers) -> None:
    """The event's workspace, and that of who pressed, may be the other one."""
    event = slackers.message(DEBIAN, "help", "C0SHARED", team="T0OTHER")
    assert HERE.owns(slackers.event_payload(event, team_id="T0OTHER"))
    pressed = slackers.press_payload(DEBIAN, "help", "C0SHARED", "1.5", team={"id": "T0OTHER"})
    assert HERE.owns(pressed)
    view = {"id": "V1", "app_installed_team_id": TEAM}
    assert HERE.owns(slackers.submit_payload(DEBIAN, view, {}, team={"id": "T0OTHER"}))


json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("type", "user", "channel", "ts", "text", "files", "id", "event", "actions")), inner
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(("event_id", "event", "user", "actions", "view", "team")), json), json)
def test_nothing_but_malformed_is_raised(body: dict[str, Any], event: Any) -> None:
    """Whatever comes: Slack's shapes have grown before."""
    HERE.owns(body)
    if isinstance(event, dict):
        event["type"] = "message"
    for read in (
        lambda: incoming.event(HERE, {**body, "event": event, "event_id": "Ev1"}, NOW),
        lambda: incoming.command(body, NOW),
        lambda: incoming.interaction(body, NOW),
        lambda: incoming.submission(body, NOW),
        lambda: incoming.button(body),
        lambda: incoming.shortcut_text(body),
    ):
        try:
            read()
        except Malformed:
            continue
