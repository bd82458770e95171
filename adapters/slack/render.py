"""What is said as Slack messages: Block Kit for the eye, a text beside it for notifications and screen readers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.slack import limits
from adapters.slack.blocks import blocks, button, button_text
from adapters.slack.limits import Json
from adapters.slack.split import beginning, pages
from chatops.document import Action, Bullets, Document, Mono, Para, Plain, Strong, para, with_doors
from chatops.plain import action_label, command_line, plain_text, spelled, title_line, visible_line
from chatops.ports import Post

MOST = 5
"""A post is at most so many messages (as often as a ``response_url`` may be used); what is longer is a file."""
PINGS = 50
"""So many people are called by one post; more would leave no room to say for what."""
_ACTIONS_SIZE, _ACTIONS_TEXT = 4_000, 1_000
"""Of the limits, what the buttons may take."""
_USER = re.compile(r"[UW][A-Z0-9]{2,}")


@dataclass(frozen=True)
class File:
    """A text file."""

    name: str
    content: str


@dataclass(frozen=True)
class Rendered:
    """The messages of a post in order, ``{"text", "blocks"}`` each, and the file that is to follow them, if any.

    Both parts of a message are safe as they are for every method that takes them; ``parse`` and ``link_names`` must
    stay off, and where a method has ``mrkdwn``, False keeps ``*`` and ``_`` in ``text`` from being formatted.
    """

    messages: tuple[Json, ...]
    file: File | None = None


def render(post: Post, *, command: str, workspace: str | None = None) -> Rendered:
    """The messages of a post. ``command`` is what commands begin with on Slack, ``workspace`` the address of ours.

    An edit is one message, and notifies nobody. Who is in ``post.ping`` is mentioned; a name in the text is only a
    name else, as Slack has no mention that does not notify, but for what only one person sees. What is longer than
    :data:`MOST` messages is shown in one, up to where it fits, with all of it as a file; without a file where nobody
    else is to see it (Slack has none that only one person sees) or where a message is edited.
    """
    silent = post.edit is not None or post.aside is not None
    ping = () if silent else tuple(dict.fromkeys(user for user in post.ping if _USER.fullmatch(user)))[:PINGS]
    mentioned = ping if post.aside is None else tuple(filter(_USER.fullmatch, post.people.values()))
    mentions = {name: user for name, user in post.people.items() if user in mentioned}
    opened = _opened(post, workspace)
    document = _settled(opened, command)

    def message(shown: Document, called: Sequence[str] = ping) -> Json:
        text = _discreet(shown) if post.discreet else _text(shown, command, called)
        return {"text": text, "blocks": blocks(shown, command, mentions, called)}

    def fits(shown: Document) -> bool:
        return _sendable(message(shown))

    if _sendable(whole := message(document)):
        return Rendered((whole,))
    shown = pages(document, fits, 1 if post.edit else MOST)
    if shown:
        return Rendered((message(shown[0]), *(message(page, ()) for page in shown[1:])))
    file = None if silent else File(_file_name(document), plain_text(spelled(opened, command), prefix=command))
    return Rendered((message(beginning(document, fits, _notice(post, file))),), file)


def _sendable(message: Json) -> bool:
    few = len(message["blocks"]) <= limits.BLOCKS and limits.size(message["blocks"]) <= limits.SIZE
    return few and limits.length(message["text"]) <= limits.TEXT


def home(post: Post, *, command: str, workspace: str | None = None) -> list[Json]:
    """The blocks of a post on somebody's home page."""
    return blocks(_settled(_opened(post, workspace), command), command, {})


def _opened(post: Post, workspace: str | None) -> Document:
    """The document with links to channels, as Slack itself makes them ("Copy link"): its apps open those in place."""
    doors = {case: f"{workspace.rstrip('/')}/archives/{room}" for case, room in post.doors.items()} if workspace else {}
    return with_doors(post.document, doors)


def _discreet(document: Document) -> str:
    """What a notification may show of a case: its number and the kind of message."""
    return _escaped(visible_line(": ".join(filter(None, (document.case, document.kind)))))


def _text(document: Document, command: str, ping: Sequence[str]) -> str:
    """The plain text, which is complete. Slack parses it whatever is in the blocks, so ``& < >`` are escaped."""
    said = _escaped(plain_text(document, prefix=command).strip()) or _discreet(document)
    return " ".join((*(f"<@{user}>" for user in ping), said))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _settled(document: Document, command: str) -> Document:
    """The document with its commands spelled out, and as blocks what is too long for a header or a button."""
    document = spelled(document, command)
    kept: list[Action] = []
    listed: list[Action] = []
    size = text = 0
    for action in document.actions:
        takes = limits.size([button(action, command, 0)])
        says = limits.length(_escaped(_line_of(action, command)))
        if _is_pressable(action) and size + takes <= _ACTIONS_SIZE and text + says <= _ACTIONS_TEXT:
            size, text = size + takes, text + says
            kept.append(action)
        else:
            listed.append(action)
    update: dict[str, object] = {"actions": tuple(kept)}
    made = list(document.blocks)
    if listed:
        items = ((Plain(text=action_label(one, command)), Mono(text=command_line(one, command))) for one in listed)
        made.append(Bullets(items=tuple(items)))
    if limits.length(title_line(document)) > limits.HEADER:
        made.insert(0, Para(line=(Strong(text=title_line(document)),)))
        update |= {"title": "", "tone": "normal"}
    return document.model_copy(update={**update, "blocks": tuple(made)})


def _is_pressable(action: Action) -> bool:
    text = 0 < limits.length(button_text(action)) <= limits.BUTTON
    return text and bool(action.command.strip()) and limits.length(action.command) <= limits.VALUE


def _line_of(action: Action, command: str) -> str:
    """What the plain text says of an action."""
    return f"{visible_line(action.emoji)} 0. {action_label(action, command)}{command_line(action, command)}\n"


def _notice(post: Post, file: File | None) -> Para:
    if file is not None:
        return para("There is more than fits here. All of it is in the file ", Mono(text=file.name), ".")
    if post.edit is not None:
        return para("There is more than fits here.")
    return para("There is more than fits here. Ask in our direct chat: there I can send all of it as a file.")


def _file_name(document: Document) -> str:
    """Of case and kind only: names of files are seen more widely than what is in them."""
    name = "-".join(filter(None, (document.case, document.kind)))
    return (re.sub(r"[^A-Za-z0-9-]+", "-", name).strip("-") or "answer") + ".txt"
