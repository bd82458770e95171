"""A post office for tests, and people with OpenPGP keys."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.mail.outgoing import Outgoing
from adapters.mail.pgp import Keychain
from adapters.mail.settings import MailSettings
from adapters.mail.smtp import Smtp
from adapters.mail.tokens import Tokens
from adapters.stage.certificate import certify
from adapters.stage.letters import BOT, key
from adapters.stage.post_office import PASSWORD, PostOffice
from chatops.config import Settings
from chatops.ports import Address


class Roster:
    """:class:`chatops.ports.Keys`: whose key is known, by address."""

    def __init__(self) -> None:
        self.keys: dict[str, str] = {}

    async def certificate(self, address: Address) -> str | None:
        assert (address.service, address.tenant) == ("mail", "")
        return self.keys.get(address.id)


@pytest.fixture
async def office() -> AsyncIterator[PostOffice]:
    made = PostOffice(BOT)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def secure_office(tmp_path: Path) -> AsyncIterator[PostOffice]:
    """One that talks TLS only; whom to trust lies in ``tmp_path``."""
    certify(tmp_path / "tls.pem", tmp_path / "tls.key")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "tls.pem", tmp_path / "tls.key")
    made = PostOffice(BOT, certificate=context)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def settings(office: PostOffice) -> MailSettings:
    return MailSettings(
        project="DynaSched",
        address=BOT,
        smtp_host="127.0.0.1",
        smtp_port=office.smtp_port,
        smtp_tls="none",
        imap_host="127.0.0.1",
        imap_port=office.imap_port,
        imap_tls="none",
        password=PASSWORD,
        key=str(key("security")),
        no_key=Settings().words("no_key"),
        timeout=10,
        tags={"distros@lists.example": "[vs]"},
    )


@pytest.fixture
def roster() -> Roster:
    return Roster()


@pytest.fixture
def outgoing(settings: MailSettings, roster: Roster) -> Outgoing:
    return made(settings, roster)


def made(settings: MailSettings, roster: Roster) -> Outgoing:
    return Outgoing(settings, Smtp(settings), Keychain(settings.key), roster, Tokens(b"secret"))
