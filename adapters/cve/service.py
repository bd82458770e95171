"""CVE ids and records at CVE Services (cveawg.mitre.org/api-docs), by ``cvelib``.

The library waits for its answers, so it runs in a thread. Reserving takes no key of ours: after a try whose answer was
lost, what our account has reserved since is told instead of reserving again. What CVE Services says in words never
reaches an exception or a log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from cvelib.cve_api import CveApi, CveRecordValidationError

from chatops.ports import Effect, Impossible, Intake, PublishCve, Receipt, ReserveCve, TryLater

Json = dict[str, Any]

SKEW = timedelta(minutes=10)
"""By so much their clock and ours may differ."""
UNANSWERED = timedelta(minutes=1)
"""What was asked and not answered may be done a while later: looked at too soon, it would be done twice."""
_UNSAID = timedelta(minutes=1)
"""To wait where they say "too often", but not how long."""


@dataclass(frozen=True)
class CveAccount:
    """``org`` is the organisation's short name, ``user`` our user of it; ``read_key`` gives the key of the moment.
    ``api`` ends in a slash.
    """

    org: str
    user: str
    read_key: Callable[[], str] = field(repr=False)
    api: str


class CveRegistry:
    """Performs what is done at CVE Services, with one account there."""

    name = "cve"

    def __init__(self, account: CveAccount) -> None:
        self._account = account

    async def start(self, intake: Intake) -> None:
        """Nothing to connect to: each call is one of its own."""

    async def stop(self) -> None:
        """Nothing to disconnect from."""

    async def perform(self, effect: Effect) -> Receipt:
        """Raises Impossible: ``cve-key-refused``, ``cve-forbidden``, ``cve-quota``, ``cve-not-there``,
        ``cve-not-valid``, ``cve-of-another``, ``cve-rejected``; and TryLater.
        """
        match effect.deed:
            case ReserveCve() as deed:
                since = deed.since or (effect.first if effect.attempts else None)
                return Receipt(data=await asyncio.to_thread(self._reserve, deed.year, since))
            case PublishCve() as deed:
                await asyncio.to_thread(self._publish, deed.cve, deed.container)
                return Receipt()
            case _:
                raise Impossible("unsupported")

    def _reserve(self, year: int, since: datetime | None) -> Json:
        with told():
            if since is not None and (ours := self._reserved(since)):
                return {"perhaps": ours}
            made = self._api().reserve(1, False, str(year))
            return {"cve": made["cve_ids"][0]["cve_id"]}

    def _reserved(self, since: datetime) -> list[str]:
        """What our account has reserved since, and nobody has published or rejected."""
        after = (since - SKEW).astimezone(UTC).replace(microsecond=0)
        listed = self._api().list_cves(state=CveApi.States.RESERVED, reserved_gt=after)
        mine = [one for one in listed if one.get("requested_by", {}).get("user") == self._account.user]
        return sorted(one["cve_id"] for one in mine)

    def _publish(self, cve: str, container: Json) -> None:
        """A try whose answer was lost is settled by looking: what says the same already stays as it is."""
        api = self._api()
        with told():
            known = api.show_cve_id(cve)
            if known["owning_cna"] != self._account.org:
                raise Impossible("cve-of-another")
            match known["state"]:
                case CveApi.States.RESERVED:
                    api.publish(cve, deepcopy(container))  # the library adds to it
                case CveApi.States.PUBLISHED:
                    there = api.show_cve_record(cve)["containers"]["cna"]
                    if any(there.get(part) != told for part, told in container.items()):
                        api.update_published(cve, deepcopy(container))
                case _:
                    raise Impossible("cve-rejected")

    def _api(self) -> CveApi:
        return CveApi(self._account.user, self._account.org, self._account.read_key(), url=self._account.api)


@contextmanager
def told() -> Iterator[None]:
    """What errors of CVE Services, and of the way there, come to."""
    try:
        yield
    except CveRecordValidationError:
        raise Impossible("cve-not-valid") from None
    except requests.HTTPError as problem:
        raise (judged(problem.response) if problem.response is not None else TryLater("connection")) from None
    except requests.ConnectTimeout:
        raise TryLater("no-connection", counts=False) from None
    except requests.Timeout:
        raise TryLater("timeout", UNANSWERED) from None
    except requests.JSONDecodeError:
        raise TryLater("not-json", UNANSWERED) from None
    except requests.RequestException:
        raise TryLater("connection", UNANSWERED) from None
    except (KeyError, IndexError, TypeError):
        raise TryLater("not-understood", UNANSWERED) from None


def judged(response: requests.Response) -> TryLater | Impossible:
    """What a refusal is; CVE Services names it by a word of its own."""
    try:
        word = str(response.json()["error"])
    except (ValueError, KeyError, TypeError):
        word = ""
    match response.status_code:
        case 401:
            return Impossible("cve-key-refused")
        case 403 if word == "EXCEEDED_ID_QUOTA":
            return Impossible("cve-quota")
        case 403 if word == "CVEID_ORG_DOES_NOT_MATCH":
            return Impossible("cve-of-another")
        case 403 if word == "CVE_RECORD_EXISTS":
            return TryLater("conflict")  # somebody published it just now: look again
        case 403:
            return Impossible("cve-forbidden")
        case 404:
            return Impossible("cve-not-there")
        case 429:
            after = response.headers.get("Retry-After", "")
            wait = timedelta(seconds=int(after[:9])) if after.isdecimal() else _UNSAID
            return TryLater("rate-limited", wait, counts=False)
        case status if status >= 500:
            return TryLater(str(status), UNANSWERED)
    return Impossible("cve-not-valid")
