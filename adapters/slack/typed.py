"""What a person typed, from the escaped text that Slack sends (docs.slack.dev, "Formatting message text")."""

from __future__ import annotations

import re

_ESCAPED = re.compile(r"<([^<>\n]*)>|&(amp|lt|gt);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">"}
_FENCE = re.compile(r"\n?```\n?")
_USER = re.compile(r"[UW][A-Z0-9]+")


def plain(text: str) -> str:
    """Mentions, links and entities undone.

    A mention of somebody becomes their address as the roster writes it (``slack:U0123ABCD``): names are not unique.
    A link that Slack made of what was typed becomes that again. Code fences get lines of their own: Slack has
    them stick to the first and the last line of the code.
    """
    typed = _ESCAPED.sub(_undo, text)
    return _FENCE.sub("\n```\n", typed).strip("\n") if "```" in typed else typed


def without_mention(text: str, bot: str) -> tuple[str, bool]:
    """A message's text, still escaped, without a mention of the bot in front; and whether it was mentioned at all."""
    mention = rf"<@{re.escape(bot)}(?:\|[^<>]*)?>"
    start = re.match(rf"\s*{mention}(?:[:,]\s*|\s+|\Z)", text)
    return (text[start.end() :], True) if start else (text, re.search(mention, text) is not None)


def _undo(found: re.Match[str]) -> str:
    if found[2]:
        return _ENTITIES[found[2]]
    target, _, label = found[1].partition("|")
    target, label = _entities(target), _entities(label)
    if target.startswith("@"):
        return f"slack:{target[1:]}" if _USER.fullmatch(target[1:]) else target
    if target.startswith("#"):
        return f"#{label or target[1:]}"
    if target.startswith("!"):  # <!here>, <!subteam^S1|@packagers>, <!date^…|12 March>
        return label or f"@{target[1:].partition('^')[0]}"
    if not label or label == target:
        return target
    scheme, _, rest = target.partition(":")
    made = label in (rest, rest.removeprefix("//"), rest.removeprefix("//").removesuffix("/"))
    return label if made and scheme else f"{label} ({target})"


def _entities(text: str) -> str:
    return re.sub(r"&(amp|lt|gt);", lambda found: _ENTITIES[found[1]], text)
