"""How the settings are read: ``chatops.toml``, then ``CHATOPS_*`` from the environment; unknown keys are refused.

Secrets are never in the file: a key that ends in ``_file`` names a file that holds one, and the environment can hold it
under the same name without the ending (``CHATOPS_MATRIX__PASSWORD``).
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from chatops.config import (
    Advisories,
    BadConfiguration,
    Component,
    CveServices,
    GitHub,
    Mail,
    MailList,
    Matrix,
    Person,
    Policy,
    Project,
    Releases,
    Repository,
    Section,
    Settings,
    Slack,
    Store,
)
from chatops.wording import Wording

SECTIONS: Mapping[str, type[BaseModel]] = {
    "project": Project,
    "policy": Policy,
    "store": Store,
    "matrix": Matrix,
    "slack": Slack,
    "mail": Mail,
    "lists": MailList,
    "github": GitHub,
    "cve": CveServices,
    "wording": Wording,
    "advisories": Advisories,
    "releases": Releases,
    "repository": Repository,
    "components": Component,
    "coordinators": Person,
}


def load(path: Path | None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the file (if any), lay the environment over it, check everything.

    Relative paths in the file are relative to it. Raises :class:`BadConfiguration`.
    """
    told: dict[str, Any] = {}
    if path is not None:
        try:
            told = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise BadConfiguration(f"{path}: {error.strerror}") from None
        except tomllib.TOMLDecodeError as error:
            raise BadConfiguration(f"{path}: not TOML: {error}") from None
    for name, value in environment.items():
        if name.startswith("CHATOPS_"):
            _lay(told, name.removeprefix("CHATOPS_").lower().split("__"), value)
    try:
        settings = Settings.model_validate(told)
    except ValidationError as error:
        raise BadConfiguration(_explain(error)) from None
    return _anchored(settings, path.parent if path else Path.cwd())


def _lay(told: dict[str, Any], keys: list[str], value: str) -> None:
    for key in keys[:-1]:
        inner = told.setdefault(key, {})
        if not isinstance(inner, dict):
            raise BadConfiguration(f"CHATOPS_{'__'.join(keys).upper()}: {key} is not a section")
        told = inner
    told[keys[-1]] = value


def _explain(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        return f"{where}: {first['msg'].removeprefix('Value error, ')}"
    model: type[BaseModel] = Settings
    for part in first["loc"][:-1]:
        if isinstance(part, str):
            model = SECTIONS.get(part, model)
    near = difflib.get_close_matches(str(first["loc"][-1]), model.model_fields, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(model.model_fields)}"
    return f"{where}: no such setting; {hint}"


def _anchored(settings: Settings, base: Path) -> Settings:
    """Relative paths made absolute, and secrets read from their files."""

    def at(path: Path | None) -> Path | None:
        return None if path is None else base / path.expanduser()

    mail = settings.mail and _with_secrets(settings.mail, "mail", base)
    made = {
        "store": settings.store.model_copy(update={"folder": at(settings.store.folder)}),
        "releases": settings.releases.model_copy(
            update={"folder": at(settings.releases.folder), "staging": at(settings.releases.staging)}
        ),
        "repository": settings.repository.model_copy(update={"checkout": at(settings.repository.checkout)}),
        "advisories": settings.advisories.model_copy(update={"folder": at(settings.advisories.folder)}),
        "matrix": settings.matrix and _with_secrets(settings.matrix, "matrix", base),
        "slack": settings.slack and _with_secrets(settings.slack, "slack", base),
        "github": settings.github and _with_secrets(settings.github, "github", base),
        "cve": settings.cve and _with_secrets(settings.cve, "cve", base),
        "mail": mail and mail.model_copy(update={"ca_file": at(mail.ca_file), "files_folder": at(mail.files_folder)}),
    }
    return settings.model_copy(update=made)


S = TypeVar("S", bound=Section)


def _with_secrets(section: S, name: str, base: Path) -> S:
    """A section with what its ``_file`` keys name, unless the environment gave the secret itself."""
    update: dict[str, Any] = {}
    for key in type(section).model_fields:
        path = getattr(section, key)
        if not key.endswith("_file") or path is None or key.removesuffix("_file") not in type(section).model_fields:
            continue
        update[key] = file = base / path.expanduser()
        if getattr(section, key.removesuffix("_file")) is None:
            update[key.removesuffix("_file")] = SecretStr(read_secret(file, f"{name}.{key}"))
    return section.model_copy(update=update)


def read_secret(file: Path, key: str) -> str:
    """What a file holds, without the line's end. Raises :class:`BadConfiguration` that names the key."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadConfiguration(f"{key}: {error.strerror}") from None
