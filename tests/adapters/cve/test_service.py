"""CVE Services through cvelib, against a small peer that speaks its documented API: once each, whatever gets lost."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cvelib.cve_api import CveRecord

from adapters.cve.service import UNANSWERED, CveAccount, CveRegistry
from adapters.stage.cve_services import KEY, ORG, USER, CveDesk
from chatops.advisory.content import Content, Credit, Publisher
from chatops.advisory.cve import container
from chatops.advisory.ranges import read_ranges
from chatops.ports import CveDeed, Effect, Impossible, PublishCve, Receipt, ReserveCve, TryLater

NOW = datetime.now(UTC)
RESERVE = ReserveCve(year=2026, by="x")
CONTENT = Content(
    publisher=Publisher(
        project="DynaSched", namespace="https://dynasched.example", page="https://dynasched.example/get"
    ),
    id="DS-2026-7KQ4",
    title="DynaSched 1.0.1 fixes a vulnerability",
    text="A crafted job name overflows the queue.",
    released=NOW,
    changed=NOW,
    severity="CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H",
    cwes=("CWE-787",),
    versions="<1.0.1",
    affected=read_ranges("<1.0.1"),
    fixed=("1.0.1",),
    mitigation="Turn the queue off.",
    credits=(Credit("A. Finder"),),
)


@pytest.fixture
async def desk() -> AsyncIterator[CveDesk]:
    made = CveDesk()
    await made.start()
    yield made
    await made.stop()


async def perform(desk: CveDesk, deed: CveDeed, *, key: str = KEY, **more: Any) -> Receipt:
    registry = CveRegistry(CveAccount(ORG, USER, lambda: key, desk.url))
    return await registry.perform(Effect(id=secrets.token_hex(8), service="cve", deed=deed, **more))


async def again(desk: CveDesk, deed: CveDeed) -> Receipt:
    """The second try of what was begun just now."""
    return await perform(desk, deed, attempts=1, first=NOW)


# --- reserving -----------------------------------------------------------------------------------------------------


async def test_one_id_is_reserved_and_no_word_goes_with_it(desk: CveDesk) -> None:
    receipt = await perform(desk, RESERVE, case="DS-2026-7KQ4")
    assert receipt.data == {"cve": "CVE-2026-1000"}
    assert desk.calls == ["POST /api/cve-id"]
    assert desk.bodies == []
    assert "not-a-key" not in repr(CveAccount(ORG, USER, lambda: KEY, desk.url))


async def test_a_lost_answer_is_found_before_anything_is_reserved_again(desk: CveDesk) -> None:
    desk.reserved(at=NOW - timedelta(days=1))
    desk.reserved(user="a.person@dynasched.example")
    desk.lose("POST /api/cve-id")
    with pytest.raises(TryLater) as lost:
        await perform(desk, RESERVE)
    assert (lost.value.code, lost.value.after) == ("connection", UNANSWERED)
    assert (await again(desk, RESERVE)).data == {"perhaps": ["CVE-2026-1002"]}
    assert desk.called("POST *") == 1


async def test_what_never_arrived_is_reserved_after_looking(desk: CveDesk) -> None:
    desk.fail("POST /api/cve-id", 503)
    with pytest.raises(TryLater, match="503"):
        await perform(desk, RESERVE)
    assert (await again(desk, RESERVE)).data == {"cve": "CVE-2026-1000"}
    assert desk.calls == ["POST /api/cve-id", "GET /api/cve-id", "POST /api/cve-id"]


async def test_while_it_cannot_be_looked_nothing_is_reserved(desk: CveDesk) -> None:
    desk.fail("GET /api/cve-id", 500)
    with pytest.raises(TryLater, match="500"):
        await again(desk, RESERVE)
    assert desk.called("POST *") == 0


async def test_all_pages_are_looked_at_and_what_is_public_is_not_meant(desk: CveDesk) -> None:
    desk.page = 2
    made = [desk.reserved() for _ in range(5)]
    desk.ids[made[1]]["state"] = "PUBLISHED"
    receipt = await perform(desk, RESERVE.model_copy(update={"since": NOW}))
    assert receipt.data == {"perhaps": [made[0], *made[2:]]}


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, "BAD_INPUT", "cve-not-valid"),
        (401, "UNAUTHORIZED", "cve-key-refused"),
        (403, "EXCEEDED_ID_QUOTA", "cve-quota"),
        (403, "ORG_CANNOT_RESERVE_FOR_OTHER", "cve-forbidden"),
        (404, "ORG_DNE", "cve-not-there"),
    ],
)
async def test_a_refusal_is_for_good_and_says_why(desk: CveDesk, status: int, error: str, code: str) -> None:
    desk.fail("POST *", status, error)
    with pytest.raises(Impossible) as refused:
        await perform(desk, RESERVE)
    assert refused.value.code == code


async def test_a_wrong_key_and_a_spent_quota_are_refused_by_the_service_itself(desk: CveDesk) -> None:
    with pytest.raises(Impossible, match="cve-key-refused"):
        await perform(desk, RESERVE, key="another")
    desk.quota = 1
    await perform(desk, RESERVE)
    with pytest.raises(Impossible, match="cve-quota"):
        await perform(desk, RESERVE)


async def test_too_often_waits_as_long_as_it_is_told_and_counts_for_nothing(desk: CveDesk) -> None:
    desk.fail("POST *", 429, headers={"Retry-After": "30"})
    with pytest.raises(TryLater) as later:
        await perform(desk, RESERVE)
    assert (later.value.code, later.value.after, later.value.counts) == ("rate-limited", timedelta(seconds=30), False)


async def test_where_nobody_listens_it_is_tried_again(desk: CveDesk) -> None:
    await desk.stop()
    with pytest.raises(TryLater, match="connection"):
        await perform(desk, RESERVE)


# --- publishing ----------------------------------------------------------------------------------------------------


async def test_a_record_is_published_whole_and_valid(desk: CveDesk) -> None:
    cve = desk.reserved()
    made = container(CONTENT)
    await perform(desk, PublishCve(cve=cve, container=made))
    record = desk.records[cve]["containers"]["cna"]
    CveRecord.validate(record)
    assert record["descriptions"] == [{"lang": "en", "value": "A crafted job name overflows the queue."}]
    assert {**record, **made} == record
    assert desk.ids[cve]["state"] == "PUBLISHED"


async def test_a_record_whose_answer_was_lost_is_published_once(desk: CveDesk) -> None:
    cve = desk.reserved()
    deed = PublishCve(cve=cve, container=container(CONTENT))
    desk.lose(f"POST /api/cve/{cve}/cna")
    with pytest.raises(TryLater):
        await perform(desk, deed)
    await again(desk, deed)
    assert desk.called("POST *") == 1
    assert desk.called("PUT *") == 0


async def test_what_was_corrected_since_is_brought_up_to_date(desk: CveDesk) -> None:
    cve = desk.reserved()
    await perform(desk, PublishCve(cve=cve, container=container(CONTENT)))
    await perform(desk, PublishCve(cve=cve, container={**container(CONTENT), "title": "Another"}))
    assert desk.records[cve]["containers"]["cna"]["title"] == "Another"


async def test_somebody_published_it_in_the_same_moment(desk: CveDesk) -> None:
    cve = desk.reserved()
    desk.fail("POST *", 403, "CVE_RECORD_EXISTS")
    with pytest.raises(TryLater, match="conflict"):
        await perform(desk, PublishCve(cve=cve, container=container(CONTENT)))


@pytest.mark.parametrize(
    ("change", "code"),
    [({"owning_cna": "other"}, "cve-of-another"), ({"state": "REJECTED"}, "cve-rejected")],
)
async def test_what_is_not_ours_to_publish_is_said(desk: CveDesk, change: dict[str, str], code: str) -> None:
    cve = desk.reserved()
    desk.ids[cve] |= change
    with pytest.raises(Impossible, match=code):
        await perform(desk, PublishCve(cve=cve, container=container(CONTENT)))
    with pytest.raises(Impossible, match="cve-not-there"):
        await perform(desk, PublishCve(cve="CVE-2026-9999", container=container(CONTENT)))


async def test_a_record_that_breaks_the_format_goes_nowhere(desk: CveDesk) -> None:
    cve = desk.reserved()
    with pytest.raises(Impossible, match="cve-not-valid"):
        await perform(desk, PublishCve(cve=cve, container={"title": "no more than this"}))
    assert desk.called("POST *") == 0
