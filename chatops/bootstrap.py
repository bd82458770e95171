"""The wiring: which parts there are, and how they hang together. The only module of the core that knows adapters."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Collection
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from adapters.checkout.service import Checkout
from adapters.cve.service import CveAccount, CveRegistry
from adapters.directory.host import DirectoryHost
from adapters.github.host import GitHubHost
from adapters.github.settings import GitHubSettings, GitHubWebhook
from adapters.github.webhook import Unusable as WebhookUnusable
from adapters.mail.service import MailService
from adapters.mail.service import Unusable as MailUnusable
from adapters.mail.settings import MailSettings, Shelf
from adapters.matrix import marking
from adapters.matrix.acl import ServerAcl, server_of
from adapters.matrix.service import MatrixService
from adapters.matrix.session import Unusable
from adapters.matrix.settings import MatrixSettings
from adapters.slack.manifest import manifest
from adapters.slack.service import SlackService
from adapters.slack.service import Unusable as SlackUnusable
from adapters.slack.settings import SlackSettings
from adapters.terminal.service import TerminalService
from adapters.terminal.shell import run_shell
from adapters.terminal.wire import Streams, dial
from chatops.commands.registry import collect
from chatops.config import BadConfiguration, CveServices, GitHub, Mail, Matrix, Settings, Slack
from chatops.loading import read_secret
from chatops.model.people import PlaceKind
from chatops.ports import Service, TryLater
from chatops.service.bot import Bot, utc_now
from chatops.service.interact import Completions, Interactive
from chatops.service.keyring import Keyring
from chatops.service.schema import NewerSchema
from chatops.service.store import Locked


def bot(settings: Settings) -> Bot:
    """The bot as configured, with every service that it names, and a socket for shells beside it."""
    services: list[Service] = [
        TerminalService(settings.store.folder / "shell.sock"),
        *_work(settings),
    ]
    if settings.matrix is not None:
        services.append(_matrix(settings.matrix, settings))
    if settings.slack is not None:
        services.append(_slack(settings.slack, settings))
    if settings.mail is not None:
        services.append(_mail(settings.mail, settings))
    return Bot(settings, services, chats(settings))


def alone(settings: Settings) -> tuple[Bot, TerminalService]:
    """What a shell needs when no bot runs: the core, the release host, and a terminal of this process."""
    terminal = TerminalService()
    return Bot(settings, [terminal, *_work(settings, listens=False)], chats(settings)), terminal


def _work(settings: Settings, *, listens: bool = True) -> list[Service]:
    """What is no chat: the release host, the repository where there is a checkout of it, CVE Services for a CNA."""
    made = [_release_host(settings, listens=listens)]
    if settings.repository.checkout is not None:
        made.append(Checkout(settings.repository.checkout))
    if settings.cve is not None:
        made.append(_cve(settings.cve))
    return made


def _cve(cve: CveServices) -> CveRegistry:
    if cve.key is None:
        raise BadConfiguration("cve.key_file: name a file with the API key, or set CHATOPS_CVE__KEY")
    key = _anew(cve.key_file, cve.key, "cve.key_file")
    return CveRegistry(CveAccount(cve.org, cve.user, lambda: key() or "", f"{cve.api.rstrip('/')}/"))


def _release_host(settings: Settings, *, listens: bool) -> Service:
    """Private releases are prepared in a folder whatever the host is. A shell without a bot listens to nobody."""
    releases, github = settings.releases, settings.github
    if settings.release_host != "github":
        return DirectoryHost(
            releases.folder if settings.release_host == "directory" else None,
            releases.staging,
            settings.advisories.folder,
        )
    if github is None:
        raise BadConfiguration('releases.host: "github" needs a [github] section with the repository')
    return GitHubHost(
        GitHubSettings(
            repository=github.repository,
            read_token=_anew(github.token_file, github.token, "github.token_file"),
            project=settings.project.name,
            api=github.api.rstrip("/"),
            tag=github.tag,
            drafts=github.drafts,
            webhook=_webhook(github) if listens else None,
        ),
        DirectoryHost(None, releases.staging, settings.advisories.folder),
    )


def _webhook(github: GitHub) -> GitHubWebhook | None:
    if github.webhook_host is None:
        return None
    if not (secret := _revealed(github.webhook_secret)):
        raise BadConfiguration(
            "github.webhook_secret_file: name a file with the secret, or set CHATOPS_GITHUB__WEBHOOK_SECRET"
        )
    return GitHubWebhook(github.webhook_host, github.webhook_port, secret)


def _anew(file: Path | None, secret: SecretStr | None, key: str) -> Callable[[], str | None]:
    """A file is read anew each time, so that what it holds can be replaced while the bot runs."""
    if file is not None:
        return lambda: read_secret(file, key)
    return lambda: _revealed(secret)


def chats(settings: Settings) -> frozenset[str]:
    """The chat services that are configured; what is to be said there waits until a bot runs."""
    configured = {"matrix": settings.matrix, "slack": settings.slack, "mail": settings.mail}
    return frozenset(name for name, section in configured.items() if section is not None)


def _matrix(matrix: Matrix, settings: Settings) -> MatrixService:
    if matrix.password is None:
        raise BadConfiguration("matrix.password_file: name a file with the password, or set CHATOPS_MATRIX__PASSWORD")
    own = server_of(matrix.user)
    acl = ServerAcl((*matrix.allow_servers, own) if matrix.allow_servers else (), matrix.deny_servers)
    if not acl.admits(matrix.user):
        raise BadConfiguration(f"matrix.deny_servers: one of them is the bot's own homeserver, {own}")
    return MatrixService(
        MatrixSettings(
            homeserver=matrix.homeserver,
            user_id=matrix.user,
            store=_matrix_store(settings),
            password=matrix.password.get_secret_value(),
            device_name=matrix.device,
            prefix=f"!{settings.project.command}",
            federate=matrix.federate,
            acl=acl,
            verified_only=frozenset(map(PlaceKind, matrix.verified_devices_only)),
            wait_for_keys=timedelta(minutes=matrix.key_wait_minutes),
        )
    )


def _matrix_store(settings: Settings) -> Path:
    return settings.store.folder / "matrix"


def matrix_devices(settings: Settings, user: str | None) -> list[str]:
    """Lines on the devices that the bot knows, its own first. Raises what :func:`explain` explains."""
    return marking.listed(_matrix_store(settings), user)


def matrix_mark(settings: Settings, user: str, device: str, *, trusted: bool) -> list[str]:
    """The operator trusts a device, or does not: a line that says so. Raises what :func:`explain` explains."""
    return marking.marked(_matrix_store(settings), user, device, trusted=trusted)


def _slack(slack: Slack, settings: Settings) -> SlackService:
    if slack.bot_token is None:
        raise BadConfiguration("slack.bot_token_file: name a file with the token, or set CHATOPS_SLACK__BOT_TOKEN")
    file, app_file = slack.bot_token_file, slack.app_token_file
    return SlackService(
        SlackSettings(
            bot_token=slack.bot_token.get_secret_value(),
            read_token=None if file is None else lambda: read_secret(file, "slack.bot_token_file"),
            app_token=slack.app_token.get_secret_value() if slack.app_token else None,
            read_app_token=None if app_file is None else lambda: read_secret(app_file, "slack.app_token_file"),
            signing_secret=slack.signing_secret.get_secret_value() if slack.signing_secret else None,
            command=f"/{settings.project.command}",
            project=settings.project.name,
            api=slack.api,
            host=slack.host,
            port=slack.port,
            connect=slack.connect,
        ),
        Interactive(settings, chats(settings), utc_now),
    )


def _mail(mail: Mail, settings: Settings) -> MailService:
    return MailService(mail_settings(mail, settings), Keyring(settings.store.database))


def _shelf(mail: Mail) -> Shelf | None:
    if (mail.files_folder is None) != (mail.files_url is None):
        raise BadConfiguration("mail.files_folder: set it together with mail.files_url, where it is on the web")
    return Shelf(mail.files_folder, mail.files_url) if mail.files_folder and mail.files_url else None


def mail_settings(mail: Mail, settings: Settings) -> MailSettings:
    """What the mail adapter needs of the settings."""
    return MailSettings(
        project=settings.project.name,
        address=mail.address,
        smtp_host=mail.smtp_host,
        smtp_port=mail.smtp_port,
        smtp_tls=mail.smtp_tls,
        imap_host=mail.imap_host,
        imap_port=mail.imap_port,
        imap_tls=mail.imap_tls,
        ca_file=mail.ca_file,
        mailbox=mail.mailbox,
        poll=mail.poll_seconds,
        user=mail.user,
        password=_revealed(mail.password),
        key=_revealed(mail.key),
        key_password=_revealed(mail.key_password),
        no_key=settings.words("no_key"),
        allow_plain=mail.allow_plain,
        largest_file=mail.attach_mb << 20,
        shelf=_shelf(mail),
        largest_letter=mail.largest_mb << 20,
        tags={one.address: one.tag for one in mail.lists if one.tag},
    )


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def slack_manifest(settings: Settings, url: str | None) -> dict[str, object]:
    """What an operator creates the Slack app from; ``url`` is the bot's public address in HTTP mode."""
    connect = settings.slack is not None and settings.slack.connect
    first = ", ".join(verb for verb in ("report", "verify", "help") if verb in collect())
    return manifest(
        f"/{settings.project.command}", settings.project.name, usage_hint=f"{first} …", url=url, connect=connect
    )


MENDABLE = (BadConfiguration, NewerSchema, Locked, Unusable, SlackUnusable, MailUnusable, WebhookUnusable)
"""What an operator can mend, as it says."""


def explain(error: Exception) -> str | None:
    """One line for what an operator can mend at a start; None for a fault of our own."""
    if isinstance(error, MENDABLE):
        return str(error)
    if isinstance(error, TryLater):
        return f"a chat service cannot be reached ({error.code})"
    return None


async def talk(settings: Settings, name: str, command: str | None = None) -> int:
    """A shell for somebody on the roster: beside a running bot over its socket, else with a core of its own. With a
    command, which may be of many lines, it runs that and ends.
    """
    own: Bot | None = None
    terminal: TerminalService | None = None
    with contextlib.suppress(Locked):  # then a bot runs: talk to it
        own, terminal = alone(settings)

    async def connect() -> Streams:
        return await (terminal.connect() if terminal is not None else dial(settings.store.folder / "shell.sock"))

    try:
        if own is not None:
            await own.start()
        completions = Completions(settings.store.database, name)
        return await run_shell(
            connect,
            name,
            interactive=sys.stdin.isatty() and sys.stdout.isatty(),
            stdin=sys.stdin if command is None else command,
            stdout=sys.stdout,
            complete=completions.complete,
            history=settings.store.folder / "history",
            remember=completions.harmless,
        )
    finally:
        if own is not None:
            await own.stop()


async def play(folder: Path | None, options: Collection[str], *, stay: bool) -> int:
    """The demo. ``options`` are what is switched on; ModuleNotFoundError without the package's extra ``demo``."""
    from adapters.stage.demo import demo

    return await demo(folder, options, stay=stay)
