"""Logging that cannot leak: identifiers and types of errors, never their messages (they may quote a case)."""

from __future__ import annotations

import logging
import sys
import traceback
from types import TracebackType

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class SafeFormatter(logging.Formatter):
    """Shows where an error came from, and nothing of what it says."""

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 (the library's name)
        if ei[0] is None:
            return ""
        frames = traceback.extract_tb(ei[2])
        where = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-6:]))
        return f"{ei[0].__name__} at {where}"

    def formatStack(self, stack_info: str) -> str:  # noqa: N802
        return ""


def set_up(level: str) -> None:
    """One handler on standard error; chatty libraries kept to warnings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(SafeFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("nio", "peewee", "aiohttp", "sqlalchemy", "asyncio", "alembic", "slack_sdk", "slack_bolt", "urllib3"):
        logging.getLogger(name).setLevel(logging.ERROR)


def unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """For ``sys.excepthook``: the same care for what nobody caught."""
    logging.getLogger("chatops").critical("stopped by %s", SafeFormatter().formatException((kind, error, trace)))
