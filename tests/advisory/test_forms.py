"""Every form of an advisory, over generated cases, by the rules of those who read it."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
from csaf.csaf.v20 import validate  # type: ignore[import-untyped]
from csaf.csaf.v20.rules._shared import _cwe_name_latest  # type: ignore[import-untyped]
from cvss import CVSS3, CVSS4
from hypothesis import given, settings
from hypothesis import strategies as st

from chatops.advisory.content import Content, Credit, Publisher
from chatops.advisory.csaf import csaf
from chatops.advisory.cve import container, cve
from chatops.advisory.files import files
from chatops.advisory.osv import osv
from chatops.advisory.ranges import Range, read_ranges
from chatops.advisory.text import markdown, plain
from chatops.advisory.weaknesses import WEAKNESSES

NOW = datetime(2026, 12, 14, 15, tzinfo=UTC)
WORDS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n"), min_size=1, max_size=200
).filter(str.strip)
LINE = WORDS.map(lambda text: " ".join(text.split())).filter(bool)
VERSION = st.one_of(
    st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30)).map(lambda v: ".".join(map(str, v))),
    st.sampled_from(["1.0-rc1", "2026.1", "0.9", "1.0.0+git5", "5.0.0rc3"]),
)
SEVERITY = st.sampled_from(
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "critical"),
        ("CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:C/C:L/I:N/A:N", "low"),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "critical"),
        (None, None),
    ]
)
ROLES = st.sampled_from(["finder", "other"])
PAGES = st.sampled_from(["https://example.org/a", "https://example.org/b"])


@st.composite
def ranges(draw: st.DrawFn) -> Range:
    kind = draw(st.integers(0, 5))
    one, two = draw(VERSION), draw(VERSION)
    return [
        Range(),
        Range(first=one, last=one),
        Range(fixed=one),
        Range(last=one),
        Range(first=one, fixed=two),
        Range(first=one, after=True),
    ][kind]


@st.composite
def contents(draw: st.DrawFn) -> Content:
    severity, band = draw(SEVERITY)
    corrections = draw(st.lists(LINE, max_size=2))
    return Content(
        publisher=Publisher(
            "DynaSched",
            "https://dynasched.example.org",
            "https://dynasched.example.org/releases",
            advisories=draw(st.sampled_from([None, "https://dynasched.example.org/security"])),
            cna=draw(st.sampled_from([None, "a0819718-46f1-4df5-94e2-005712e83aaa"])),
        ),
        id=draw(st.sampled_from(["DS-2026-7KQ4", "DS-2027-2222"])),
        title=draw(LINE),
        text=draw(WORDS),
        released=NOW,
        changed=NOW + timedelta(days=len(corrections)),
        severity=severity,
        band=band,
        cve=draw(st.sampled_from([None, "CVE-2026-12345"])),
        cwes=tuple(draw(st.lists(st.sampled_from(["CWE-787", "CWE-416", "CWE-99999", "CWE-20"]), max_size=3))),
        versions=draw(st.none() | LINE),
        affected=tuple(draw(st.lists(ranges(), max_size=4))),
        fixed=tuple(draw(st.lists(VERSION, max_size=2))),
        mitigation=draw(st.none() | WORDS),
        credits=tuple(
            Credit(name, role)
            for name, role in draw(st.dictionaries(LINE, st.sampled_from(["finder", "other"]), max_size=2)).items()
        ),
        references=tuple(
            draw(st.lists(st.sampled_from(["https://example.org/a", "https://example.org/b"]), max_size=2))
        ),
        corrections=tuple((NOW + timedelta(days=day), what) for day, what in enumerate(corrections, 1)),
    )


@given(contents())
@settings(max_examples=25, deadline=None)
def test_csaf_passes_schema_and_mandatory_tests(content: Content) -> None:
    report = validate(csaf(content), preset="basic")
    wrong = [
        (one.id, error.message) for one in report.results if not one.passed and not one.skipped for error in one.errors
    ]
    assert not wrong


@given(contents())
@settings(max_examples=25, deadline=None)
def test_cve_records_are_what_cve_services_take(content: Content) -> None:
    record = cve(content)
    assert (record is None) == (content.cve is None or content.publisher.cna is None)
    if record is not None:
        CVE_RECORDS.validate(record)


@given(contents())
@settings(max_examples=25, deadline=None)
def test_osv_records_are_by_its_schema(content: Content) -> None:
    record = osv(content)
    assert record["id"].endswith(content.id)
    if OSV_RECORDS is not None:
        OSV_RECORDS.validate(record)


@given(ranges())
def test_ranges_are_read_as_they_are_written(one: Range) -> None:
    assert read_ranges(one.text) == (one,)


@given(st.text(max_size=60))
def test_any_words_are_read_as_ranges_or_not_at_all(text: str) -> None:
    for one in read_ranges(text):
        assert read_ranges(one.text) == (one,)


def test_words_that_people_use_for_ranges() -> None:
    told = {
        "<1.0.1": ["<1.0.1"],
        "1.0.0 and older": ["<=1.0.0"],
        "before v1.0.1": ["<1.0.1"],
        "from 0.9 up to 1.0.0": [">=0.9 <=1.0.0"],
        "0.9.0 – 0.9.4, 1.0.0": [">=0.9.0 <=0.9.4", "1.0.0"],
        ">=0.9 <0.9.5; >=1.0 <1.0.1": [">=0.9 <0.9.5", ">=1.0 <1.0.1"],
        "all versions": ["all"],
        "the 0.9 series": [],
        "1.0.0 on Linux": [],
        "": [],
    }
    assert {words: [one.text for one in read_ranges(words)] for words in told} == told


@given(contents())
def test_scores_are_those_of_the_vector(content: Content) -> None:
    if content.severity is None:
        return
    metric = container(content)["metrics"][0]
    vector = CVSS4(content.severity) if content.severity.startswith("CVSS:4") else CVSS3(content.severity)
    (told,) = [value for name, value in metric.items() if name != "format"]
    assert told["baseScore"] == float(vector.base_score)
    assert told["vectorString"] == content.severity


def test_people_read_all_of_it() -> None:
    content = Content(
        Publisher("DynaSched", "https://d.example.org", "https://d.example.org/r", "https://d.example.org/security"),
        "DS-2026-7KQ4",
        "Job queue overflow",
        "A crafted job name\noverflows the *queue*.",
        NOW,
        NOW,
        cve="CVE-2026-12345",
        cwes=("CWE-787",),
        affected=read_ranges("<1.0.1"),
        fixed=("1.0.1",),
        credits=(Credit("A. Finder"),),
    )
    assert plain(content) == (
        "Job queue overflow\n==================\n\nCVE: CVE-2026-12345\nWeakness: CWE-787 (Out-of-bounds Write)\n"
        "Affected: <1.0.1\nFixed in: 1.0.1\nCredit: A. Finder\nPublished: 2026-12-14 15:00 UTC\n\n"
        "A crafted job name\noverflows the *queue*.\n\n- https://d.example.org/security/ds-2026-7kq4.md\n"
        "- https://d.example.org/r\n"
    )
    assert "overflows the \\*queue\\*\\." in markdown(content) or "overflows the \\*queue\\*." in markdown(content)
    assert set(files(content)) == {
        "ds-2026-7kq4.md",
        "ds-2026-7kq4.txt",
        "ds-2026-7kq4.json",
        "ds-2026-7kq4.osv.json",
    }


def test_names_of_weaknesses_are_the_catalogue_s() -> None:
    assert all(_cwe_name_latest(one.removeprefix("CWE-")) == name for one, name in WEAKNESSES.items())


CVE_RECORDS = jsonschema.Draft7Validator(
    json.loads((resources.files("cvelib") / "schemas" / "CVE_JSON_bundled_5.1.1.json").read_text(encoding="utf-8"))
)


def osv_schema() -> Any:
    """The published schema, where somebody keeps a copy: it is not ours to ship."""
    shared = Path(__file__).resolve().parents[3] / "shared" / "schemas" / "osv.schema.json"
    found = Path(os.environ.get("CHATOPS_OSV_SCHEMA") or shared)
    return jsonschema.Draft202012Validator(json.loads(found.read_text())) if found.is_file() else None


OSV_RECORDS = osv_schema()
