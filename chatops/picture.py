"""A timeline as a picture: a lane for each of the policy's four steps, and marks for what happened in it.

Drawn for a phone: at a third of its size the text can still be read. The same marks give the same picture.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from PIL import Image, ImageDraw, ImageFont

LANES = ("1  Identification and triage", "2  Notification and embargo", "3  Private release", "4  General release")
WIDTH = 1200


class Sort(StrEnum):
    """What a mark stands for; each has a form of its own, so that nobody needs the colours."""

    NOTICE = "notice, answer"
    DATE = "date"
    STATUS = "status"
    RELEASE = "release"
    STEP = "other step"


@dataclass(frozen=True)
class Mark:
    """Something that happened in a lane (0 to 3)."""

    at: datetime
    lane: int
    sort: Sort


@dataclass(frozen=True)
class Picture:
    """``ahead`` is the release date that is agreed and still to come, if there is one."""

    title: str
    marks: tuple[Mark, ...]
    ahead: datetime | None = None


_INK, _GREY, _PALE, _PAPER = "#1f2430", "#565d6b", "#dfe3ea", "#ffffff"
_COLOUR = {
    Sort.NOTICE: "#2066b0",
    Sort.DATE: "#a05a00",
    Sort.STATUS: "#16794c",
    Sort.RELEASE: "#b3261e",
    Sort.STEP: "#6b7280",
}
_EDGE, _ROW, _HEAD, _SIZE = 50, 56, 72, 17
_TEXT, _TITLE = 36, 48


def png(picture: Picture, width: int = WIDTH) -> bytes:
    """The picture as a PNG, ``width`` pixels wide."""
    height = _draw(ImageDraw.Draw(Image.new("RGB", (1, 1))), picture)  # how high it will be
    image = Image.new("RGB", (WIDTH, height), _PAPER)
    _draw(ImageDraw.Draw(image), picture)
    if width != WIDTH:
        image = image.resize((width, round(height * width / WIDTH)), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _draw(pen: ImageDraw.ImageDraw, picture: Picture) -> int:
    text, title = ImageFont.load_default(_TEXT), ImageFont.load_default(_TITLE)
    moments = [mark.at for mark in picture.marks] + ([picture.ahead] if picture.ahead else [])
    if not moments:
        pen.text((_EDGE, 30), picture.title, _INK, title)
        pen.text((_EDGE, 100), "Nothing yet.", _GREY, text)
        return 170
    first, last = min(moments), max(moments)
    span = max(last - first, timedelta(hours=1))
    left, right = _EDGE + _SIZE, WIDTH - _EDGE - 2 * _SIZE

    def across(at: datetime) -> int:
        return left + round((right - left) * ((at - first) / span))

    pen.text((_EDGE, 30), picture.title, _INK, title)
    pen.text((_EDGE, 92), f"{' to '.join(dict.fromkeys((_day(first), _day(last))))}, UTC", _GREY, text)
    top = y = 160
    for lane, name in enumerate(LANES):
        here = [mark for mark in picture.marks if mark.lane == lane]
        pen.text((_EDGE, y), name, _INK if here else _GREY, text)
        y += _HEAD
        for sort in [sort for sort in Sort if any(mark.sort is sort for mark in here)]:
            places = sorted(across(mark.at) for mark in here if mark.sort is sort)
            pen.rounded_rectangle((_EDGE, y - 3, WIDTH - _EDGE, y + 3), 3, _PALE)
            for x, many in _gathered(places):
                _mark(pen, sort, x, y)
                if many > 1:
                    pen.text(
                        (x + _SIZE + 5, y - 24), str(many), _COLOUR[sort], text, stroke_width=5, stroke_fill=_PAPER
                    )
            y += _ROW
        if not here:
            pen.text((_EDGE, y - 14), "not started", _GREY, text)
            y += _ROW
        y += 8
    if picture.ahead:
        x = across(picture.ahead)
        for dash in range(top + 50, y, 24):
            pen.line((x, dash, x, dash + 12), _COLOUR[Sort.DATE], 4)
    y = _axis(pen, text, first, span, across, y)
    return _legend(pen, text, picture, y)


def _gathered(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Marks that would cover one another become one, with their number."""
    start, many = None, 0
    for x in places:
        if start is not None and x - start < 3.2 * _SIZE:
            many += 1
            continue
        if start is not None:
            yield start, many
        start, many = x, 1
    if start is not None:
        yield start, many


def _mark(pen: ImageDraw.ImageDraw, sort: Sort, x: int, y: int) -> None:
    colour, r = _COLOUR[sort], _SIZE
    match sort:
        case Sort.NOTICE:
            pen.ellipse((x - r, y - r, x + r, y + r), colour)
        case Sort.DATE:
            pen.polygon(((x, y - r - 4), (x + r + 4, y), (x, y + r + 4), (x - r - 4, y)), colour)
        case Sort.STATUS:
            pen.rectangle((x - r + 1, y - r + 1, x + r - 1, y + r - 1), colour)
        case Sort.RELEASE:
            pen.polygon(((x, y - r - 4), (x + r + 3, y + r), (x - r - 3, y + r)), colour)
        case Sort.STEP:
            pen.ellipse((x - r + 2, y - r + 2, x + r - 2, y + r - 2), _PAPER, colour, 6)


def _axis(pen: ImageDraw.ImageDraw, font: Any, first: datetime, span: timedelta, across: Any, y: int) -> int:
    """The times below the lanes: the beginning, the end, and two between."""
    pen.line((_EDGE, y, WIDTH - _EDGE, y), _INK, 3)
    for part in range(4):
        at = first + span * part / 3
        x, anchor = across(at), ("la", "ma", "ma", "ra")[part]
        pen.line((x, y - 8, x, y + 8), _INK, 3)
        edge = {0: _EDGE, 3: WIDTH - _EDGE}.get(part, x)
        pen.text((edge, y + 16), _tick(at, span), _INK, font, anchor=anchor)
    return y + 104


def _legend(pen: ImageDraw.ImageDraw, font: Any, picture: Picture, y: int) -> int:
    x = _EDGE
    for sort in [sort for sort in Sort if any(mark.sort is sort for mark in picture.marks)]:
        wide = 2 * _SIZE + 20 + round(font.getlength(sort))
        if x + wide > WIDTH - _EDGE:
            x, y = _EDGE, y + _ROW
        _mark(pen, sort, x + _SIZE, y)
        pen.text((x + 2 * _SIZE + 14, y), sort, _INK, font, anchor="lm")
        x += wide + 40
    if picture.ahead:
        words = f"agreed release date: {_day(picture.ahead)} {_utc(picture.ahead):%H:%M}"
        y += _ROW
        for dash in range(y - 22, y + 22, 24):
            pen.line((_EDGE + _SIZE, dash, _EDGE + _SIZE, dash + 12), _COLOUR[Sort.DATE], 4)
        pen.text((_EDGE + 2 * _SIZE + 14, y), words, _INK, font, anchor="lm")
    return y + _ROW


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)


def _day(at: datetime) -> str:
    return f"{_utc(at).day} {_utc(at):%b %Y}"


def _tick(at: datetime, span: timedelta) -> str:
    return f"{_utc(at):%H:%M}" if span < timedelta(days=2) else f"{_utc(at).day} {_utc(at):%b}"
