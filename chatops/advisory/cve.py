"""A CVE record, JSON 5.1: what CVE Services takes from the organisation that assigned the id (the CNA)."""

from __future__ import annotations

from typing import Any

from cvss import CVSS3, CVSS4

from chatops.advisory.content import Content, stamp
from chatops.advisory.ranges import Range

LONGEST = 4096  # characters of a description, of a workaround


def cve(content: Content) -> dict[str, Any] | None:
    """The record; None without a CVE id, or if it is unknown who assigned it: both must stand in it."""
    if content.cve is None or content.publisher.cna is None:
        return None
    return {
        "dataType": "CVE_RECORD",
        "dataVersion": "5.1.1",
        "cveMetadata": {
            "cveId": content.cve,
            "assignerOrgId": content.publisher.cna,
            "state": "PUBLISHED",
            "datePublished": stamp(content.released),
            "dateUpdated": stamp(content.changed),
        },
        "containers": {"cna": {"providerMetadata": {"orgId": content.publisher.cna}, **container(content)}},
    }


def container(content: Content) -> dict[str, Any]:
    """The CNA's part, as CVE Services takes it; who provides it is added there."""
    product: dict[str, Any] = {
        "vendor": content.publisher.project,
        "product": content.publisher.project,
        "defaultStatus": "unaffected" if content.affected else "unknown",
    }
    versions = [_version(one) for one in content.affected]
    if not versions and content.versions:
        versions = [{"version": content.versions[:1024], "status": "affected"}]
    if versions:
        product["versions"] = _unique(versions)
    made: dict[str, Any] = {
        "title": content.title[:256],
        "datePublic": stamp(content.released),
        "descriptions": [_text(content.text)],
        "affected": [product],
        "references": [{"url": url} for url in content.links],
    }
    if content.severity:
        made["metrics"] = [{"format": "CVSS", **cvss_object(content.severity)}]
    if content.cwes:
        made["problemTypes"] = [
            {"descriptions": [{"lang": "en", "description": one, "cweId": one, "type": "CWE"}]}
            for one in dict.fromkeys(content.cwes)
        ]
    if content.mitigation:
        made["workarounds"] = [_text(content.mitigation)]
    if content.fixed:
        made["solutions"] = [_text(f"Upgrade to {', '.join(content.fixed)}.")]
    if content.credits:
        made["credits"] = _unique(
            [
                {"lang": "en", "value": one.name, "type": "finder" if one.role == "finder" else "other"}
                for one in content.credits
            ]
        )
    return made


def cvss_object(vector: str) -> dict[str, Any]:
    """A vector as FIRST's JSON, under the name that CVE records have for its version."""
    if vector.startswith("CVSS:4.0/"):
        four = CVSS4(vector)  # whose own JSON has other words for version and severity than the schema
        return {
            "cvssV4_0": {
                "version": "4.0",
                "vectorString": vector,
                "baseScore": float(four.base_score),
                "baseSeverity": str(four.severity).upper(),
            }
        }
    return {"cvssV3_1": cvss3(vector)}


def cvss3(vector: str) -> dict[str, Any]:
    """A CVSS 3.1 vector as FIRST's JSON."""
    told: dict[str, Any] = CVSS3(vector).as_json(minimal=True)
    return told


def _version(one: Range) -> dict[str, str]:
    version: dict[str, str] = {"version": one.first or "0", "status": "affected"}
    if one.fixed:
        version |= {"lessThan": one.fixed, "versionType": "custom"}
    elif one.last and not one.single:
        version |= {"lessThanOrEqual": one.last, "versionType": "custom"}
    elif one.last is None:
        version |= {"lessThanOrEqual": "*", "versionType": "custom"}
    return version


def _text(value: str) -> dict[str, str]:
    cut = value if len(value) <= LONGEST else value[: LONGEST - 1] + "…"
    return {"lang": "en", "value": cut}


def _unique(items: list[dict[str, str]]) -> list[dict[str, str]]:
    """The format forbids repetitions."""
    return [one for at, one in enumerate(items) if one not in items[:at]]
