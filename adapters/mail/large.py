"""Files that are too large to attach: put where they can be fetched, under a name that nobody can guess; or told of."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import quote

from adapters.mail.settings import Shelf
from chatops.document import Document, Tlp, code, link, para
from chatops.ports import Impossible, Upload


def verify(upload: Upload) -> None:
    """Raises :class:`Impossible` if it is not the file that it was; OSError if it is not there."""
    with upload.open() as source:
        if hashlib.file_digest(source, "sha256").hexdigest() != upload.sha256:
            raise Impossible("changed-file")


def put(shelf: Shelf, upload: Upload, secret: str) -> str:
    """The file's address on the web. A second time it is there already. Raises as :func:`verify`."""
    there = shelf.folder / secret / Path(upload.name).name
    if not there.exists():
        verify(upload)
        try:
            _copy(upload, there)
        except OSError:
            raise Impossible("files-folder") from None
    return f"{shelf.url.rstrip('/')}/{secret}/{quote(there.name)}"


def _copy(upload: Upload, there: Path) -> None:
    """Whole or not at all."""
    there.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    handle, half = tempfile.mkstemp(dir=there.parent)
    try:
        with upload.open() as source, open(handle, "wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
            os.fchmod(out.fileno(), 0o644)
        os.replace(half, there)
    except OSError:
        Path(half).unlink(missing_ok=True)
        raise


def instead(upload: Upload, case: str | None, url: str | None) -> Document:
    """What is said in place of the file."""
    how = (
        para("It is too large to attach. Fetch it here, and check it with that line: ", link(url))
        if url
        else para("It is too large to attach. To get it on another way, answer this mail and say how.")
    )
    return Document(
        title=f"{upload.name}, {upload.size() / (1 << 20):.0f} MiB",
        kind="file",
        tlp=Tlp.AMBER_STRICT if case else Tlp.GREEN,
        case=case,
        blocks=(code(f"{upload.sha256}  {upload.name}"), how),
    )
