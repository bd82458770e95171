"""OSV, the Open Source Vulnerability format (schema 1.7): what dependency scanners read."""

from __future__ import annotations

import re
from typing import Any

from chatops.advisory.content import Content, stamp
from chatops.advisory.ranges import Range

SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")


def osv(content: Content) -> dict[str, Any]:
    """The record. A project that is no home database of OSV's writes ``x_`` before its ids."""
    record: dict[str, Any] = {
        "schema_version": "1.7.0",
        "id": f"x_{content.id}",
        "modified": stamp(content.changed),
        "published": stamp(content.released),
        "summary": content.title,
        "details": _details(content),
        "affected": [_affected(content)],
        "references": [{"type": "ADVISORY" if url == content.url else "WEB", "url": url} for url in content.links],
        "database_specific": {"project": content.publisher.project},
    }
    if content.cve:
        record["aliases"] = [content.cve]
    if content.severity:
        kind = "CVSS_V4" if content.severity.startswith("CVSS:4") else "CVSS_V3"
        record["severity"] = [{"type": kind, "score": content.severity}]
    if content.credits:
        record["credits"] = [
            {"name": one.name, "type": "FINDER" if one.role == "finder" else "OTHER"} for one in content.credits
        ]
    if content.cwes:
        record["database_specific"]["cwe_ids"] = list(content.cwes)
    return record


def _details(content: Content) -> str:
    parts = [content.text]
    if content.versions and not content.affected:
        parts.append(f"Affected: {content.versions}")
    if content.mitigation:
        parts.append(f"Until you can upgrade: {content.mitigation}")
    if content.fixed:
        parts.append(f"Fixed in: {', '.join(content.fixed)}")
    return "\n\n".join(parts)


def _affected(content: Content) -> dict[str, Any]:
    affected: dict[str, Any] = {}
    publisher = content.publisher
    if publisher.ecosystem and publisher.package:
        affected["package"] = {"ecosystem": publisher.ecosystem, "name": publisher.package}
    single = [one.single for one in content.affected if one.single]
    if single:
        affected["versions"] = single
    spans = [one for one in content.affected if not one.single]
    if spans:
        named = [bound for one in spans for bound in (one.first, one.fixed, one.last) if bound]
        kind = "SEMVER" if all(SEMVER.fullmatch(bound) for bound in named) else "ECOSYSTEM"
        affected["ranges"] = [{"type": kind, "events": _events(one)} for one in spans]
    return affected


def _events(span: Range) -> list[dict[str, str]]:
    events = [{"introduced": span.first or "0"}]
    if span.fixed:
        events.append({"fixed": span.fixed})
    elif span.last:
        events.append({"last_affected": span.last})
    return events
