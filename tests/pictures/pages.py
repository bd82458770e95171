"""What is shown, as web pages that look like the two services' own: Element's timeline, and Slack's by a renderer of
Block Kit from npm (``slack-blocks-to-jsx``).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from adapters.matrix.render import render as matrix_render
from adapters.slack import render as slack
from adapters.slack.forms import Origin, view
from adapters.slack.home import home_view
from adapters.slack.limits import Json
from chatops.ports import Form, Post
from tests.house import START
from tests.pictures.cards import Gallery

COMMAND = "/dynasched"
WORKSPACE = "https://dynasched.slack.com/"
ZONE = "Europe/Berlin"
"""Where the reader is."""


def matrix(gallery: Gallery) -> dict[str, str]:
    """A page by name for each card."""
    return {name: _head(_css("matrix")) + _tile(post) for name, post in gallery.posts.items()}


def _head(style: str) -> str:
    width = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    return f'<!doctype html><html lang="en"><meta charset="utf-8">{width}<style>{style}</style>'


def _css(service: str) -> str:
    return Path(__file__).with_name(f"{service}.css").read_text(encoding="utf-8")


def _tile(post: Post) -> str:
    doors = {case: f"https://matrix.to/#/{room}" for case, room in post.doors.items()}
    shown = matrix_render(post.document, people=post.people, discreet=post.discreet, doors=doors).formatted_body
    # What a client makes of the attributes (client-server specification, "m.room.message msgtypes").
    shown = re.sub(r'data-mx-bg-color="(\S+)" data-mx-color="(\S+)"', r'style="background: \1; color: \2"', shown)
    marks = "".join(f'<span class="react">{escape(action.emoji)} 1</span>' for action in post.document.actions)
    body = f'<div class="body"><div class="name">bot</div>{shown}{marks}</div>'
    return f'<div class="tile"><div class="face"></div>{body}</div>'


def slack_pages(gallery: Gallery) -> dict[str, str]:
    """A page by name for each card and form, and the home page."""
    cards: dict[str, list[Json]] = {}
    after: dict[str, str] = {}
    for name, post in gallery.posts.items():
        rendered = slack.render(_on_slack(post), command=COMMAND, workspace=WORKSPACE)
        for number, message in enumerate(rendered.messages, 1):
            cards[name if number == 1 else f"{name}-{number}"] = message["blocks"]
        if rendered.file is not None:
            after[name] = f'<div class="file">📄 {escape(rendered.file.name)}</div>'
    bare = {
        "home": home_view(slack.home(page, command=COMMAND, workspace=WORKSPACE) for page in gallery.home)["blocks"]
    }
    views = {f"form-{name}": _view(form) for name, form in gallery.forms.items()}
    bare |= {name: shown["blocks"] for name, shown in views.items()}
    html, style = _kit([*((blocks, False) for blocks in cards.values()), *((blocks, True) for blocks in bare.values())])
    parts = dict(zip([*cards, *bare], html, strict=True))
    head = _head(style + _css("slack"))
    return {name: head + _frame(views.get(name), part) + after.get(name, "") for name, part in parts.items()}


def _on_slack(post: Post) -> Post:
    """The post as it would be there: people have other ids."""
    people = {name: _user(user) for name, user in post.people.items()}
    return post.model_copy(update={"people": people, "ping": tuple(map(_user, post.ping))})


def _user(matrix_id: str) -> str:
    return "U0" + re.sub("[^A-Z0-9]", "", matrix_id.partition(":")[0].upper())


def _view(form: Form) -> Json:
    return view(form, Origin(form.line, "C0ROOM", False))


def _frame(shown: Json | None, part: str) -> str:
    if shown is None:
        return part
    words = {name: escape(shown[name]["text"]) for name in ("title", "submit", "close")}
    bar = f'<b>{words["title"]}</b><span>{words["close"]}</span><span class="send">{words["submit"]}</span>'
    fitted = "".join(map(_fitted, shown["blocks"]))
    modal = f'<div class="modal"><div class="bar">{bar}</div><div class="inner">{part}</div></div>'
    return f"<style>{fitted}</style>{modal}"


def _fitted(block: Json) -> str:
    """Two things that Slack shows and the renderer does not: which fields take one line, and which may stay empty."""
    field = f".slack_blocks_to_jsx__input[id='{block['block_id']}']"
    line = f"{field} textarea {{ height: 38px !important; min-height: 0 !important; }}"
    optional = f"{field} strong::after {{ content: ' (optional)'; font-weight: 400; color: #616061; }}"
    return (line if block["element"].get("multiline") is False else "") + (optional if block["optional"] else "")


def _kit(cards: list[tuple[list[Json], bool]]) -> tuple[list[str], str]:
    """Blocks as HTML, and the style sheet for it; ``bare`` ones without the name above."""
    users = {user["user_id"] for blocks, _ in cards for user in _users(blocks)}
    told = {
        "at": START.isoformat(),
        "name": "bot",
        "users": [{"id": user, "name": user.removeprefix("U0").lower()} for user in sorted(users)],
        "cards": [{"blocks": blocks, "bare": bare} for blocks, bare in cards],
    }
    node = Path(sys.executable).with_name("node")
    peers = Path(sys.prefix) / "peers" / "node_modules"
    done = subprocess.run(
        [str(node), str(Path(__file__).with_name("kit.mjs")), str(peers)],
        input=json.dumps(told),
        env={**os.environ, "TZ": ZONE},
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    if done.returncode:
        raise SystemExit(f"the renderer of Block Kit failed: {done.stderr.strip()}")
    made: Mapping[str, Any] = json.loads(done.stdout)
    return made["parts"], made["style"]


def _users(part: Any) -> list[Json]:
    if isinstance(part, list):
        return [user for inner in part for user in _users(inner)]
    if isinstance(part, dict):
        return [part] if part.get("type") == "user" else _users(list(part.values()))
    return []
