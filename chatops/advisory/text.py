"""The advisory for people: plain text, and Markdown for a project's site or a forge's page."""

from __future__ import annotations

import re
import textwrap

from chatops.advisory.content import Content
from chatops.advisory.weaknesses import WEAKNESSES

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&])")
_AT_START = re.compile(r"^(\s*)([-+=]|\d+[.)])(?=\s|$)", re.MULTILINE)


def facts(content: Content) -> list[tuple[str, str]]:
    """What there is to know at a glance, as labels and words."""
    weaknesses = (f"{one} ({WEAKNESSES[one]})" if one in WEAKNESSES else one for one in content.cwes)
    pairs = [
        ("CVE", content.cve),
        ("Severity", f"{content.band} ({content.severity})" if content.severity else None),
        ("Weakness", "; ".join(weaknesses)),
        ("Affected", ", ".join(one.text for one in content.affected) or content.versions),
        ("Fixed in", ", ".join(content.fixed)),
        ("Mitigation", content.mitigation),
        ("Credit", ", ".join(one.name for one in content.credits)),
        ("Published", f"{content.released:%Y-%m-%d %H:%M} UTC"),
    ]
    return [(label, words) for label, words in pairs if words]


def plain(content: Content) -> str:
    """Lines of at most 72 characters where words allow it, as mail readers like them."""
    parts = [_wrapped(content.title), "=" * min(72, len(content.title))]
    parts.append("")
    parts += [_wrapped(f"{label}: {words}", hang="  ") for label, words in facts(content)]
    parts += ["", *(_wrapped(one) for one in content.text.splitlines()), ""]
    parts += [f"- {url}" for url in content.links]
    for at, what in content.corrections:
        parts += ["", _wrapped(f"Corrected {at:%Y-%m-%d}: {what}")]
    return "\n".join(parts) + "\n"


def markdown(content: Content) -> str:
    """What people typed is escaped: a title or a name never becomes markup."""
    lines = [f"# {_escaped(content.title)}", "", f"Advisory {_escaped(content.id)}", ""]
    lines += [f"- **{label}:** {_escaped(' '.join(words.split()))}" for label, words in facts(content)]
    lines += ["", _AT_START.sub(r"\1\\\2", _escaped(content.text)), "", "## See also", ""]
    lines += [f"- <{url}>" for url in content.links]
    if content.corrections:
        lines += ["", "## Corrections", ""]
        lines += [f"- {at:%Y-%m-%d}: {_escaped(' '.join(what.split()))}" for at, what in content.corrections]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def _wrapped(text: str, hang: str = "") -> str:
    return textwrap.fill(
        text, 72, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False, replace_whitespace=False
    )
