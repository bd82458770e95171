"""``python -m tests.pictures OUTDIR [NAME…]``: see the package."""

from __future__ import annotations

import asyncio
import io
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from PIL import Image

from tests.pictures.browser import NoBrowser, browser
from tests.pictures.cards import gallery
from tests.pictures.pages import matrix, slack_pages

WIDTHS = {"phone": 360, "desk": 1100}
_SHEET = 1120, 1090
"""Several pictures on one sheet of at most this size, to look through."""
_GAP = 16


async def draw(out: Path, pages: Mapping[str, Mapping[str, str]], names: list[str]) -> int:
    """Write ``SERVICE-WIDTH-NAME.png`` for each page, and sheets of them all. Returns how many there are."""
    drawn = 0
    with tempfile.TemporaryDirectory() as folder:
        html = Path(folder) / "page.html"
        async with browser() as page:
            for service, kept in pages.items():
                for kind, width in WIDTHS.items():
                    pictures = []
                    for name, text in kept.items():
                        if names and not any(name.startswith(wanted) for wanted in names):
                            continue
                        html.write_text(text, encoding="utf-8")
                        png = await page.picture(html.as_uri(), width)
                        (out / f"{service}-{kind}-{name}.png").write_bytes(png)
                        pictures.append(Image.open(io.BytesIO(png)).convert("RGB"))
                    for number, sheet in enumerate(sheets(pictures), 1):
                        sheet.save(out / f"sheet-{service}-{kind}-{number}.png")
                    drawn += len(pictures)
    return drawn


def sheets(pictures: list[Image.Image]) -> Iterator[Image.Image]:
    """The pictures at half their size, one below the other in columns."""
    across, down = _SHEET
    down = max(down, *(picture.height // 2 for picture in pictures), 0)
    empty = Image.new("RGB", (across, down), "#8a8f99")
    sheet, x, y = empty.copy(), 0, 0
    for picture in pictures:
        small = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS)
        if y and y + small.height > down:
            x, y = x + small.width + _GAP, 0
        if x and x + small.width > across:
            yield sheet
            sheet, x, y = empty.copy(), 0, 0
        sheet.paste(small, (x, y))
        y += small.height + _GAP
    if pictures:
        yield sheet


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0].startswith("-"):
        print("usage: python -m tests.pictures OUTDIR [NAME…]", file=sys.stderr)
        return 2
    out, shown = Path(arguments[0]), gallery()
    out.mkdir(parents=True, exist_ok=True)
    try:
        drawn = asyncio.run(draw(out, {"matrix": matrix(shown), "slack": slack_pages(shown)}, arguments[1:]))
    except NoBrowser as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"{drawn} pictures in {out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
