"""The picture of a timeline."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image

from chatops.picture import Mark, Picture, Sort, png

BEGIN = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)


def mark(day: float, lane: int, sort: Sort) -> Mark:
    return Mark(BEGIN + timedelta(days=day), lane, sort)


QUIET = Picture("DS-2026-7KQ4: timeline", (mark(0, 0, Sort.NOTICE), mark(0.2, 0, Sort.STEP)))
UNDER_WAY = Picture(
    "DS-2026-7KQ4: timeline",
    (
        mark(0, 0, Sort.NOTICE),
        mark(0.1, 0, Sort.STEP),
        *(mark(1 + number / 20, 1, Sort.NOTICE) for number in range(12)),
        mark(4, 1, Sort.DATE),
        *(mark(3 + number, 1, Sort.STATUS) for number in range(4)),
    ),
    ahead=BEGIN + timedelta(days=20),
)
WHOLE = Picture(
    "DS-2026-7KQ4: timeline",
    (
        *UNDER_WAY.marks,
        mark(14, 2, Sort.STEP),
        mark(14.1, 2, Sort.RELEASE),
        mark(20, 3, Sort.STEP),
        mark(20, 3, Sort.RELEASE),
        mark(21, 3, Sort.STEP),
    ),
)


@pytest.mark.parametrize("picture", [Picture("DS-2026-7KQ4: timeline", ()), QUIET, UNDER_WAY, WHOLE])
@pytest.mark.parametrize("width", [400, 1200])
def test_a_picture_is_as_wide_as_asked_and_the_same_each_time(picture: Picture, width: int) -> None:
    drawn = png(picture, width)
    image = Image.open(io.BytesIO(drawn))
    assert (image.format, image.width) == ("PNG", width)
    assert drawn == png(picture, width)
    assert len(drawn) < 100_000  # it travels inside the outbox row


def test_what_happened_shows() -> None:
    """Also at the very edges of the time that is drawn, and for the date ahead."""
    seen = {png(one) for one in (QUIET, UNDER_WAY, WHOLE, Picture(UNDER_WAY.title, UNDER_WAY.marks))}
    assert len(seen) == 4
    image = Image.open(io.BytesIO(png(WHOLE))).convert("RGB")
    colours = {colour for _, colour in image.getcolors(1 << 20) or ()}
    assert {(0x20, 0x66, 0xB0), (0xA0, 0x5A, 0), (0x16, 0x79, 0x4C), (0xB3, 0x26, 0x1E)} <= colours
    edge = image.crop((0, 0, 20, image.height)).getcolors()
    assert edge == [(20 * image.height, (255, 255, 255))]


def test_the_length_of_a_case_does_not_change_the_size_of_its_picture() -> None:
    long = Picture(WHOLE.title, tuple(Mark(BEGIN + (one.at - BEGIN) * 30, one.lane, one.sort) for one in WHOLE.marks))
    assert [Image.open(io.BytesIO(png(one))).size for one in (WHOLE, long)] == [(1200, 1200)] * 2
