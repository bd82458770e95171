"""A security advisory of a repository on GitHub (docs.github.com/rest/security-advisories/repository-advisories)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from chatops.advisory.content import Content
from chatops.advisory.ranges import Range
from chatops.advisory.text import markdown

ECOSYSTEMS: Mapping[str, str] = {
    "crates.io": "rust",
    "github actions": "actions",
    "go": "go",
    "hex": "erlang",
    "maven": "maven",
    "npm": "npm",
    "nuget": "nuget",
    "packagist": "composer",
    "pub": "pub",
    "pypi": "pip",
    "rubygems": "rubygems",
    "swifturl": "swift",
}
"""What OSV calls them, in small letters, and what GitHub does."""
LONGEST_TITLE, LONGEST_TEXT = 1024, 65535


def advisory(content: Content, logins: tuple[str, ...] = ()) -> dict[str, Any]:
    """What is written there. ``logins``: who is credited by their account; everybody is by name, in the text."""
    made: dict[str, Any] = {
        "summary": content.title[:LONGEST_TITLE],
        "description": markdown(content)[:LONGEST_TEXT],
        "vulnerabilities": _vulnerabilities(content),
        "cwe_ids": list(content.cwes),
    }
    if content.cve:
        made["cve_id"] = content.cve
    # It takes a vector or a word; of vectors, version 4 is not documented, and stands in the text.
    if content.severity and content.severity.startswith("CVSS:3"):
        made["cvss_vector_string"] = content.severity
    elif content.band in ("low", "medium", "high", "critical"):
        made["severity"] = content.band
    if logins:
        made["credits"] = [{"login": login, "type": "finder"} for login in logins]
    return made


def mark(content: Content) -> str:
    """The line of its text by which it is known again."""
    return f"Advisory {content.id}"


def is_login(word: str) -> bool:
    """Whether it can be an account's name on GitHub."""
    return re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})", word) is not None


def _vulnerabilities(content: Content) -> list[dict[str, Any]]:
    publisher = content.publisher
    ecosystem = ECOSYSTEMS.get((publisher.ecosystem or "").partition(":")[0].casefold(), "other")
    package = {"ecosystem": ecosystem, "name": publisher.package or publisher.project}
    fixed = ", ".join(content.fixed) or None
    if not content.affected:
        return [{"package": package, "vulnerable_version_range": None, "patched_versions": fixed}]
    return [
        {"package": package, "vulnerable_version_range": _range(one), "patched_versions": one.fixed or fixed}
        for one in content.affected
    ]


def _range(one: Range) -> str:
    """As in ``>= 1.0.0, < 1.0.1``; every version there is: ``>= 0``."""
    if one.single:
        return f"= {one.single}"
    begin = [f"{'>' if one.after else '>='} {one.first}"] if one.first else []
    end = [f"< {one.fixed}"] if one.fixed else [f"<= {one.last}"] if one.last else []
    return ", ".join([*begin, *end]) or ">= 0"
