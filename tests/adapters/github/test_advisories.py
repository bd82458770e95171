"""Security advisories on GitHub: published once whatever gets lost, and a private report becomes the advisory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chatops.advisory.content import Content, Publisher
from chatops.advisory.github import advisory, mark
from chatops.advisory.ranges import read_ranges
from chatops.ports import Impossible, PublishAdvisory, RequestCve, TryLater
from tests.adapters.github.conftest import Repository

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
CONTENT = Content(
    publisher=Publisher("DynaSched", "https://dynasched.example", "https://dynasched.example/get"),
    id="DS-2026-7KQ4",
    title="DynaSched 1.0.1 fixes a vulnerability",
    text="A crafted job name overflows the queue.",
    released=NOW,
    changed=NOW,
    severity="CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H",
    band="high",
    cve="CVE-2026-1000",
    cwes=("CWE-787",),
    affected=read_ranges("<1.0.1"),
    fixed=("1.0.1",),
)
DEED = PublishAdvisory(advisory=advisory(CONTENT), mark=mark(CONTENT))

UNNUMBERED = advisory(replace(CONTENT, cve=None))
REQUEST = RequestCve(advisory=UNNUMBERED, mark=mark(CONTENT), by="x")


def held(repository: Repository) -> list[dict[str, Any]]:
    return repository.proxy.advisories.held.get(repository.settings.repository, [])


async def test_an_advisory_is_made_and_published(repository: Repository) -> None:
    receipt = await repository.perform(DEED)
    [one] = held(repository)
    assert receipt.data == {"url": one["html_url"]}
    assert (one["state"], one["summary"], one["cve_id"]) == ("published", CONTENT.title, "CVE-2026-1000")
    assert CONTENT.text in one["description"]


@pytest.mark.parametrize("call", ["POST *", "PATCH *"])
async def test_one_whose_answer_was_lost_is_found_by_its_text(repository: Repository, call: str) -> None:
    await repository.call("POST", "/security-advisories", {**DEED.advisory, "description": "Advisory DS-2026-OTHER"})
    repository.proxy.lose(call)
    with pytest.raises(TryLater):
        await repository.perform(DEED)
    await repository.perform(DEED, attempts=1)
    assert [one["state"] for one in held(repository)] == ["draft", "published"]
    patches = len(repository.proxy.called("PATCH *"))
    await repository.perform(DEED)  # once more changes nothing
    assert len(repository.proxy.called("PATCH *")) == patches


async def test_a_private_report_is_accepted_and_becomes_the_advisory(repository: Repository) -> None:
    told = {"summary": "A hole", "description": "I found it."}
    report = await repository.call("POST", "/security-advisories/reports", told)
    deed = DEED.model_copy(update={"report": report["ghsa_id"]})
    repository.proxy.fail("PATCH *", 502)
    with pytest.raises(TryLater, match="502"):
        await repository.perform(deed)
    await repository.perform(deed)
    [one] = held(repository)
    assert (one["ghsa_id"], one["state"], one["author"]["login"]) == (report["ghsa_id"], "published", "finder")
    assert "I found it." not in one["description"]


async def test_a_correction_is_written_into_it(repository: Repository) -> None:
    await repository.perform(DEED)
    await repository.perform(DEED.model_copy(update={"advisory": {**DEED.advisory, "summary": "Another title"}}))
    assert [(one["state"], one["summary"]) for one in held(repository)] == [("published", "Another title")]


async def test_lines_that_end_as_in_a_form_say_the_same(repository: Repository) -> None:
    await repository.perform(DEED)
    [one] = held(repository)
    one["description"] = one["description"].replace("\n", "\r\n")
    patches = len(repository.proxy.called("PATCH *"))
    await repository.perform(DEED)
    assert len(repository.proxy.called("PATCH *")) == patches


async def test_what_github_refuses_is_said(repository: Repository) -> None:
    report = await repository.call("POST", "/security-advisories/reports", {"summary": "A hole", "description": ""})
    held(repository)[0]["state"] = "closed"
    with pytest.raises(Impossible, match="advisory-closed"):
        await repository.perform(DEED.model_copy(update={"report": report["ghsa_id"]}))
    with pytest.raises(Impossible, match="not-found"):
        await repository.perform(DEED.model_copy(update={"report": "GHSA-none-none-none"}))
    with pytest.raises(Impossible, match="not-valid"):
        await repository.perform(DEED.model_copy(update={"advisory": {**DEED.advisory, "severity": "high"}}))
    for status, code in ((401, "token-refused"), (403, "forbidden")):
        repository.proxy.fail("GET *", status)
        with pytest.raises(Impossible, match=code):
            await repository.perform(DEED)
    assert [one["state"] for one in held(repository)] == ["closed"]


# --- a CVE id by its draft -----------------------------------------------------------------------------------------


async def test_an_id_is_asked_for_by_a_draft_and_seen_once_it_is_there(repository: Repository) -> None:
    assert (await repository.perform(REQUEST)).data == {"cve": None}
    [one] = held(repository)
    assert one["state"] == "draft"
    assert repository.proxy.advisories.asked == [one["ghsa_id"]]
    look = REQUEST.model_copy(update={"asked": True})
    assert (await repository.perform(look)).data == {"cve": None}
    one["cve_id"] = "CVE-2026-4242"
    assert (await repository.perform(look)).data == {"cve": "CVE-2026-4242"}
    assert len(repository.proxy.called("POST */cve")) == 1
    await repository.perform(DEED)
    assert [one["state"] for one in held(repository)] == ["published"]  # the draft is what is published


@pytest.mark.parametrize("call", ["POST */security-advisories", "POST */cve"])
async def test_a_request_whose_answer_was_lost_is_made_once(repository: Repository, call: str) -> None:
    repository.proxy.lose(call)
    with pytest.raises(TryLater):
        await repository.perform(REQUEST)
    assert (await repository.perform(REQUEST, attempts=1)).data == {"cve": None}
    assert len(held(repository)) == len(repository.proxy.advisories.asked) == 1


async def test_a_private_report_is_the_draft(repository: Repository) -> None:
    report = await repository.call("POST", "/security-advisories/reports", {"summary": "A hole", "description": "x"})
    await repository.perform(REQUEST.model_copy(update={"report": report["ghsa_id"]}))
    assert [(one["state"], one["summary"]) for one in held(repository)] == [("draft", CONTENT.title)]


async def test_a_request_that_github_refuses_is_for_good(repository: Repository) -> None:
    repository.proxy.fail("POST */cve", 422)
    with pytest.raises(Impossible, match="not-valid"):
        await repository.perform(REQUEST)
