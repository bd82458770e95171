"""The app's manifest, and every name of Slack's that the adapter uses, against Slack's own reference."""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from adapters.slack.manifest import EVENTS, manifest, scopes
from adapters.slack.methods import METHODS

ROOT = Path(__file__).parents[3]
ADAPTER = ROOT / "adapters" / "slack"

ELSEWHERE = {"app_mentions:read", "commands", "connections:write"}
"""Scopes that Slack documents outside its reference of methods."""


def reference() -> Path | None:
    """Slack's method reference and manifest schema, which are no part of the project.

    None where they are not at hand: the checks against them then pass without having looked.
    """
    found = Path(os.environ.get("CHATOPS_SLACK_REFERENCE") or ROOT.parent / "shared" / "slack-api")
    return found if (found / "methods").is_dir() else None


def methods() -> dict[str, dict[str, Any]]:
    folder = reference()
    if folder is None:
        return {}
    return {file.stem: json.loads(file.read_text()) for file in (folder / "methods").glob("*.json")}


def made() -> Iterator[dict[str, Any]]:
    yield manifest("/dynasched", "Dynasched")
    yield manifest("/dynasched", "Dynasched", url="https://bot.example.org/", usage_hint="report, verify, help …")
    yield manifest("/dynasched", "Dynasched", connect=True)
    yield manifest("/dynasched", "A project with a name that is longer than Slack allows", methods={})


def test_manifests_are_what_slack_takes() -> None:
    folder = reference()
    for one in made():
        json.dumps(one)
        if folder is not None:
            jsonschema.validate(one, json.loads((folder / "manifest.schema.json").read_text()))


def test_socket_mode_needs_no_address() -> None:
    socket = manifest("/dynasched", "Dynasched")
    assert socket["settings"]["socket_mode_enabled"]
    assert "request_url" not in json.dumps(socket)
    http = manifest("/dynasched", "Dynasched", url="https://bot.example.org")
    assert not http["settings"]["socket_mode_enabled"]
    address = "https://bot.example.org/slack/events"
    assert http["settings"]["event_subscriptions"]["request_url"] == address
    assert http["settings"]["interactivity"]["request_url"] == address
    assert http["features"]["slash_commands"][0]["url"] == address


def test_mentions_come_escaped() -> None:
    (command,) = manifest("/dynasched", "Dynasched")["features"]["slash_commands"]
    assert command["should_escape"] is True


def test_scopes_are_those_of_what_is_used_and_no_more() -> None:
    needed = {"commands"}
    needed |= {scope for method in METHODS.values() for scope in method.scopes if not method.connect}
    needed |= {scope for event in EVENTS.values() for scope in event}
    assert set(scopes()) == needed
    assert set(scopes(connect=True)) == needed | {"conversations.connect:write"}
    assert set(manifest("/dynasched", "Dynasched")["oauth_config"]["scopes"]) == {"bot"}
    assert "groups:history" not in scopes({}) or "message.groups" in EVENTS


def test_scopes_and_tiers_are_slacks_own() -> None:
    known = methods()
    every = {scope for method in known.values() for scope in (method["scope"] or {}).get("bot", ())}
    for name, method in METHODS.items():
        if not known:
            return
        assert name in known
        told = (known[name]["scope"] or {}).get("bot", ())
        assert set(method.scopes) <= set(told), name
        assert bool(method.scopes) == bool(told), name
        assert f"t{method.tier}" == known[name]["rate_limits"], name
    assert set(scopes(connect=True)) <= every | ELSEWHERE


def strings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def calls(tree: ast.AST) -> Iterator[str]:
    """The methods that are called by name: ``….call("chat.update", …)``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "call":
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def test_what_is_called_is_declared_and_what_is_declared_is_called() -> None:
    trees = [ast.parse(file.read_text()) for file in ADAPTER.glob("*.py") if file.name != "methods.py"]
    called = {name for tree in trees for name in calls(tree)}
    assert called <= set(METHODS)
    mentioned = {name for tree in trees for name in strings(tree)}
    by_the_library = {"apps.connections.open"}
    assert set(METHODS) <= mentioned | by_the_library


ERRORS_ELSEWHERE = {"token_revoked", "ratelimited", "rate_limited", "message_limit_exceeded"}


@pytest.mark.parametrize("file", sorted(ADAPTER.glob("*.py")), ids=lambda file: file.stem)
def test_error_names_are_slacks_own(file: Path) -> None:
    """Whatever is compared with an error's code, and what is in the sets of them, occurs in the reference."""
    known = methods()
    if not known:
        return
    errors = {name for method in known.values() for name in method.get("errors") or ()}
    used = set(_compared(ast.parse(file.read_text())))
    assert {name for name in used if name not in errors | ERRORS_ELSEWHERE} == set()


def _compared(tree: ast.AST) -> Iterator[str]:
    """String constants that stand beside something called ``code`` or ``error`` in a comparison."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        parts = [node.left, *node.comparators]
        named = {part.attr if isinstance(part, ast.Attribute) else getattr(part, "id", "") for part in parts}
        if named & {"code", "error"}:
            yield from (name for part in parts for name in strings(part) if name)
