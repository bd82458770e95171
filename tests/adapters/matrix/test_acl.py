"""Which homeservers the configuration lets into the rooms of the team and of cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.matrix.acl import ServerAcl
from adapters.matrix.recipes import creation
from chatops import bootstrap
from chatops.config import BadConfiguration
from chatops.loading import load
from chatops.ports import OpenRoom

WHERE = {
    "CHATOPS_MATRIX__HOMESERVER": "https://matrix.example.org",
    "CHATOPS_MATRIX__USER": "@bot:example.org:8448",
    "CHATOPS_MATRIX__PASSWORD": "secret",
}


def configured(folder: Path, servers: str) -> ServerAcl:
    (folder / "chatops.toml").write_text(f"[matrix]\n{servers}\n")
    settings = load(folder / "chatops.toml", WHERE)
    assert settings.matrix is not None
    return bootstrap._matrix(settings.matrix, settings)._settings.acl


@pytest.mark.parametrize(
    ("servers", "inside", "outside"),
    [
        ("", ("debian.example", "evil.example"), ()),
        ('deny_servers = ["evil.example", "*.evil.example"]', ("vil.example",), ("evil.example", "EVIL.example:443")),
        ('deny_servers = ["e?il.example"]', ("eil.example", "evil-example"), ("evil.example",)),
        ('allow_servers = ["*.debian.example"]', ("matrix.debian.example", "example.org"), ("debian.example",)),
        ('allow_servers = ["*"]\ndeny_servers = ["[2001:db8::*]"]', ("debian.example",), ("[2001:db8::7]:443",)),
    ],
)
def test_who_may_take_part(tmp_path: Path, servers: str, inside: tuple[str, ...], outside: tuple[str, ...]) -> None:
    acl = configured(tmp_path, servers)
    assert [server for server in (*inside, *outside) if acl.admits(f"@debian:{server}")] == list(inside)
    assert acl.admits("@bot:example.org:8448")


@pytest.mark.parametrize("own", ["example.org", "*.org", "*", "Example.org"])
def test_the_bots_own_server_is_never_shut_out(tmp_path: Path, own: str) -> None:
    with pytest.raises(BadConfiguration) as refused:
        configured(tmp_path, f'deny_servers = ["{own}"]')
    assert str(refused.value) == "matrix.deny_servers: one of them is the bot's own homeserver, example.org"
    assert bootstrap.explain(refused.value) is not None


@pytest.mark.parametrize("key", ["allow_servers", "deny_servers"])
@pytest.mark.parametrize(
    "pattern", ["", "evil.example:8448", "https://evil.example", "@x:evil.example", "e vil", "[::1"]
)
def test_what_is_no_server_name_is_refused_at_start(tmp_path: Path, key: str, pattern: str) -> None:
    with pytest.raises(BadConfiguration) as refused:
        configured(tmp_path, f'{key} = ["debian.example", "{pattern}"]')
    assert f"matrix.{key}: " in str(refused.value)
    assert f"{pattern!r} is no server name; write it without a port" in str(refused.value)


@pytest.mark.parametrize("purpose", ["security", "embargo", "direct"])
def test_direct_chats_are_open_to_all_servers(purpose: Any) -> None:
    deed = OpenRoom(purpose=purpose, name="DS-1", topic="", invite=("@reporter:evil.example",))
    body = creation(deed, "effect", "@bot:example.org", federate=True, acl=ServerAcl(deny=("evil.example",)))
    limited = [state for state in body["initial_state"] if state["type"] == "m.room.server_acl"]
    assert bool(limited) is (purpose != "direct")
