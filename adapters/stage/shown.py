"""What a client shows of a formatted message: its HTML as text, as somebody reads it on the screen."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_ENDS_LINE = frozenset({"p", "li", "tr", "pre", "blockquote", "table", "ul", "ol", "h1", "h2", "h3", "h4"})
_ENDS_BLOCK = frozenset({"p", "pre", "blockquote", "table", "ul", "ol"})


class _Shown(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.parts.append("\n")
        elif tag == "li":
            self.parts.append("• ")
        elif tag == "blockquote":
            self.parts.append("» ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.parts.append("  ")
        if tag in _ENDS_LINE:
            self.parts.append("\n\n" if tag in _ENDS_BLOCK else "\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def shown(html: str) -> str:
    """The text of a message's HTML: a line for each line, a blank line between blocks."""
    parser = _Shown()
    parser.feed(html)
    parser.close()
    lines = "\n".join(line.rstrip() for line in "".join(parser.parts).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines).strip("\n")
