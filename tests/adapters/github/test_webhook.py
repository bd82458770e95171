"""GitHub's deliveries of private reports: signed, whole, committed before they are answered; nothing else is taken."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import json
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
import pytest

from adapters.github.settings import GitHubWebhook
from adapters.github.webhook import PATH, Unusable, Webhook
from chatops.ports import Filed, Received

SECRET = "not-a-secret"
REPORT = {
    "ghsa_id": "GHSA-abcd-efgh-ijkm",
    "html_url": "https://github.com/dynasched/dynasched/security/advisories/GHSA-abcd-efgh-ijkm",
    "state": "triage",
    "author": {"login": "a-finder"},
    "summary": "Queue overflow",
    "description": "I found a hole in the queue.",
}
TOLD = {
    "action": "reported",
    "repository_advisory": REPORT,
    "repository": {"full_name": "DynaSched/dynasched"},
    "sender": {"login": "a-finder"},
}


class Inbox:
    """Keeps what is admitted; once ``free`` is cleared it takes its time."""

    def __init__(self) -> None:
        self.rows: list[Received] = []
        self.free = asyncio.Event()
        self.free.set()
        self.broken = False

    async def admit(self, received: Sequence[Received], **cursor: Any) -> None:
        await self.free.wait()
        if self.broken:
            raise OSError("disk full of secrets")
        self.rows += received


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
async def webhook(inbox: Inbox) -> AsyncIterator[Webhook]:
    made = Webhook(GitHubWebhook("127.0.0.1", 0, SECRET), "dynasched/dynasched", inbox)  # type: ignore[arg-type]
    await made.start()
    yield made
    await made.stop()


def signed(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


async def deliver(
    webhook: Webhook, told: Any = TOLD, *, method: str = "POST", path: str = PATH, **changed: str | None
) -> int:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    return await delivered(webhook.port, body, method=method, path=path, **changed)


async def delivered(port: int, body: bytes, *, method: str = "POST", path: str = PATH, **changed: str | None) -> int:
    """The status of the answer. ``changed`` are headers, by their names with an underscore; None: left out."""
    headers = {
        "content_type": "application/json",
        "x_github_event": "repository_advisory",
        "x_github_delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "x_hub_signature_256": signed(body),
        **changed,
    }
    sent = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
    url = f"http://127.0.0.1:{port}{path}"
    async with aiohttp.ClientSession() as http, http.request(method, url, data=io.BytesIO(body), headers=sent) as got:
        assert await got.text() in ("", "500 Internal Server Error\n\nServer got itself in trouble")
        return got.status


async def test_a_report_is_in_the_inbox_before_it_is_answered(webhook: Webhook, inbox: Inbox) -> None:
    inbox.free.clear()
    answer = asyncio.ensure_future(deliver(webhook))
    done, _ = await asyncio.wait({answer}, timeout=0.2)
    assert not done
    assert inbox.rows == []
    inbox.free.set()
    assert await answer == 202
    [row] = inbox.rows
    assert row.event == Filed(
        site="github",
        id=REPORT["ghsa_id"],
        url=REPORT["html_url"],
        sender="a-finder",
        title="Queue overflow",
        text="I found a hole in the queue.",
    )


async def test_a_replay_has_the_same_identity(webhook: Webhook, inbox: Inbox) -> None:
    await deliver(webhook)
    await deliver(webhook, x_github_delivery="another")
    first, second = [(row.service, row.tenant, row.key) for row in inbox.rows]
    assert first == second


async def test_what_is_not_kept_is_not_answered_as_taken(webhook: Webhook, inbox: Inbox) -> None:
    inbox.broken = True
    assert await deliver(webhook) == 500


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "sha256=",
        "sha256=" + "0" * 64,
        signed(json.dumps(TOLD).encode(), "another"),
        "sha1=" + hmac.new(SECRET.encode(), json.dumps(TOLD).encode(), "sha1").hexdigest(),
        "sha256=é",
    ],
)
async def test_what_is_not_signed_is_refused(webhook: Webhook, inbox: Inbox, signature: str | None) -> None:
    assert await deliver(webhook, x_hub_signature_256=signature) == 401
    assert inbox.rows == []


async def test_an_old_signature_alone_is_none(webhook: Webhook) -> None:
    old = "sha1=" + hmac.new(SECRET.encode(), json.dumps(TOLD).encode(), "sha1").hexdigest()
    assert await deliver(webhook, x_hub_signature_256=None, x_hub_signature=old) == 401


@pytest.mark.parametrize(
    ("told", "event"),
    [
        ({"zen": "Keep it logically awesome.", "hook_id": 1}, "ping"),
        ({**TOLD, "action": "published"}, "repository_advisory"),
        ({**TOLD, "repository": {"full_name": "dynasched/other"}}, "repository_advisory"),
        ({"action": "reported"}, "issues"),
    ],
)
async def test_other_news_is_taken_and_forgotten(webhook: Webhook, inbox: Inbox, told: Any, event: str) -> None:
    assert await deliver(webhook, told, x_github_event=event) == 200
    assert inbox.rows == []


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'"reported"',
        b'{"action": "reported"}',
        b'{"action": "reported", "repository": null}',
        json.dumps({**TOLD, "repository_advisory": {**REPORT, "summary": None}}).encode(),
    ],
)
async def test_what_makes_no_sense_is_refused(webhook: Webhook, inbox: Inbox, told: bytes) -> None:
    assert await deliver(webhook, told) == 400
    assert inbox.rows == []


async def test_missing_headers_and_other_types_are_refused(webhook: Webhook) -> None:
    assert await deliver(webhook, x_github_event=None) == 400
    assert await deliver(webhook, content_type="text/plain") == 400
    assert await deliver(webhook, content_type="application/json; charset=none-such") == 400


async def test_too_much_is_refused_and_so_is_any_other_door(webhook: Webhook, inbox: Inbox) -> None:
    assert await deliver(webhook, b" " * ((1 << 20) + 1)) == 413
    assert await deliver(webhook, method="GET") == 405
    assert await deliver(webhook, path="/") == 404
    assert inbox.rows == []


async def test_neither_the_secret_nor_the_report_is_logged(
    webhook: Webhook, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await deliver(webhook)
    await deliver(webhook, x_hub_signature_256="sha256=00")
    assert "hole in the queue" not in caplog.text
    assert SECRET not in caplog.text + repr(GitHubWebhook("x", 0, SECRET))


async def test_an_address_that_is_taken_is_said_in_a_line(webhook: Webhook, inbox: Inbox) -> None:
    second = Webhook(GitHubWebhook("127.0.0.1", webhook.port, SECRET), "x/y", inbox)  # type: ignore[arg-type]
    with pytest.raises(Unusable, match=r"github\.webhook_host: cannot listen there"):
        await second.start()
    await second.stop()
