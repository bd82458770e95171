"""What an advisory becomes on GitHub: versions, severity, weaknesses and credits as its REST reference wants them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chatops.advisory.content import Publisher
from chatops.advisory.github import advisory, is_login
from chatops.advisory.ranges import read_ranges
from tests.adapters.github.test_advisories import CONTENT


@pytest.mark.parametrize(
    ("versions", "ranges"),
    [
        ("<1.0.1", [("< 1.0.1", "1.0.1")]),
        (">=0.9.0 <0.9.5, 1.0.0", [(">= 0.9.0, < 0.9.5", "0.9.5"), ("= 1.0.0", "0.9.5, 1.0.1")]),
        ("0.9.0-1.0.0", [(">= 0.9.0, <= 1.0.0", "0.9.5, 1.0.1")]),
        (">0.9.0", [("> 0.9.0", "0.9.5, 1.0.1")]),
        ("all", [(">= 0", "0.9.5, 1.0.1")]),
        ("older ones, we think", [(None, "0.9.5, 1.0.1")]),
    ],
)
def test_each_range_has_its_fix(versions: str, ranges: list[tuple[str | None, str]]) -> None:
    fixed = ("1.0.1",) if versions == "<1.0.1" else ("0.9.5", "1.0.1")
    made = advisory(replace(CONTENT, versions=versions, affected=read_ranges(versions), fixed=fixed))
    told = [(one["vulnerable_version_range"], one["patched_versions"]) for one in made["vulnerabilities"]]
    assert told == ranges
    if ranges[0][0] is None:
        assert versions in made["description"]


def test_the_package_is_named_as_github_names_ecosystems() -> None:
    publisher = Publisher("DynaSched", "https://x", "https://x/get", ecosystem="PyPI", package="dynasched")
    [one] = advisory(replace(CONTENT, publisher=publisher))["vulnerabilities"]
    assert one["package"] == {"ecosystem": "pip", "name": "dynasched"}
    [one] = advisory(CONTENT)["vulnerabilities"]
    assert one["package"] == {"ecosystem": "other", "name": "DynaSched"}


def test_a_vector_or_a_word_never_both() -> None:
    made = advisory(CONTENT)
    assert made["cvss_vector_string"] == CONTENT.severity
    assert "severity" not in made
    four = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
    made = advisory(replace(CONTENT, severity=four, band="critical"))
    assert made["severity"] == "critical"
    assert "cvss_vector_string" not in made
    assert four in made["description"].replace("\\", "")
    made = advisory(replace(CONTENT, severity=None, band=None))
    assert not made.keys() & {"severity", "cvss_vector_string"}


def test_who_has_an_account_there_is_credited_by_it() -> None:
    assert advisory(CONTENT, ("finder",))["credits"] == [{"login": "finder", "type": "finder"}]
    assert "credits" not in advisory(CONTENT)
    assert is_login("a-finder1")
    assert not is_login("github:GHSA-abcd")
    assert not is_login("-finder")
