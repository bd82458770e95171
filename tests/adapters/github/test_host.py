"""The release host on GitHub, against the real emulator: sync, draft, publish, delist, and how each can go wrong."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from adapters.github.host import version_of
from chatops.ports import (
    Deed,
    Delist,
    Impossible,
    Inspect,
    PrepareDraft,
    Publish,
    ReadReports,
    Snapshot,
    Stage,
    Survey,
    TryLater,
)
from tests.adapters.github.conftest import Repository

NAME = "dynasched-1.0.1.tar.bz2"
CONTENT = b"the archive" * 1000
SHA1, SHA256 = hashlib.sha1(CONTENT).hexdigest(), hashlib.sha256(CONTENT).hexdigest()


async def surveyed(repository: Repository) -> dict[str, Any]:
    told = (await repository.perform(Survey())).data["releases"]
    return {one["version"]: one for one in told}


# --- sync ----------------------------------------------------------------------------------------------------------


async def test_what_the_page_its_files_and_github_say_is_told_of_each(repository: Repository) -> None:
    sums = f"{SHA256}  {NAME}\n".encode()
    body = f"Fixes.\n\n```\n{SHA1}  {NAME}\n```"
    await repository.release("v1.0.1", body=body, dynasched_1__0__1=b"x", SHA256SUMS=sums)
    await repository.release("v1.0.2", draft=True, secret=b"x")
    release = (await repository.call("GET", "/releases"))[-1]
    await repository.call("POST", f"/releases/{release['id']}/assets", CONTENT, name=NAME)
    await repository.call("POST", f"/releases/{release['id']}/assets", b"x", name=f"{NAME}.asc")
    found = await surveyed(repository)
    assert list(found) == ["1.0.1"]  # no draft
    archives = {one["name"]: one for one in found["1.0.1"]["archives"]}
    assert set(archives) == {NAME, "dynasched_1.0.1"}  # neither sums nor signatures
    assert archives[NAME]["digests"] == {"sha1": {"posted": SHA1}, "sha256": {"posted": SHA256, "host": SHA256}}
    assert archives[NAME]["size"] == len(CONTENT)
    assert (found["1.0.1"]["tag"], found["1.0.1"]["immutable"]) == ("v1.0.1", False)
    downloads = len(repository.proxy.called("GET /*/SHA256SUMS"))
    await surveyed(repository)
    assert len(repository.proxy.called("GET /*/SHA256SUMS")) == downloads == 1


async def test_sums_that_cannot_be_read_keep_nothing_from_being_synced(repository: Repository) -> None:
    await repository.release("v1.0.1", SHA256SUMS=b"x" * 2_000_000, SHA1SUMS=b"x", file=CONTENT)
    repository.proxy.fail("GET /*/SHA1SUMS", 404)
    [archive] = (await surveyed(repository))["1.0.1"]["archives"]
    assert archive["digests"] == {"sha256": {"host": SHA256}}


async def test_more_than_one_page_of_releases(repository: Repository) -> None:
    for number in range(151):
        await repository.call("POST", "/releases", {"tag_name": f"v0.{number}.0"})
    assert len(await surveyed(repository)) == 151


async def test_archives_are_hashed_from_outside(repository: Repository) -> None:
    await repository.release("v1.0.1", file=CONTENT)
    repository.proxy.digests = False
    [archive] = (await surveyed(repository))["1.0.1"]["archives"]
    assert archive["digests"] == {}
    repository.token = "ghp_wrong"
    wanted = {archive["name"]: archive["url"], "gone": f"{archive['url']}-not"}
    told = (await repository.perform(Inspect(version="1.0.1", archives=wanted))).data["archives"]
    assert (told[0]["size"], told[0]["digests"]["sha1"], told[0]["digests"]["sha256"]) == (len(CONTENT), SHA1, SHA256)


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        ("v1.0.0", "1.0.0"),
        ("dynasched-1.0.0rc1", "1.0.0rc1"),
        ("2.0", "2.0"),
        ("pmix/v5.0.1", "5.0.1"),
        ("nightly",) * 2,
    ],
)
def test_versions_are_read_from_tags(tag: str, version: str) -> None:
    assert version_of(tag) == version


# --- draft and publish ---------------------------------------------------------------------------------------------


DRAFT = PrepareDraft(version="1.0.1", archives={NAME: SHA256}, text="Check your download.")
PUBLISH = Publish(version="1.0.1", archives={NAME: SHA256})


async def test_a_draft_is_prepared_and_published_on_the_day(repository: Repository) -> None:
    (repository.staging / NAME).write_bytes(CONTENT)
    await repository.perform(Stage(version="1.0.1"))
    await repository.perform(DRAFT)
    uploads = len(repository.proxy.called("POST /*/assets"))
    await repository.perform(DRAFT)  # as after a crash: there is one draft, with one archive
    assert len(repository.proxy.called("POST /*/assets")) == uploads == 1
    [draft] = await repository.call("GET", "/releases")
    assert (draft["draft"], draft["name"], draft["body"]) == (True, "DynaSched 1.0.1", "Check your download.")
    assert [asset["name"] for asset in draft["assets"]] == [NAME]
    with pytest.raises(Impossible, match="no-tag"):
        await repository.perform(PUBLISH)
    assert await surveyed(repository) == {}
    await repository.tag("v1.0.1")
    repository.proxy.lose("PATCH *")
    with pytest.raises(TryLater, match="connection"):
        await repository.perform(PUBLISH)
    told = (await repository.perform(PUBLISH)).data["archives"]  # it was done already: looked at, not done again
    assert len(repository.proxy.called("PATCH *")) == 1
    assert told == [{"name": NAME, "size": len(CONTENT), "digests": told[0]["digests"]}]
    assert told[0]["digests"]["sha1"] == SHA1
    assert list(await surveyed(repository)) == ["1.0.1"]


async def test_archives_that_changed_are_replaced_in_the_draft_and_never_published(
    repository: Repository,
) -> None:
    (repository.staging / NAME).write_bytes(b"older")
    older = hashlib.sha256(b"older").hexdigest()
    await repository.perform(DRAFT.model_copy(update={"archives": {NAME: older}}))
    with pytest.raises(Impossible, match="changed-since-the-private-release"):
        await repository.perform(DRAFT)
    (repository.staging / NAME).write_bytes(CONTENT)
    await repository.perform(DRAFT)
    [draft] = await repository.call("GET", "/releases")
    assert [asset["digest"] for asset in draft["assets"]] == [f"sha256:{SHA256}"]


async def test_without_a_draft_it_is_made_on_the_day_or_said_to_be_missing(repository: Repository) -> None:
    await repository.tag("v1.0.1")
    with pytest.raises(Impossible, match="no-draft"):
        await repository.perform(PUBLISH)
    assert await repository.call("GET", "/releases") == []  # not even a draft
    (repository.staging / NAME).write_bytes(CONTENT)
    assert (await repository.perform(PUBLISH)).data["archives"][0]["digests"]["sha256"] == SHA256


async def test_what_can_be_downloaded_is_told_as_it_is(repository: Repository) -> None:
    await repository.tag("v1.0.1")
    (repository.staging / NAME).write_bytes(CONTENT)
    await repository.perform(DRAFT)
    repository.proxy.fail("GET */download/*", 404)  # not everywhere at once
    with pytest.raises(TryLater, match="not-there-yet"):
        await repository.perform(PUBLISH)
    for asset in repository.proxy.contents:
        repository.proxy.contents[asset] = b"another"
    (outside,) = (await repository.perform(PUBLISH)).data["archives"]
    assert outside["digests"]["sha256"] == hashlib.sha256(b"another").hexdigest()


async def test_a_release_with_other_archives_is_left_alone(repository: Repository) -> None:
    await repository.tag("v1.0.1")
    await repository.release("v1.0.1", other=b"x")
    with pytest.raises(Impossible, match="published-already"):
        await repository.perform(PUBLISH)
    with pytest.raises(Impossible, match="published-already"):
        await repository.perform(DRAFT)


# --- delist --------------------------------------------------------------------------------------------------------


async def test_a_release_is_taken_off_the_page_and_its_tag_stays(repository: Repository) -> None:
    commit = await repository.tag("v1.0.1")
    release = await repository.release("v1.0.1", file=CONTENT)
    seen = (await repository.perform(Snapshot(version="1.0.1", tag="v1.0.1"))).data
    assert (seen["release"], seen["commit"], seen["immutable"]) == (str(release["id"]), commit, False)
    assert seen["whole"]["assets"][0]["digest"] == f"sha256:{SHA256}"
    delist = Delist(version="1.0.1", release=seen["release"], tag="v1.0.1", commit=commit)
    repository.proxy.lose("DELETE *", times=None)
    with pytest.raises(TryLater):
        await repository.perform(delist)
    assert not repository.proxy.called("DELETE */git/*")
    repository.proxy.clear()
    assert (await repository.perform(delist)).data == {"commit": commit}
    assert not repository.proxy.called("DELETE *")  # it was done already
    assert (await repository.call("GET", "/git/ref/tags/v1.0.1"))["object"]["sha"] == commit
    assert await surveyed(repository) == {}
    gone = (await repository.perform(Snapshot(version="1.0.1", tag="v1.0.1"))).data
    assert (gone["release"], gone["commit"]) == (None, commit)


async def test_an_annotated_tag_is_followed_to_its_commit(repository: Repository) -> None:
    commit = await repository.tag("start")
    person = {"name": "maintainer", "email": "maintainer@dynasched.example", "date": "2026-03-02T09:00:00Z"}
    told = {"tag": "v1.0.1", "message": "1.0.1", "object": commit, "type": "commit", "tagger": person}
    made = await repository.call("POST", "/git/tags", told)
    refs = await repository.call("GET", "/git/matching-refs/tags/v1.0.1")
    if not refs:
        await repository.call("POST", "/git/refs", {"ref": "refs/tags/v1.0.1", "sha": made["sha"]})
    assert (await repository.perform(Snapshot(version="1.0.1", tag="v1.0.1"))).data["commit"] == commit


async def test_an_immutable_release_is_told(repository: Repository) -> None:
    await repository.release("v1.0.1")
    repository.proxy.immutable.add("v1.0.1")
    assert (await repository.perform(Snapshot(version="1.0.1", tag="v1.0.1"))).data["immutable"] is True
    assert (await surveyed(repository))["1.0.1"]["immutable"] is True


# --- reports -------------------------------------------------------------------------------------------------------


async def test_private_reports_are_read(repository: Repository) -> None:
    told = {"summary": "Overflow in the queue", "description": "A crafted name …"}
    made = await repository.call("POST", "/security-advisories/reports", told)
    [report] = (await repository.perform(ReadReports())).data["reports"]
    assert (report["id"], report["sender"], report["title"]) == (made["ghsa_id"], "finder", "Overflow in the queue")
    assert report["text"] == "A crafted name …"


# --- what goes wrong -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "headers", "message", "kind", "code", "after"),
    [
        (401, {}, "Bad credentials", Impossible, "token-refused", None),
        (403, {}, "Resource not accessible by personal access token", Impossible, "forbidden", None),
        (404, {}, "Not Found", Impossible, "not-found", None),
        (409, {}, "Conflict", TryLater, "conflict", None),
        (422, {}, "Validation Failed", Impossible, "not-valid", None),
        (500, {}, "no", TryLater, "500", None),
        (502, {}, "no", TryLater, "502", None),
        (503, {}, "no", TryLater, "503", None),
        (403, {"Retry-After": "30"}, "no", TryLater, "rate-limited", 30),
        (429, {"Retry-After": "7"}, "no", TryLater, "rate-limited", 7),
        (403, {}, "You have exceeded a secondary rate limit", TryLater, "rate-limited", 60),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, "no", TryLater, "rate-limited", 1),
    ],
)
async def test_each_refusal_has_one_meaning_and_shows_nothing_of_the_token(
    repository: Repository,
    status: int,
    headers: dict[str, str],
    message: str,
    kind: type[Exception],
    code: str,
    after: int | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if "X-RateLimit-Remaining" in headers:
        headers["X-RateLimit-Limit"] = "5000"
    repository.proxy.fail("GET *", status, message=message, headers=headers)
    with pytest.raises(kind) as caught:
        await repository.perform(Survey())
    assert isinstance(caught.value, TryLater | Impossible)
    assert caught.value.code == code
    if isinstance(caught.value, TryLater):
        assert caught.value.after == (timedelta(seconds=after) if after else None)
        assert caught.value.counts is (code != "rate-limited")
    assert "ghp_" not in caplog.text + repr(caught.value) + repr(repository.settings)
    assert await surveyed(repository) == {}  # the next try is good


@pytest.mark.parametrize("deed", [DRAFT, ReadReports()])
async def test_a_token_that_is_no_good_any_more_can_be_replaced(repository: Repository, deed: Deed) -> None:
    (repository.staging / NAME).write_bytes(CONTENT)
    good, repository.token = repository.token, None
    with pytest.raises(Impossible, match="token-refused"):
        await repository.perform(deed)
    repository.token = good
    await repository.perform(deed)
