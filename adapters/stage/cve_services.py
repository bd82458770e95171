"""Plays CVE Services for one organisation, as its API documents itself (cveawg.mitre.org/api-docs, version 2.5).

The real one is a program of its own on MongoDB, which nobody publishes as a package.

    desk = CveDesk(); await desk.start()        # the bot's cve.api is desk.url
    desk.fail("POST /api/cve-id", 429)          # once
    desk.lose("POST /api/cve-id")               # it is done, and the answer never comes
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from adapters.stage.proxy import Hold, Json, Rule, broken

ORG, USER, KEY = "dynasched", "bot@dynasched.example", "not-a-key"
ORG_ID = "8254265b-2729-46b6-b9e3-3dfca2d5bfca"


@dataclass(eq=False)
class _Rule(Rule):
    status: int | None = None
    error: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    after: Hold | None = None


class CveDesk:
    """CVE Services at ``url``. ``ids`` and ``records`` are what it holds, ``calls`` what came; a page of a list holds
    ``page`` ids.
    """

    def __init__(self, *, quota: int = 100, page: int = 500) -> None:
        self.url = ""
        self.quota = quota
        self.page = page
        self.ids: dict[str, Json] = {}
        self.records: dict[str, Json] = {}
        self.calls: list[str] = []
        self.bodies: list[Json] = []
        self._rules: list[_Rule] = []
        self._runner: web.ServerRunner | None = None

    async def start(self) -> None:
        self._runner = web.ServerRunner(web.Server(self._take), shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/api/"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def fail(self, call: str, status: int, error: str = "", *, headers: Mapping[str, str] | None = None) -> None:
        """Refuse the next such call."""
        self._rules.append(_Rule(call, 1, status, error, headers or {}))

    def lose(self, call: str) -> None:
        """Do what the next such call asks for, and break the connection before the answer."""
        self._rules.append(_Rule(call, 1))

    def hold(self, call: str) -> Hold:
        """Do what the next such call asks for, and keep the answer."""
        hold = Hold()
        self._rules.append(_Rule(call, 1, after=hold))
        return hold

    def called(self, call: str) -> int:
        return sum(fnmatch.fnmatchcase(one, call) for one in self.calls)

    def reserved(self, user: str = USER, at: datetime | None = None, year: int = 2026) -> str:
        """One more id is reserved: by the bot, or past it."""
        cve = f"CVE-{year}-{1000 + len(self.ids)}"
        when = (at or datetime.now(UTC)).isoformat(timespec="milliseconds")
        self.ids[cve] = {
            "cve_id": cve,
            "cve_year": str(year),
            "state": "RESERVED",
            "owning_cna": ORG,
            "requested_by": {"cna": ORG, "user": user},
            "reserved": when,
            "time": {"created": when, "modified": when},
        }
        return cve

    async def _take(self, request: web.BaseRequest) -> web.StreamResponse:
        call = f"{request.method} {request.path}"
        self.calls.append(call)
        rule = self._rule(call)
        if rule is not None and rule.status is not None:
            return _error(rule.status, rule.error or "NO", rule.headers)
        body = await request.content.read()
        answer = self._answer(request, json.loads(body) if body else None)
        if rule is not None and rule.after is not None:
            await rule.after.keep()
        return broken(request) if rule is not None else answer

    def _rule(self, call: str) -> _Rule | None:
        for rule in self._rules:
            if rule.times and fnmatch.fnmatchcase(call, rule.pattern):
                rule.times -= 1
                return rule
        return None

    def _answer(self, request: web.BaseRequest, body: Any) -> web.Response:
        told = [request.headers.get(f"CVE-API-{name}") for name in ("ORG", "USER", "KEY")]
        if told != [ORG, USER, KEY]:
            return _error(401, "UNAUTHORIZED")
        if body is not None:
            self.bodies.append(body)
        match request.method, request.path.removeprefix("/api/").split("/"):
            case "POST", ["cve-id"]:
                return self._reserve(request.query)
            case "GET", ["cve-id"]:
                return self._list(request.query)
            case "GET", ["cve-id", cve]:
                return _json(self.ids[cve]) if cve in self.ids else _error(404, "CVEID_DNE")
            case "GET", ["cve", cve]:
                return _json(self.records[cve]) if cve in self.records else _error(404, "CVE_RECORD_DNE")
            case ("POST" | "PUT") as method, ["cve", cve, "cna"]:
                return self._publish(method, cve, body)
            case "GET", ["org", name] if name == ORG:
                return _json({"short_name": ORG, "UUID": ORG_ID, "name": "DynaSched"})
        return _error(404, "NOT_FOUND")

    def _reserve(self, query: Mapping[str, str]) -> web.Response:
        if query.get("short_name") != ORG:
            return _error(403, "ORG_CANNOT_RESERVE_FOR_OTHER")
        if query.get("amount") != "1" or not re.fullmatch(r"\d{4}", query.get("cve_year", "")):
            return _error(400, "BAD_INPUT")
        held = [one for one in self.ids.values() if one["state"] == "RESERVED"]
        if len(held) >= self.quota:
            return _error(403, "EXCEEDED_ID_QUOTA")
        cve = self.reserved(year=int(query["cve_year"]))
        return _json({"cve_ids": [self.ids[cve]], "meta": {"remaining_quota": self.quota - len(held) - 1}})

    def _list(self, query: Mapping[str, str]) -> web.Response:
        """As pages where there are more than one, and without a word of pages otherwise."""
        after = datetime.fromisoformat(query.get("time_reserved.gt", "1999-01-01T00:00:00Z"))
        state = query.get("state")
        fit = [one for one in self.ids.values() if state in (None, one["state"])]
        fit = [one for one in fit if datetime.fromisoformat(one["reserved"]) > after]
        if len(fit) <= self.page:
            return _json({"cve_ids": fit})
        number = int(query.get("page", "1"))
        pages = -(-len(fit) // self.page)
        shown = fit[(number - 1) * self.page : number * self.page]
        return _json({"cve_ids": shown, "currentPage": number, "nextPage": number + 1 if number < pages else None})

    def _publish(self, method: str, cve: str, body: Json) -> web.Response:
        if cve not in self.ids:
            return _error(404, "CVEID_DNE")
        if self.ids[cve]["owning_cna"] != ORG:
            return _error(403, "CVEID_ORG_DOES_NOT_MATCH")
        if (cve in self.records) != (method == "PUT"):
            return _error(403, "CVE_RECORD_EXISTS" if method == "POST" else "CVE_RECORD_DNE")
        cna = body["cnaContainer"]
        cna["providerMetadata"] |= {"shortName": ORG, "dateUpdated": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}"}
        self.records[cve] = {
            "dataType": "CVE_RECORD",
            "dataVersion": "5.1",
            "cveMetadata": {"cveId": cve, "assignerOrgId": ORG_ID, "state": "PUBLISHED"},
            "containers": {"cna": cna},
        }
        self.ids[cve]["state"] = "PUBLISHED"
        verb = "created" if method == "POST" else "updated"
        return _json({"message": f"{cve} record was successfully {verb}.", verb: self.records[cve]})


def _json(answer: Json) -> web.Response:
    return web.json_response(answer)


def _error(status: int, error: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response({"error": error, "message": "no"}, status=status, headers=headers)
