"""Plays the security advisories of repositories, which the emulator lacks, as GitHub's REST reference tells."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable

from aiohttp import web

from adapters.stage.proxy import Json

_FIELDS = {
    "summary",
    "description",
    "cve_id",
    "vulnerabilities",
    "cwe_ids",
    "credits",
    "severity",
    "cvss_vector_string",
}
_ECOSYSTEMS = {
    "rubygems",
    "npm",
    "pip",
    "maven",
    "nuget",
    "composer",
    "go",
    "rust",
    "erlang",
    "actions",
    "pub",
    "other",
    "swift",
}
_MOVES = {"triage": ("draft", "closed"), "draft": ("published", "closed"), "published": (), "closed": ("draft",)}


class Advisories:
    """All of them, by repository, in ``held``; ``reporter`` is who files private reports; ``asked`` are those for
    which a CVE id was requested.
    """

    def __init__(self) -> None:
        self.held: dict[str, list[Json]] = {}
        self.reporter = "finder"
        self.asked: list[str] = []
        self._numbers = itertools.count(1)

    def answer(self, request: web.BaseRequest, repository: str, rest: str, body: bytes) -> web.Response:
        """``rest`` is what follows ``security-advisories/`` in the path: an id, or ``reports``."""
        if "Authorization" not in request.headers:
            return web.json_response({"message": "Requires authentication"}, status=401)
        mine = self.held.setdefault(repository, [])
        told = json.loads(body) if body else {}
        match request.method, rest:
            case "GET", "":
                state = request.query.get("state")
                return web.json_response([one for one in mine if state in (None, one["state"])])
            case "POST", "reports":
                return self._made(mine, repository, {**told, "state": "triage", "author": {"login": self.reporter}})
            case "POST", "":
                if not {"summary", "description", "vulnerabilities"} <= told.keys() or _wrong(told):
                    return web.json_response({"message": "Validation Failed"}, status=422)
                return self._made(mine, repository, {**told, "state": "draft", "author": {"login": "maintainer"}})
        rest, _, cve = rest.partition("/")
        one = next((one for one in mine if one["ghsa_id"] == rest), None)
        if one is None:
            return web.json_response({"message": "Not Found"}, status=404)
        if cve:
            if rest in self.asked or one["state"] != "draft":
                return web.json_response({"message": "Validation Failed"}, status=422)
            self.asked.append(rest)
            return web.json_response({}, status=202)
        if request.method == "PATCH":
            state = told.pop("state", one["state"])
            if _wrong(told) or state not in (one["state"], *_MOVES[one["state"]]):
                return web.json_response({"message": "Validation Failed"}, status=422)
            one |= {**told, "state": state}
        return web.json_response(one)

    def _made(self, mine: list[Json], repository: str, told: Json) -> web.Response:
        number = f"GHSA-fake-{next(self._numbers):04d}-fake"
        page = f"https://github.com/{repository}/security/advisories/{number}"
        mine.append({"ghsa_id": number, "html_url": page, **told})
        return web.json_response(mine[-1], status=201)


def _wrong(told: Json) -> bool:
    both = told.get("severity") is not None and told.get("cvss_vector_string") is not None
    packages: Iterable[Json] = (one["package"] for one in told.get("vulnerabilities") or ())
    return both or not told.keys() <= _FIELDS or any(one["ecosystem"] not in _ECOSYSTEMS for one in packages)
