"""Loggers for Slack's libraries, which write whole payloads and error texts into their log lines."""

from __future__ import annotations

import logging


def quiet(name: str) -> logging.Logger:
    """A logger to hand to a library: of its warnings only the place is kept, and of an error the class.

    It is nobody else's; Bolt gives its level and its filter to loggers of its own.
    """
    logger = logging.Logger(name, logging.WARNING)  # noqa: LOG001 - that is the point
    logger.parent = logging.getLogger("adapters.slack")
    logger.addFilter(_place_only)
    return logger


def _place_only(record: logging.LogRecord) -> bool:
    kind = record.exc_info[0] if record.exc_info else None
    record.msg, record.args = "%s%s", (record.funcName, f": {kind.__name__}" if kind else "")
    record.exc_info = record.exc_text = record.stack_info = None
    return True
