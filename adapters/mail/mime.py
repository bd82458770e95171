"""A message taken apart without trusting any of it: whatever its bytes are, nothing here raises.

The lenient parser of the standard library (``compat32``) never refuses a message; what it cannot make sense of becomes
text, for a person to look at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses
from html.parser import HTMLParser

_ADDRESS = re.compile(r"[!#-'*+./-9=?A-Z^-~-]{1,64}@(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]+")
_ID = re.compile(r"<([^<>\s]{3,250})>")
_QUOTED = re.compile(r"^(>|On .{0,200}wrote:\s*$|-{2,} ?Original Message ?-{2,}|_{20,}\s*$)", re.IGNORECASE)
_PARTS = 200
"""So many parts of a message are looked at."""
ARMOUR = "-----BEGIN PGP PUBLIC KEY BLOCK-----"


@dataclass(frozen=True)
class Mime:
    """A parsed message, and the bytes that it came from (a signature is over bytes)."""

    message: Message
    raw: bytes

    @property
    def kind(self) -> str:
        return self.message.get_content_type()

    @property
    def parts(self) -> list[Message]:
        """The parts of a multipart, one level down."""
        payload = self.message.get_payload()
        return [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []


def parse(raw: bytes) -> Mime:
    try:
        return Mime(message_from_bytes(raw), raw)
    except Exception:  # nested a thousand deep
        bare = Message()
        bare.set_payload(raw.decode("latin-1"))
        return Mime(bare, raw)


def header(message: Message, name: str) -> str:
    """A header in one line, decoded as far as it can be."""
    try:
        value = message.get(name, "")
        pieces = decode_header(value)
    except (HeaderParseError, ValueError, AttributeError, LookupError, IndexError):
        return _line(str(message.get(name, "")))
    return _line("".join(text if isinstance(text, str) else _decoded(text, charset) for text, charset in pieces))


def _line(text: str) -> str:
    return " ".join(text.encode("utf-8", "replace").decode("utf-8").split())[:1000]


def _decoded(text: bytes, charset: str | None) -> str:
    for name in (charset, "utf-8"):
        try:
            return text.decode(name or "ascii")
        except (LookupError, UnicodeError, ValueError):
            continue
    return text.decode("latin-1")


def sender(message: Message) -> str:
    """The address that a message says it is from, in small letters; empty if there is none, or more than one."""
    try:
        found = {address.lower() for _, address in getaddresses([str(message.get("From", ""))])}
    except Exception:
        return ""
    good = [one for one in found if _ADDRESS.fullmatch(one)]
    return good[0] if len(good) == 1 and len(found) == 1 else ""


def ids(message: Message, *names: str) -> tuple[str, ...]:
    """The message ids in some headers, without the angle brackets."""
    found = [one for name in names for one in _ID.findall(str(message.get(name, "")))]
    return tuple(dict.fromkeys(found))[-50:]


def content(part: Message) -> bytes:
    """The bytes of a part that is no multipart."""
    try:
        payload = part.get_payload(decode=True)
    except Exception:
        payload = None
    if isinstance(payload, bytes):
        return payload
    bare = part.get_payload()
    return bare.encode("utf-8", "replace") if isinstance(bare, str) else b""


def leaves(message: Message) -> Iterator[Message]:
    """The parts that hold something, in order, whatever they are nested in."""
    waiting, seen = [message], 0
    while waiting and seen < _PARTS:
        part = waiting.pop(0)
        seen += 1
        payload = part.get_payload()
        if isinstance(payload, list):
            waiting = [one for one in payload if isinstance(one, Message)] + waiting
        else:
            yield part


def text_of(message: Message) -> tuple[str, bool]:
    """The text that a message shows, and whether it holds more than that (files, or HTML without a text beside it)."""
    plain: list[str] = []
    html: list[str] = []
    more = False
    for part in leaves(message):
        kind = part.get_content_type()
        attached = "attachment" in str(part.get("Content-Disposition", "")).lower()
        if kind == "text/plain" and not attached:
            plain.append(_text(part))
        elif kind == "text/html" and not attached:
            html.append(_text(part))
        elif kind not in ("application/pgp-signature", "application/pgp-keys"):
            more = True
    if any(one.strip() for one in plain):
        return "\n".join(plain), more
    return "\n".join(map(_without_tags, html)), more or bool(html)


def _text(part: Message) -> str:
    charset = part.get_param("charset")
    text = _decoded(content(part), str(charset) if isinstance(charset, str) else None)
    return text.replace("\r\n", "\n").replace("\r", "\n")


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style", "head")
        if tag in ("br", "p", "div", "li", "tr", "blockquote"):
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style", "head") and self._hidden > 0

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)


def _without_tags(html: str) -> str:
    reader = _Words()
    try:
        reader.feed(html)
        reader.close()
    except Exception:  # unfinished declarations raise
        return html
    return re.sub(r"\n{3,}", "\n\n", "".join(reader.words)).strip()


def own_words(text: str) -> str:
    """What somebody wrote themselves: up to the first line that quotes, or the signature."""
    kept: list[str] = []
    for row in text.split("\n"):
        if row == "-- " or _QUOTED.match(row):
            if any(one.strip() for one in kept):
                break
            continue
        kept.append(row)
    return "\n".join(kept).strip()


def first_part(mime: Mime) -> bytes:
    """The first part of a multipart as it stands on the wire, with CR LF: what a signature is over (RFC 3156, 5)."""
    boundary = mime.message.get_boundary()
    if boundary is None:
        return b""
    lines = re.split(rb"\r\n|\n", mime.raw)
    ends = (f"--{boundary}".encode(errors="replace"), f"--{boundary}--".encode(errors="replace"))
    marks = [at for at, row in enumerate(lines) if row.rstrip(b" \t") in ends]
    return b"\r\n".join(lines[marks[0] + 1 : marks[1]]) if len(marks) > 1 else b""


def certificate_in(message: Message) -> str | None:
    """A public key that comes with a message, armored."""
    for part in leaves(message):
        held = content(part)
        if part.get_content_type() == "application/pgp-keys" or held.lstrip().startswith(ARMOUR.encode()):
            text = held.decode("ascii", "replace")
            if len(text) < 100_000 and ARMOUR in text:
                return text[text.index(ARMOUR) :]
    return None
