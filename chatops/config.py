"""The settings of ``chatops.toml``, section by section; :mod:`chatops.loading` reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, field_validator

from chatops.document import Block, link
from chatops.template import Value
from chatops.wording import Wording, filled


class BadConfiguration(Exception):
    """One line that names the key and what is wrong with it. Never a value: it may be a secret."""


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Project(Section):
    """Who runs the process. The defaults are DynaSched's (see the policy)."""

    name: str = Field(default="DynaSched", description="as people read it")
    command: str = Field(default="dynasched", pattern=r"^[a-z][a-z0-9-]*$", description="what commands begin with")
    case_prefix: str = Field(default="DS", pattern=r"^[A-Z]{1,6}$", description="of case numbers, as in DS-2026-7KQ4")
    release_page: str = Field(
        default="https://github.com/dynasched/dynasched/releases", description="where people get the releases"
    )


class Policy(Section):
    """Time limits and quorums, in days, hours or minutes as the names say."""

    review_days: int = Field(default=30, ge=1, description="default terms: the embargo's review date after triage")
    answer_days: int = Field(default=3, ge=1, description="the reporter's next word after a report")
    status_days: int = Field(default=5, ge=1, description="a member who has not said how they stand is asked so often")
    triage_days: int = Field(default=3, ge=1, description="a report that is not triaged by then is called for daily")
    stale_days: int = Field(default=14, ge=1, description="a case in which nobody did anything for so long")
    ask_again_days: int = Field(default=2, ge=1, description="who was asked and is silent is asked again after this")
    embargo_cap_days: int = Field(default=90, ge=1, description="no date may lie further off than this")
    retrospective_days: int = Field(default=7, ge=1, description="so long after a release the team looks back")
    cap_takes_reason: bool = Field(default=False, description="a reason lets a date lie beyond the cap")
    holidays: tuple[Annotated[str, Field(pattern=r"^(\d{4}-)?\d{2}-\d{2}$")], ...] = Field(
        default=("12-24", "12-25", "12-26", "12-31", "01-01"),
        description="release dates on them are questioned: 12-25 for every year, 2027-03-26 for one",
    )
    quorum: int = Field(default=2, ge=1, description="who must agree to terms that are not the default")
    tell_now: bool = Field(default=False, description="tell contacts in full in the message that asks them")
    confirm_hours: int = Field(default=24, ge=1, description="how long a confirmation code lives")
    alone_minutes: int = Field(default=60, ge=0, description="a lone coordinator confirms again after this")
    stranger_messages_per_hour: int = Field(default=30, ge=1, description="more of a stranger's are not answered")
    discreet: bool = Field(default=True, description="notifications of embargo rooms name case and kind only")

    @property
    def alone(self) -> timedelta:
        return timedelta(minutes=self.alone_minutes)


class Store(Section):
    """Where the bot keeps what it knows. ``url`` is an SQLAlchemy URL of SQLite or PostgreSQL."""

    folder: Path = Field(default=Path("state"), description="the database, Matrix's keys, the shell's socket")
    url: str | None = Field(default=None, description="another database: postgresql+psycopg://…")

    @property
    def database(self) -> str:
        return self.url or f"sqlite:///{self.folder / 'chatops.db'}"


SERVERS = re.compile(r"[A-Za-z0-9.*?-]+|\[[0-9A-Fa-f:.*?]+\]")
"""Server names of Matrix without a port (appendix "Server Name"), with the wildcards of server ACLs."""


class Matrix(Section):
    """The bot's account. The password comes from ``password_file`` or ``CHATOPS_MATRIX__PASSWORD``."""

    homeserver: str = Field(description="its client address, https://…")
    user: str = Field(pattern=r"^@[^:]+:.+$", description="the bot's account, @bot:example.org")
    password: SecretStr | None = Field(default=None, description="from the environment only")
    password_file: Path | None = Field(default=None, description="a file that holds the password")
    device: str = Field(default="chatops", description="the device's display name")
    federate: bool = Field(default=True, description="rooms are open to other homeservers; fixed once a room is made")
    allow_servers: tuple[str, ...] = Field(
        default=(),
        description="only these homeservers take part in security and case rooms, and the bot's own; * and ?",
    )
    deny_servers: tuple[str, ...] = Field(
        default=(), description="these do not: evil.example, *.evil.example; both apply to rooms that exist, too"
    )
    verified_devices_only: tuple[Literal["security", "embargo", "direct"], ...] = Field(
        default=(),
        description="in these kinds of rooms (security, embargo, direct) only devices read and command that `chatops"
        " matrix trust` marked, and buttons do nothing; elsewhere devices are taken on first sight",
    )
    key_wait_minutes: int = Field(default=10, ge=1, description="an undecryptable message waits so long for its key")

    @field_validator("allow_servers", "deny_servers")
    @classmethod
    def _servers(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        """A name that no server can have would shut out, or let in, nobody."""
        if wrong := [one for one in patterns if not SERVERS.fullmatch(one)]:
            raise ValueError(f"{wrong[0]!r} is no server name; write it without a port, as evil.example or *.example")
        return patterns


class Slack(Section):
    """The bot's app in one workspace (``chatops slack manifest`` prints what to create it from).

    Tokens come from files, or from the environment under the same names without ``_file``
    (``CHATOPS_SLACK__BOT_TOKEN``).
    """

    bot_token: SecretStr | None = Field(default=None, description="from the environment only")
    bot_token_file: Path | None = Field(
        default=None, description="a file that holds the bot's token, xoxb-…; read anew when Slack refuses it"
    )
    app_token: SecretStr | None = Field(default=None, description="from the environment only")
    app_token_file: Path | None = Field(
        default=None, description="of the app-level token, xapp-…, for Socket Mode; read anew for each connection"
    )
    signing_secret: SecretStr | None = Field(default=None, description="from the environment only")
    signing_secret_file: Path | None = Field(default=None, description="of the signing secret, for HTTP")
    connect: bool = Field(default=False, description="invite people of other workspaces by Slack Connect (paid plans)")
    host: str | None = Field(default=None, description="listen here for Slack's requests; left out: Socket Mode")
    port: int = Field(default=3000, ge=0, le=65535, description="with host: the port")
    api: str = Field(default="https://slack.com/api/", description="the Web API's address; another one for tests")


MailAddress = Annotated[str, StringConstraints(pattern=r"^[!-?A-~]+@[A-Za-z0-9.-]+$", to_lower=True)]


class MailList(Section):
    """A mailing list, and its customs."""

    address: MailAddress = Field(description="where it takes mail, list@example.org")
    announce: bool = Field(default=True, description="general announcements go there; off for a private list")
    tag: str | None = Field(default=None, description="its subjects begin with it, [vs]")
    max_days: int | None = Field(default=None, ge=1, description="it keeps nothing private for longer")


class Mail(Section):
    """The mailbox that reports come to, and that people who have nothing else are written to from.

    Password and key come from files, or from the environment under the same names without ``_file``
    (``CHATOPS_MAIL__PASSWORD``).
    """

    address: MailAddress = Field(description="the bot's own address, security@example.org")
    smtp_host: str = Field(description="where mail goes out")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="587 for starttls, 465 for tls")
    smtp_tls: Literal["starttls", "tls", "none"] = Field(default="starttls", description="none: for this machine only")
    imap_host: str | None = Field(default=None, description="where the mailbox is; left out: no mail comes in")
    imap_port: int = Field(default=993, ge=1, le=65535, description="993 for tls")
    imap_tls: Literal["tls", "none"] = Field(default="tls", description="none: for this machine only")
    ca_file: Path | None = Field(default=None, description="trust these certificates, not the system's")
    mailbox: str = Field(default="INBOX", description="the folder that is read")
    poll_seconds: int = Field(default=60, ge=1, description="how often to look, whether the server told of mail or not")
    user: str | None = Field(default=None, description="the account's name; the address, if left out")
    password: SecretStr | None = Field(default=None, description="from the environment only")
    password_file: Path | None = Field(default=None, description="a file that holds the password")
    key: SecretStr | None = Field(default=None, description="from the environment only")
    key_file: Path | None = Field(default=None, description="the bot's OpenPGP key, secret and armored")
    key_password: SecretStr | None = Field(default=None, description="from the environment only")
    key_password_file: Path | None = Field(default=None, description="of the OpenPGP key")
    allow_plain: bool = Field(default=False, description="who has no OpenPGP key is written to without encryption")
    attach_mb: int = Field(default=20, ge=1, description="larger archives are linked instead, or told of")
    files_folder: Path | None = Field(
        default=None, description="they are put here, each in a folder whose name nobody can guess; list it nowhere"
    )
    files_url: str | None = Field(default=None, pattern=r"^https?://", description="where that folder is on the web")
    largest_mb: int = Field(default=40, ge=1, description="larger mail stays in the mailbox, and is told of")
    about: tuple[str, ...] = Field(
        default=(), description="words of which one is in every report for us; none: all mail is for us"
    )
    partner: MailAddress | None = Field(default=None, description="what is not about us goes there, untouched")
    lists: tuple[MailList, ...] = Field(default=(), description="see [[mail.lists]]")


class Advisories(Section):
    """Where advisories are published for people and machines, and what those who read them need to know of us."""

    folder: Path | None = Field(default=None, description="they are written here; it may be a checkout of your site")
    url: str | None = Field(default=None, pattern=r"^https?://", description="where that folder is on the web")
    namespace: str | None = Field(
        default=None, pattern=r"^https?://", description="your own address on the web; the release page's, if not set"
    )
    cna: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
        description="who assigns your CVE ids, by their UUID at CVE Services; without it no CVE record is written",
    )
    ecosystem: str | None = Field(default=None, description="where you are a package, by OSV's name: PyPI, crates.io")
    package: str | None = Field(default=None, description="the package's name there")
    attach: bool = Field(default=True, description="the files are put into public rooms with the announcement")


class Releases(Section):
    """Where releases are published: GitHub, or a plain directory of archives with SHA*SUMS files. And the directory
    where new ones are prepared in private.
    """

    host: Literal["github", "directory", "none"] | None = Field(
        default=None, description="left out: github with a [github] section, else directory where there is a folder"
    )
    folder: Path | None = Field(default=None, description="published archives, of a plain directory")
    staging: Path | None = Field(default=None, description="archives of private releases, not public")
    survey_minutes: int = Field(default=60, ge=1, description="how often the release page is read again")
    watch_hours: int = Field(default=24, ge=1, description="how often published archives are downloaded and hashed")


class GitHub(Section):
    """The project's repository on GitHub: its releases, and private vulnerability reports.

    The token comes from a file, which is read anew each time, or from ``CHATOPS_GITHUB__TOKEN``. It needs to write the
    repository's contents; to read reports, its security advisories too, and to write those to publish them.
    """

    repository: str = Field(pattern=r"^[\w.-]+/[\w.-]+$", description="owner/name")
    token: SecretStr | None = Field(default=None, description="from the environment only")
    token_file: Path | None = Field(default=None, description="a file that holds the bot's token")
    api: str = Field(default="https://api.github.com", description="of GitHub Enterprise: https://HOST/api/v3")
    tag: str = Field(default="v{version}", pattern=r"\{version\}", description="what a release's tag is called")
    drafts: bool = Field(default=True, description="prepare a draft of the release with each private release")
    advisories: bool = Field(default=False, description="the general release publishes a security advisory there, too")
    reports_minutes: int = Field(default=10, ge=0, description="how often private reports are read; 0: never")
    webhook_host: str | None = Field(
        default=None, description="listen here for its deliveries of private reports, at /github; left out: do not"
    )
    webhook_port: int = Field(default=3001, ge=0, le=65535, description="with webhook_host: the port")
    webhook_secret: SecretStr | None = Field(default=None, description="from the environment only")
    webhook_secret_file: Path | None = Field(default=None, description="of the secret that GitHub signs them with")

    @property
    def reads_reports(self) -> bool:
        """Nobody reads them without a token."""
        return self.reports_minutes > 0 and self.token is not None


class CveServices(Section):
    """The project's account at CVE Services, where it assigns CVE ids itself (as a CNA).

    The key comes from a file, which is read anew each time, or from ``CHATOPS_CVE__KEY``. Give the bot a user of its
    own there: by that user it finds a reservation whose answer was lost.
    """

    org: str = Field(pattern=r"^[A-Za-z0-9][\w.-]*$", description="the organisation's short name there")
    user: str = Field(pattern=r"^\S+$", description="the bot's user name there")
    key: SecretStr | None = Field(default=None, description="from the environment only")
    key_file: Path | None = Field(default=None, description="a file that holds that user's API key")
    publish: bool = Field(default=True, description="the general release publishes the CVE record there, too")
    api: str = Field(
        default="https://cveawg.mitre.org/api/", pattern=r"^https?://", description="their address; another for tests"
    )


class Repository(Section):
    """A checkout of the project on this machine. It is only read: what is tried is tried in a copy."""

    checkout: Path | None = Field(default=None, description="patches of a pack must apply to the branches found there")


class Person(Section):
    """Somebody on the roster from the start; at least one coordinator is needed."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$", description="as commands call them")
    addresses: tuple[str, ...] = Field(default=(), description="service:id, e.g. matrix:@maintainer:example.org")
    organisation: str | None = Field(default=None, description="whom they speak for")
    zone: str | None = Field(default=None, description="their time zone, Europe/Berlin")


class Component(Section):
    """A component that belongs to others (PMIx, a plugin), by the word that ``refer`` knows it by, in small letters."""

    name: str = Field(description="as people read it")
    contact: str = Field(description="how to reach its security people: an address, a page")
    contacts: tuple[str, ...] = Field(default=(), description="names on the roster: reports are passed on to them")


class Settings(Section):
    """All of it."""

    project: Project = Project()
    policy: Policy = Policy()
    store: Store = Store()
    matrix: Matrix | None = None
    slack: Slack | None = None
    mail: Mail | None = None
    github: GitHub | None = None
    cve: CveServices | None = None
    wording: Wording = Wording()
    advisories: Advisories = Advisories()
    releases: Releases = Releases()
    repository: Repository = Repository()
    components: Mapping[Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,39}$")], Component] = {}
    coordinators: tuple[Person, ...] = ()
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    def words(self, name: str, /, **values: Value) -> tuple[Block, ...]:
        """One of the texts of :mod:`chatops.wording` as the project words it, with its fields filled in."""
        return filled(self.wording, name, {**self.own, **values})

    @property
    def own(self) -> Mapping[str, Value]:
        """What the project is, as texts may say it."""
        return {"project": self.project.name, "release_page": link(self.project.release_page)}

    @property
    def release_host(self) -> Literal["github", "directory", "none"]:
        """Where releases are published."""
        if self.releases.host is not None:
            return self.releases.host
        if self.github is not None:
            return "github"
        return "directory" if self.releases.folder is not None else "none"

    @property
    def advises_on_github(self) -> bool:
        """Whether an advisory is one of the repository on GitHub, too."""
        return self.github is not None and self.github.advisories and self.release_host == "github"
