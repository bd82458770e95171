"""Security advisories of a repository: private reports that wait there, and the advisory of a general release
(docs.github.com/rest/security-advisories/repository-advisories).

GitHub takes no key by which a request could be repeated: an advisory is looked for by a line of its own text, or by the
report that it was, before one is made.
"""

from __future__ import annotations

from adapters.github.web import Json, Web
from chatops.ports import Impossible, PublishAdvisory, RequestCve

_ALL = "/security-advisories"


async def reports(web: Web) -> list[Json]:
    """The private reports that nobody has looked at on GitHub yet, oldest first."""
    found = await web.all(f"{_ALL}?state=triage&sort=created&direction=asc&per_page=100")
    return [as_report(one) for one in found if one["state"] == "triage"]


def as_report(told: Json) -> Json:
    """A private report, as the core wants it."""
    return {
        "id": told["ghsa_id"],
        "url": told["html_url"],
        "sender": (told.get("author") or {}).get("login") or "",
        "title": told["summary"],
        "text": told.get("description") or "",
    }


async def publish_advisory(web: Web, wanted: PublishAdvisory) -> str:
    """Where it is. What says the same already stays as it is. Raises Impossible ``advisory-closed``, and as
    :class:`Web` does.
    """
    there = await _there(web, wanted)
    if there is None:
        there = await web.post(_ALL, wanted.advisory)
    page = f"{_ALL}/{there['ghsa_id']}"
    match there["state"]:
        case "published" if _says(there, wanted):
            pass
        case "published":
            await web.patch(page, wanted.advisory)
        case "closed" | "withdrawn":
            raise Impossible("advisory-closed")
        case state:
            if state == "triage":  # a report is accepted first
                await web.patch(page, {"state": "draft"})
            await web.patch(page, {**wanted.advisory, "state": "published"})
    return str(there["html_url"])


async def request_cve(web: Web, wanted: RequestCve, *, again: bool) -> str | None:
    """The advisory's CVE id, if GitHub has given it one; else it is asked for, by a draft. ``again``: it may have been
    already, and GitHub then finds nothing to ask. Raises as :func:`publish_advisory` does.
    """
    there = await _there(web, wanted)
    if there is None:
        there = await web.post(_ALL, wanted.advisory)
    if there.get("cve_id"):
        return str(there["cve_id"])
    if there["state"] in ("closed", "withdrawn"):
        raise Impossible("advisory-closed")
    if not wanted.asked:
        page = f"{_ALL}/{there['ghsa_id']}"
        state = {"state": "draft"} if there["state"] == "triage" else {}
        await web.patch(page, {**wanted.advisory, **state})
        try:
            await web.post(f"{page}/cve", {})
        except Impossible as problem:
            if not again or problem.code != "not-valid":
                raise
    return None


async def _there(web: Web, wanted: PublishAdvisory | RequestCve) -> Json | None:
    if wanted.report is not None:
        return dict(await web.get(f"{_ALL}/{{report}}", report=wanted.report))
    mine = [one for one in await web.all(f"{_ALL}?per_page=100") if wanted.mark in _lines(one)]
    return next((one for one in mine if one["state"] == "published"), mine[0] if mine else None)


def _says(there: Json, wanted: PublishAdvisory) -> bool:
    """All that an advisory says stands in its text."""
    same = ("summary", "description")
    return [_plain(there.get(one)) for one in same] == [_plain(wanted.advisory[one]) for one in same]


def _lines(one: Json) -> list[str]:
    return _plain(one.get("description")).split("\n")


def _plain(text: str | None) -> str:
    """GitHub's forms end lines their own way."""
    return (text or "").replace("\r\n", "\n").strip()
