"""CSAF 2.0 (OASIS), profile "security advisory": what vendors' tools and CERTs read."""

from __future__ import annotations

from typing import Any

from chatops.advisory.content import Content, stamp
from chatops.advisory.cve import cvss3
from chatops.advisory.weaknesses import WEAKNESSES


def csaf(content: Content) -> dict[str, Any]:
    """The document, valid by the schema and the mandatory tests of CSAF 2.0, section 6.1."""
    publisher = content.publisher
    versions = [one.single or one.vers for one in content.affected] or ["vers:generic/*"]
    affected = {f"{publisher.project} {name}": name for name in dict.fromkeys(versions)}
    fixed = {f"{publisher.project} {name}": name for name in dict.fromkeys(content.fixed) if name not in versions}
    ids = {full: f"P{number}" for number, full in enumerate((*affected, *fixed), 1)}
    bad = [ids[full] for full in affected]
    good = [ids[full] for full in fixed]
    document: dict[str, Any] = {
        "document": {
            "category": "csaf_security_advisory",
            "csaf_version": "2.0",
            "distribution": {"tlp": {"label": "WHITE"}, "text": "TLP:CLEAR. Pass it on."},
            "lang": "en",
            "publisher": {"category": "vendor", "name": publisher.project, "namespace": publisher.namespace},
            "title": content.title,
            "notes": [{"category": "summary", "text": content.text}],
            "references": [
                {
                    "category": "self" if url == content.url else "external",
                    "summary": "This advisory" if url == content.url else "See also",
                    "url": url,
                }
                for url in content.links
            ],
            "tracking": {
                "id": content.id,
                "status": "final",
                "version": str(content.revision),
                "initial_release_date": stamp(content.released),
                "current_release_date": stamp(content.changed),
                "revision_history": [
                    {"number": "1", "date": stamp(content.released), "summary": "First published."},
                    *(
                        {"number": str(number), "date": stamp(at), "summary": what}
                        for number, (at, what) in enumerate(content.corrections, 2)
                    ),
                ],
            },
        },
        "product_tree": {
            "branches": [
                {
                    "category": "vendor",
                    "name": publisher.project,
                    "branches": [
                        {
                            "category": "product_name",
                            "name": publisher.project,
                            "branches": [
                                _branch(full, name, ids[full]) for full, name in (*affected.items(), *fixed.items())
                            ],
                        }
                    ],
                }
            ]
        },
        "vulnerabilities": [_vulnerability(content, bad, good)],
    }
    thanks = [one.name for one in content.credits]
    if thanks:
        document["document"]["acknowledgments"] = [{"names": list(dict.fromkeys(thanks))}]
    return document


def _branch(full: str, name: str, product: str) -> dict[str, Any]:
    kind = "product_version_range" if name.startswith("vers:") else "product_version"
    return {"category": kind, "name": name, "product": {"name": full, "product_id": product}}


def _vulnerability(content: Content, bad: list[str], good: list[str]) -> dict[str, Any]:
    status: dict[str, list[str]] = {"known_affected": bad}
    if good:
        status["fixed"] = good
    notes = [{"category": "description", "text": content.text}]
    if content.versions:
        notes.append({"category": "details", "title": "Affected versions", "text": content.versions})
    if content.severity and not content.severity.startswith("CVSS:3"):
        # CSAF 2.0 has no field for version 4 of CVSS.
        notes.append({"category": "details", "title": "Severity", "text": f"{content.severity} ({content.band})"})
    made: dict[str, Any] = {"title": content.title, "notes": notes, "product_status": status}
    if content.cve:
        made["cve"] = content.cve
    else:
        made["ids"] = [{"system_name": f"{content.publisher.project} case", "text": content.id}]
    if content.severity and content.severity.startswith("CVSS:3"):
        made["scores"] = [{"products": bad, "cvss_v3": cvss3(content.severity)}]
    if content.cwes:
        # The format takes one, with the name that MITRE gave it; others stand in a note.
        first = next((one for one in content.cwes if one in WEAKNESSES), None)
        if first:
            made["cwe"] = {"id": first, "name": WEAKNESSES[first]}
        if rest := [one for one in content.cwes if one != first]:
            notes.append({"category": "details", "title": "Weaknesses", "text": ", ".join(rest)})
    remedies: list[dict[str, Any]] = []
    if content.mitigation:
        remedies.append({"category": "mitigation", "details": content.mitigation, "product_ids": bad})
    if content.fixed:
        remedies.append(
            {
                "category": "vendor_fix",
                "details": f"Upgrade to {', '.join(content.fixed)}.",
                "product_ids": bad,
                "url": content.publisher.page,
            }
        )
    if remedies:
        made["remediations"] = remedies
    return made
