"""All the forms of an advisory, as the files that are published."""

from __future__ import annotations

import json
from typing import Any

from chatops.advisory.content import Content
from chatops.advisory.csaf import csaf
from chatops.advisory.cve import cve
from chatops.advisory.osv import osv
from chatops.advisory.text import markdown, plain


def files(content: Content) -> dict[str, bytes]:
    """File names and contents. The CSAF file bears the plain name that the standard wants (CSAF 2.0, 5.1)."""
    made = {
        f"{content.file}.md": markdown(content).encode(),
        f"{content.file}.txt": plain(content).encode(),
        f"{content.file}.json": _json(csaf(content)),
        f"{content.file}.osv.json": _json(osv(content)),
    }
    record = cve(content)
    if record is not None and content.cve is not None:
        made[f"{content.cve}.json"] = _json(record)
    return made


def _json(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
