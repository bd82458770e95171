"""Acknowledged is what was committed, once, whatever way and however often it comes."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from adapters.slack.listeners import APOLOGY
from adapters.stage.slackers import BOT, Answer, Posts, Slackers, sign, written
from chatops.document import Document
from chatops.ports import Impossible, Post, Reacted, Said, TryLater
from tests.adapters.slack.front import DEBIAN, MAINTAINER, SECRET, Front, Way, report_form, serving
from tests.service.kit import until

TEXT = "the-words-of-a-case"


@pytest.fixture(params=["http", "socket"])
async def front(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Front]:
    """Each test runs over HTTP and over Socket Mode."""
    way: Way = request.param
    async with serving(tmp_path, way) as made:
        yield made


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[Front]:
    async with serving(tmp_path) as made:
        yield made


def posts(front: Front) -> Posts:
    assert front.posts is not None
    return front.posts


# --- taken and acknowledged ------------------------------------------------------------------------------------------


async def test_a_command_is_committed_and_then_acknowledged(front: Front) -> None:
    answer = await front.slackers.command(MAINTAINER, "status", "C0PUBLIC")
    assert answer.status == 200
    assert not answer.body
    (row,) = front.rows()
    assert isinstance(row.event, Said)
    assert row.event.text == "/dynasched status"
    assert front.core.asked[0][1] == "status"


async def test_an_event_is_committed_and_then_acknowledged(front: Front) -> None:
    answer = await front.slackers.say(DEBIAN, "help", "D0DEBIAN")
    assert answer.status == 200
    (row,) = front.rows()
    assert isinstance(row.event, Said)
    assert row.event.pair


async def test_a_button_is_committed_and_then_acknowledged(front: Front) -> None:
    answer = await front.slackers.press(MAINTAINER, "accept DS-2026-7KQ4", "G0EMBARGO", "1.5")
    assert answer.status == 200
    (row,) = front.rows()
    assert isinstance(row.event, Reacted)
    assert (row.event.target, row.event.command, row.event.pair) == ("1.5", "accept DS-2026-7KQ4", False)


async def test_a_message_is_verified_by_shortcut(front: Front) -> None:
    digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    answer = await front.slackers.shortcut(DEBIAN, f"```{digest}  a.zip```", "C0PUBLIC")
    assert answer.status == 200
    (row,) = front.rows()
    assert isinstance(row.event, Said)
    assert row.event.text == f"/dynasched verify\n```\n{digest}  a.zip\n```"
    assert row.event.aside is not None
    assert row.event.aside.user == DEBIAN


async def test_nothing_is_acknowledged_before_the_commit(front: Front) -> None:
    front.intake.held = asyncio.Event()
    answer = asyncio.create_task(front.slackers.command(MAINTAINER, "status", "C0PUBLIC"))
    await front.intake.came.wait()
    assert not answer.done()
    assert front.rows() == []
    front.intake.held.set()
    assert (await answer).status == 200
    assert len(front.rows()) == 1


async def test_the_same_payload_again_is_taken_once(front: Front) -> None:
    slackers = front.slackers
    payloads = [
        ("slash_commands", slackers.command_form(MAINTAINER, "status", "C0PUBLIC")),
        ("events_api", slackers.event_payload(slackers.message(DEBIAN, "help", "D0DEBIAN"))),
        ("interactive", slackers.press_payload(MAINTAINER, "accept", "G0EMBARGO", "1.5")),
        ("interactive", slackers.shortcut_payload(DEBIAN, "line", "C0PUBLIC")),
    ]
    retried = {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"}
    together = await asyncio.gather(*(slackers.delivery.send(*one) for one in payloads * 3))
    again = [await slackers.delivery.send(*one, retried) for one in payloads]
    assert {answer.status for answer in (*together, *again)} == {200}
    assert len(front.rows()) == len(payloads)


async def test_reordered_and_late_payloads_are_taken(front: Front) -> None:
    slackers = front.slackers
    first, second = (slackers.message(DEBIAN, word, "D0DEBIAN") for word in ("first", "second"))
    late = int(time.time()) - 3 * 3600
    await slackers.event(second)
    answer = await slackers.event(first, event_time=late)
    assert answer.status == 200
    rows = front.rows()
    assert [row.event.text for row in rows if isinstance(row.event, Said)] == ["second", "first"]
    assert rows[1].at < rows[0].at


async def test_what_a_process_took_the_next_one_knows(tmp_path: Path) -> None:
    async with serving(tmp_path) as front:
        payload = front.slackers.command_form(MAINTAINER, "status", "C0PUBLIC")
        await front.slackers.delivery.send("slash_commands", payload)
    async with serving(tmp_path) as front:
        assert (await front.slackers.delivery.send("slash_commands", payload)).status == 200
        assert len(front.rows()) == 1


# --- what is no business of ours -------------------------------------------------------------------------------------


async def test_another_teams_payloads_are_dropped(front: Front, caplog: pytest.LogCaptureFixture) -> None:
    other = Slackers(front.slackers.delivery, team="T0OTHER", bot="U0OTHERBOT")
    answers = [
        await other.command(MAINTAINER, TEXT, "C0PUBLIC"),
        await other.say(MAINTAINER, TEXT, "C0PUBLIC"),
        await other.press(MAINTAINER, TEXT, "C0PUBLIC", "1.5"),
        await other.shortcut(MAINTAINER, TEXT, "C0PUBLIC"),
        await other.submit(MAINTAINER, {"id": "V1", "callback_id": "form"}, {}),
    ]
    assert {answer.status for answer in answers} == {200}
    assert front.rows() == []
    assert caplog.text.count("payload dropped: other-team") == len(answers)


async def test_what_nobody_listens_to_is_acknowledged(front: Front) -> None:
    slackers = front.slackers
    press = slackers.press_payload(MAINTAINER, TEXT, "C0PUBLIC", "1.5")
    payloads = [
        ("events_api", slackers.event_payload({"type": "no_such_event", "user": MAINTAINER})),
        ("events_api", slackers.event_payload({"type": "message", "text": TEXT})),
        ("interactive", {**press, "type": "view_closed", "view": {"id": "V1", "callback_id": "form"}}),
        ("interactive", {**press, "type": "block_suggestion", "action_id": "x", "block_id": "y", "value": "z"}),
        ("interactive", {**press, "type": "shortcut", "callback_id": "no-such-shortcut"}),
        ("interactive", {**press, "type": "no_such_type"}),
        ("interactive", {**press, "actions": [{"type": "button", "action_id": "a", "block_id": "b", "url": "https:"}]}),
        ("interactive", slackers.shortcut_payload(MAINTAINER, TEXT, "C0PUBLIC", callback_id="no-such-shortcut")),
        ("interactive", slackers.submit_payload(MAINTAINER, {"id": "V1", "callback_id": "no-such-form"}, {})),
        ("interactive", slackers.submit_payload(MAINTAINER, {"id": "V1", "callback_id": "form"}, {})),
    ]
    for kind, payload in payloads:
        answer = await slackers.delivery.send(kind, payload)
        assert answer.status == 200, payload
    assert front.rows() == []


async def test_a_lost_token_is_told_of(front: Front) -> None:
    await front.slackers.event({"type": "tokens_revoked", "tokens": {"oauth": [MAINTAINER]}})
    assert front.lost == []
    await front.slackers.event({"type": "tokens_revoked", "tokens": {"bot": [BOT]}})
    await front.slackers.event({"type": "app_uninstalled"})
    assert front.lost == ["token_revoked", "account_inactive"]


# --- signatures ------------------------------------------------------------------------------------------------------


async def test_forged_and_stale_signatures_are_refused(http: Front, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    body, content_type = written("slash_commands", http.slackers.command_form(MAINTAINER, TEXT, "C0PUBLIC"))
    good = sign(SECRET, body)
    now = time.time()
    bad: list[dict[str, str]] = [
        {},
        sign("another-secret", body),
        sign(SECRET, body, now - 6 * 60),
        sign(SECRET, body, now + 6 * 60),
        sign(SECRET, body + "&text=other"),
        {**good, "X-Slack-Request-Timestamp": "yesterday"},
        {**good, "X-Slack-Request-Timestamp": ""},
        {**good, "X-Slack-Request-Timestamp": "9" * 400},
        {**good, "X-Slack-Signature": good["X-Slack-Signature"].upper()},
        {**good, "X-Slack-Signature": "v0=ü"},
    ]
    for headers in bad:
        answer = await posts(http).post(body, {**headers, "Content-Type": content_type})
        assert answer.status == 401, headers
    assert http.rows() == []
    assert TEXT not in caplog.text
    assert (await posts(http).post(body, {**good, "Content-Type": content_type})).status == 200


async def test_a_replayed_signature_changes_nothing(http: Front) -> None:
    body, content_type = written("slash_commands", http.slackers.command_form(MAINTAINER, "status", "C0PUBLIC"))
    headers = {**sign(SECRET, body), "Content-Type": content_type}
    assert [(await posts(http).post(body, headers)).status for _ in range(2)] == [200, 200]
    assert len(http.rows()) == 1


async def test_slacks_own_checks_are_answered(http: Front) -> None:
    challenge = json.dumps({"type": "url_verification", "challenge": "fake-challenge", "token": "fake"})
    headers = {**sign(SECRET, challenge), "Content-Type": "application/json"}
    assert (await posts(http).post(challenge, headers)).body == {"challenge": "fake-challenge"}
    ssl = "ssl_check=1&token=fake"
    headers = {**sign(SECRET, ssl), "Content-Type": "application/x-www-form-urlencoded"}
    assert await posts(http).post(ssl, headers) == Answer(200, "")
    del headers["X-Slack-Signature"]  # Slack's look at the certificate need not be signed
    assert await posts(http).post(ssl, headers) == Answer(200, "")
    assert http.rows() == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"type": "event_callback", "' + TEXT.encode(), "application/json"),
        (b"[1, 2]", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"payload=" + TEXT.encode(), "application/x-www-form-urlencoded"),
        (b"payload=[1]", "application/x-www-form-urlencoded"),
        (TEXT.encode() + b"\xff\xfe", "application/json"),
        (TEXT.encode() * 100_000, "application/x-www-form-urlencoded"),
    ],
)
async def test_what_cannot_be_read_is_refused_without_a_trace(
    http: Front, caplog: pytest.LogCaptureFixture, body: bytes, content_type: str
) -> None:
    caplog.set_level(logging.DEBUG)
    signed = sign(SECRET, body.decode(errors="replace"))
    answer = await posts(http).post(io.BytesIO(body), {**signed, "Content-Type": content_type})
    assert answer.status == 400
    assert TEXT not in caplog.text
    assert http.rows() == []


async def test_other_paths_are_not_served(http: Front) -> None:
    posts(http).url += "/other"
    assert (await posts(http).post("", {})).status == 404


# --- faults ----------------------------------------------------------------------------------------------------------


async def test_an_event_that_could_not_be_taken_comes_again(http: Front, caplog: pytest.LogCaptureFixture) -> None:
    payload = http.slackers.event_payload(http.slackers.message(DEBIAN, TEXT, "D0DEBIAN"))
    http.intake.problem = OSError(f"the disk is full of {TEXT}")
    assert (await http.slackers.delivery.send("events_api", payload)).status == 500
    http.intake.problem = None
    assert (await http.slackers.delivery.send("events_api", payload)).status == 200
    assert len(http.rows()) == 1
    assert "payload not taken: OSError" in caplog.text
    assert TEXT not in caplog.text


async def test_an_envelope_that_could_not_be_taken_is_not_acknowledged(tmp_path: Path) -> None:
    async with serving(tmp_path, "socket") as front:
        assert front.socket is not None
        payload = front.slackers.event_payload(front.slackers.message(DEBIAN, "help", "D0DEBIAN"))
        front.intake.problem = OSError()
        lost = await front.socket.deliver("envelope-a", "events_api", payload)
        await front.intake.came.wait()
        # What comes behind it is answered, so the answer to it would have come.
        front.intake.problem = None
        await front.slackers.command(MAINTAINER, "status", "C0PUBLIC")
        assert not lost.done()
        again = await front.socket.deliver("envelope-a", "events_api", payload)
        async with asyncio.timeout(10):
            await again
        assert len(front.rows()) == 2


async def test_who_typed_a_command_is_told_that_it_was_lost(front: Front, caplog: pytest.LogCaptureFixture) -> None:
    front.intake.problem = OSError(TEXT)
    answer = await front.slackers.command(MAINTAINER, TEXT, "C0PUBLIC")
    assert answer.status == 200
    assert answer.body in (APOLOGY, {"text": APOLOGY})
    assert TEXT not in caplog.text


async def test_a_form_that_was_not_taken_stays_open(front: Front) -> None:
    front.core.forms["report"] = report_form()
    await front.slackers.command(MAINTAINER, "report", "C0PUBLIC")
    view = {**front.api.called("views.open")[0]["view"], "id": "V0FORM"}
    front.intake.problem = OSError()
    answer = await front.slackers.submit(MAINTAINER, view, {"summary": "x"})
    assert answer.body == {"response_action": "errors", "errors": {"summary": APOLOGY}}
    front.intake.problem = None
    front.core.broken = OSError()
    answer = await front.slackers.submit(MAINTAINER, view, {"summary": "x"})
    assert answer.body == {"response_action": "errors", "errors": {"summary": APOLOGY}}


async def test_nothing_of_a_payload_is_logged_at_any_level(front: Front, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    front.core.forms[f"report {TEXT}"] = report_form()
    for problem in (None, OSError(TEXT), ValueError(TEXT)):
        front.intake.problem = problem
        await front.slackers.command(MAINTAINER, TEXT, "C0PUBLIC")
        await front.slackers.command(MAINTAINER, f"report {TEXT}", "C0PUBLIC")
        await front.slackers.submit(
            MAINTAINER, {**front.api.called("views.open")[0]["view"], "id": "V0FORM"}, {"summary": TEXT}
        )
        if problem is None or front.posts is not None:
            await front.slackers.say(MAINTAINER, TEXT, "C0PUBLIC")
            await front.slackers.press(MAINTAINER, TEXT, "C0PUBLIC", "1.5")
            await front.slackers.shortcut(MAINTAINER, TEXT, "C0PUBLIC")
    assert TEXT not in caplog.text
    assert "Traceback" not in caplog.text


# --- stopping --------------------------------------------------------------------------------------------------------


async def test_what_is_in_hand_is_answered_before_the_end(front: Front) -> None:
    front.intake.held = asyncio.Event()
    answers = [asyncio.create_task(front.slackers.command(MAINTAINER, str(n), "C0PUBLIC")) for n in range(5)]
    await until(lambda: len(front.core.asked) == 5)
    stopping = asyncio.create_task(front.server.stop())
    done, _ = await asyncio.wait([stopping], timeout=0.2)
    assert not done
    front.intake.held.set()
    await stopping
    assert [answer.status for answer in await asyncio.gather(*answers)] == [200] * 5
    assert len(front.rows()) == 5


async def test_a_new_connection_is_made_when_slack_wants_one(tmp_path: Path) -> None:
    async with serving(tmp_path, "socket") as front:
        assert front.socket is not None
        socket, (old,) = front.socket, front.socket.connections
        await socket.ask_to_reconnect()
        await until(lambda: len(socket.opened_with) == 2)
        await until(lambda: len(socket.connections) == 1 and socket.connections[0] is not old)
        assert (await front.slackers.command(MAINTAINER, "status", "C0PUBLIC")).status == 200


# --- pairs -----------------------------------------------------------------------------------------------------------


async def test_a_direct_chat_of_two_people_is_no_pair(front: Front) -> None:
    front.api.answers["conversations.info"] = Impossible("channel_not_found")
    for _ in range(2):
        await front.slackers.command(MAINTAINER, "report", "D0TWOPEOPLE")
    assert [row.event.pair for row in front.rows() if isinstance(row.event, Said)] == [False, False]
    assert front.api.called("conversations.info") == [{"channel": "D0TWOPEOPLE"}]


async def test_the_bots_own_chat_is_a_pair(front: Front) -> None:
    front.api.answers["conversations.info"] = {"channel": {"id": "D0MINE", "is_im": True, "user": MAINTAINER}}
    await front.slackers.command(MAINTAINER, "report", "D0MINE")
    await front.slackers.press(MAINTAINER, "accept", "D0MINE", "1.5")
    await front.slackers.command(DEBIAN, "report", "D0MINE")
    told = [row.event.pair for row in front.rows() if isinstance(row.event, Said | Reacted)]
    assert told == [True, True, False]
    assert len(front.api.called("conversations.info")) == 1


async def test_a_chat_that_spoke_is_known(front: Front) -> None:
    await front.slackers.say(MAINTAINER, "hello", "D0MINE")
    await front.slackers.command(MAINTAINER, "report", "D0MINE")
    assert [row.event.pair for row in front.rows() if isinstance(row.event, Said)] == [True, True]
    assert front.api.called("conversations.info") == []


async def test_where_slack_cannot_be_asked_a_chat_is_no_pair(front: Front) -> None:
    front.api.answers["conversations.info"] = TryLater("503")
    answer = await front.slackers.command(MAINTAINER, "report", "D0MINE")
    assert not answer.body
    (row,) = front.rows()
    assert isinstance(row.event, Said)
    assert not row.event.pair


# --- forms -----------------------------------------------------------------------------------------------------------


async def test_a_form_is_opened_filled_and_handed_in(front: Front) -> None:
    front.core.forms["report"] = report_form()
    answer = await front.slackers.command(MAINTAINER, "report", "C0PUBLIC")
    assert answer.status == 200
    assert front.rows() == []
    (opened,) = front.api.called("views.open")
    view = {**opened["view"], "id": "V0FORM"}
    assert TEXT not in json.dumps(view)
    front.core.problems = {"summary": "too short", "nowhere": "wrong"}
    answer = await front.slackers.submit(MAINTAINER, view, {"summary": TEXT})
    assert answer.body == {"response_action": "errors", "errors": {"summary": "too short wrong"}}
    assert front.rows() == []
    front.core.problems = {}
    answer = await front.slackers.submit(MAINTAINER, view, {"summary": TEXT, "text": "a\nb & <c>"})
    assert not answer.body
    (row,) = front.rows()
    assert row.conversation == "C0PUBLIC"
    assert isinstance(row.event, Said)
    assert row.event.text == "/dynasched report"
    assert row.event.fields == {"summary": TEXT, "text": "a\nb & <c>"}
    assert row.event.aside is not None
    assert row.event.aside.url == front.slackers.hook
    assert front.slackers.hook not in json.dumps(view)
    assert front.core.checked[-1][0].room == "C0PUBLIC"


async def test_a_form_is_opened_by_a_button(front: Front) -> None:
    front.core.forms["tell DS-2026-7KQ4"] = report_form("tell DS-2026-7KQ4")
    await front.slackers.press(MAINTAINER, "tell DS-2026-7KQ4", "G0EMBARGO", "1.5")
    assert front.rows() == []
    assert len(front.api.called("views.open")) == 1


async def test_a_form_handed_in_again_counts_once(front: Front) -> None:
    front.core.forms["report"] = report_form()
    await front.slackers.command(MAINTAINER, "report", "C0PUBLIC")
    view = {**front.api.called("views.open")[0]["view"], "id": "V0FORM"}
    for _ in range(2):  # the answer to the first got lost on its way
        await front.slackers.submit(MAINTAINER, view, {"summary": "x"})
    assert len(front.rows()) == 1


@pytest.mark.parametrize("problem", [Impossible("expired_trigger_id"), TryLater("503"), OSError(TEXT)])
async def test_without_its_form_a_command_is_taken_as_typed(front: Front, problem: Exception) -> None:
    front.core.forms["report"] = report_form()
    if isinstance(problem, OSError):
        front.core.broken = problem
    else:
        front.api.answers["views.open"] = problem
    answer = await front.slackers.command(MAINTAINER, "report", "C0PUBLIC")
    assert not answer.body
    (row,) = front.rows()
    assert isinstance(row.event, Said)
    assert row.event.text == "/dynasched report"
    assert len(front.api.called("views.open")) <= 1


async def test_a_form_that_was_opened_for_the_first_delivery(front: Front) -> None:
    front.core.forms["report"] = report_form()
    front.api.answers["views.open"] = Impossible("exchanged_trigger_id")
    await front.slackers.command(MAINTAINER, "report", "C0PUBLIC")
    assert front.rows() == []


# --- home pages ------------------------------------------------------------------------------------------------------


async def test_a_home_page_is_shown_and_kept_up_to_date(front: Front) -> None:
    front.core.page = tuple(Post(document=Document(title=title)) for title in ("You owe an answer", "Releases"))
    await front.slackers.event({"type": "app_home_opened", "user": MAINTAINER, "channel": "D0M", "tab": "home"})
    await until(lambda: front.api.called("views.publish"))
    (published,) = front.api.called("views.publish")
    assert published["user_id"] == MAINTAINER
    assert [block["type"] for block in published["view"]["blocks"]] == ["section", "divider", "section"]
    await front.slackers.event({"type": "app_home_opened", "user": DEBIAN, "channel": "D0D", "tab": "messages"})
    await front.slackers.command(DEBIAN, "status", "C0PUBLIC")  # whose page was never opened
    await asyncio.gather(*(front.slackers.command(MAINTAINER, str(n), "C0PUBLIC") for n in range(5)))
    await until(lambda: len(front.api.called("views.publish")) == 2)
    assert {one["user_id"] for one in front.api.called("views.publish")} == {MAINTAINER}


async def test_a_button_of_a_home_page_is_a_word_in_the_direct_chat(front: Front) -> None:
    await front.slackers.delivery.send("interactive", front.slackers.home_payload(MAINTAINER, "show DS-2026-7KQ4"))
    (row,) = front.rows()
    assert isinstance(row.event, Said)
    assert row.event.text == "/dynasched show DS-2026-7KQ4"
    assert (row.event.room, row.event.pair) == ("D0MAINTAINER", True)


# --- a busy database -------------------------------------------------------------------------------------------------


async def test_all_are_acknowledged_in_time_beside_a_busy_writer(http: Front) -> None:
    """Slack waits three seconds. Transactions of up to two seconds hold the only writer meanwhile."""
    stop = asyncio.Event()

    def busy(seconds: float) -> Any:
        def job(session: Session) -> None:
            session.connection()
            time.sleep(seconds)

        return job

    async def hog() -> None:
        while not stop.is_set():
            for seconds in (2.0, 2.0, 0.5, *(0.02,) * 40):
                await http.store.write(busy(seconds))

    waited: list[float] = []

    async def person(number: int) -> None:
        for n in range(1000 // 16 + 1):
            if number * 63 + n < 1000:
                began = time.monotonic()
                answer = await http.slackers.command(MAINTAINER, f"status {number} {n}", "C0PUBLIC")
                waited.append(time.monotonic() - began)
                assert answer == Answer(200, "")

    hogging = asyncio.create_task(hog())
    await asyncio.gather(*(person(number) for number in range(16)))
    stop.set()
    await hogging
    assert len(waited) == 1000
    assert max(waited) < 3
    assert len(http.rows()) == 1000
