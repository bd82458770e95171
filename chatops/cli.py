"""The command line: ``chatops run``, ``demo``, ``shell``, and what operators need (``chatops --help``)."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chatops import logs
from chatops.config import BadConfiguration, Settings
from chatops.loading import load

if TYPE_CHECKING:
    from chatops.checksums.check import Judge

CONFIG = Path("chatops.toml")

_PEERS: Mapping[str, str] = {
    "github": "with the releases on GitHub (emulated)",
    "slack": "with some of the people on Slack (emulated)",
    "mail": "with a packager who has only mail, and a mailing list (servers on this machine)",
}
"""What the demo can have beside the homeserver, by option."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. 0: well; 1: it failed, with one line why; 2: called wrongly."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["verify"]:
        # Its options are coreutils', so it reads them itself.
        from chatops.checksums.check import run

        return run(words[1:], sys.stdin.buffer, sys.stdout.buffer, sys.stderr, published=_published)
    options = _parser().parse_args(words)
    sys.excepthook = logs.unexpected
    try:
        return int(options.run(options))
    except BadConfiguration as bad:
        print(f"chatops: {bad}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="chatops", description="Coordinated vulnerability disclosure, in your chat rooms."
    )
    parser.add_argument("--config", type=Path, help="the configuration file (default: chatops.toml, if it is there)")
    common = argparse.ArgumentParser(add_help=False)  # taken before the verb and after it
    common.add_argument("--config", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    one = verbs.add_parser("run", parents=[common], help="run the bot until SIGTERM")
    one.set_defaults(run=_run)
    one = verbs.add_parser("shell", parents=[common], help="type commands here; from a pipe: one a line")
    one.add_argument("--as", dest="name", required=True, help="who you are on the roster")
    one.set_defaults(run=_shell)
    one = verbs.add_parser("contacts", parents=[common], help="bring the roster in from a file, or write it to one")
    one.add_argument("action", choices=("import", "export"))
    one.add_argument("file", type=Path, metavar="FILE", help="what is called .yaml or .yml is YAML, else it is CSV")
    one.add_argument("--as", dest="name", help="import: who you are on the roster")
    one.add_argument("--dry-run", action="store_true", help="import: only show what would change")
    one.set_defaults(run=_contacts)
    one = verbs.add_parser("demo", help="a whole disclosure on a real Matrix homeserver, in a fresh folder")
    one.add_argument("--once", action="store_true", help="end when it is over, also on a terminal")
    one.add_argument("--folder", type=Path, help="where to keep it (default: a temporary folder)")
    for peer, words in _PEERS.items():
        one.add_argument(f"--{peer}", action="append_const", dest="peers", const=peer, help=words)
    one.set_defaults(run=_demo, peers=[])
    verbs.add_parser("verify", help="check or print checksums, with sha1sum's options", add_help=False)
    one = verbs.add_parser("slack", parents=[common], help="print the manifest to create the Slack app from")
    one.add_argument("action", choices=("manifest",))
    one.add_argument("--url", help="the bot's public address, for HTTP; left out: Socket Mode")
    one.set_defaults(run=_slack)
    one = verbs.add_parser("matrix", parents=[common], help="other people's Matrix devices: list, trust, distrust")
    actions = one.add_subparsers(required=True, metavar="ACTION")
    two = actions.add_parser("devices", parents=[common], help="their keys, to compare, and whether you trust them")
    two.add_argument("user", metavar="USER", nargs="?", help="one account, @name:server (default: all)")
    two.set_defaults(run=_matrix, action="devices")
    for action, told in (("trust", "the key is its owner's: it may read"), ("distrust", "it reads nothing more")):
        two = actions.add_parser(action, parents=[common], help=told)
        two.add_argument("user", metavar="USER", help="@name:server")
        two.add_argument("device", metavar="DEVICE", help="its id, as listed")
        two.set_defaults(run=_matrix, action=action)
    one = verbs.add_parser("wording", parents=[common], help="the texts that people outside the team read; see one")
    one.add_argument("name", metavar="NAME", nargs="?", help="one of them, filled in for an example case")
    one.set_defaults(run=_wording)
    one = verbs.add_parser("db", parents=[common], help="the database's schema")
    one.add_argument("action", choices=("upgrade", "check"))
    one.set_defaults(run=_db)
    one = verbs.add_parser("journal", parents=[common], help="the journal: find edits, gaps and cuts; export a chain")
    one.add_argument("action", choices=("verify", "export"))
    one.add_argument("file", type=Path, nargs="?", help="verify: an export, instead of the bot's own database")
    one.add_argument("--chain", help="a case, or 'installation' (default: all)")
    one.add_argument("--anchors", type=Path, help="verify: heads kept elsewhere, as an export or the log has them")
    one.set_defaults(run=_journal)
    one = verbs.add_parser("export", parents=[common], help="write a closed case to an archive")
    one.add_argument("case", metavar="CASE")
    one.add_argument("file", type=Path, metavar="FILE", help="a .tar.gz that is not there yet")
    one.set_defaults(run=_export)
    return parser


def _published(config: str | None) -> Judge:
    """For ``verify --published``. Raises NotJudged."""
    from chatops.checksums.check import NotJudged
    from chatops.service.published import judge_for

    try:
        return judge_for(load(Path(config) if config else CONFIG if CONFIG.exists() else None))
    except BadConfiguration as bad:
        raise NotJudged(str(bad)) from None


def _settings(options: argparse.Namespace, *, quiet: bool = False) -> Settings:
    path = options.config or (CONFIG if CONFIG.exists() else None)
    settings = load(path)
    logs.set_up("ERROR" if quiet else settings.log_level)
    return settings


# --- run -----------------------------------------------------------------------------------------------------------


def _run(options: argparse.Namespace) -> int:
    return asyncio.run(_serve(_settings(options)))


async def _serve(settings: Settings) -> int:
    from chatops import bootstrap

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    try:
        bot = bootstrap.bot(settings)
        await bot.start()
    except Exception as error:
        return _cannot_start(error)
    print("ready", flush=True)
    await stopping.wait()
    await bot.stop()
    return 0


def _cannot_start(error: Exception) -> int:
    from chatops import bootstrap

    why = bootstrap.explain(error)
    if why is None:
        raise error
    print(f"chatops: {why}", file=sys.stderr)
    return 1


# --- shell and demo ------------------------------------------------------------------------------------------------


def _shell(options: argparse.Namespace) -> int:
    from chatops import bootstrap

    try:
        return asyncio.run(bootstrap.talk(_settings(options, quiet=True), options.name))
    except BadConfiguration:
        raise
    except Exception as error:
        return _cannot_start(error)


def _contacts(options: argparse.Namespace) -> int:
    form = "yaml" if options.file.suffix in (".yaml", ".yml") else "csv"
    if options.action == "export":
        return _contacts_export(options, form)
    if options.name is None:
        print("chatops: who are you? Add --as NAME, a coordinator's name on the roster", file=sys.stderr)
        return 2
    try:
        text = options.file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8"
        print(f"chatops: {options.file} cannot be read: {why}", file=sys.stderr)
        return 1
    from chatops import bootstrap

    command = f"contacts import {form} {'dry-run=yes ' if options.dry_run else ''}```\n{text}\n```"
    try:
        return asyncio.run(bootstrap.talk(_settings(options, quiet=True), options.name, command))
    except BadConfiguration:
        raise
    except Exception as error:
        return _cannot_start(error)


def _contacts_export(options: argparse.Namespace, form: str) -> int:
    from sqlmodel import Session

    from chatops.commands.contacts import exported
    from chatops.model.book import Book
    from chatops.service.engines import read_engine

    with Session(read_engine(_settings(options).store.database, connections=1)) as session:
        text = exported(Book(session), form)
    try:
        _write_new(options.file, text.encode())
    except OSError as problem:
        why = "is there already; name another file" if isinstance(problem, FileExistsError) else problem.strerror
        print(f"chatops: {options.file} {why}", file=sys.stderr)
        return 1
    print(f"the roster: written to {options.file}")
    return 0


def _write_new(path: Path, content: bytes) -> None:
    """A file for its owner's eyes only. Raises OSError; FileExistsError if it is there already."""
    with open(path, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
        out.write(content)


def _demo(options: argparse.Namespace) -> int:
    from chatops import bootstrap

    logs.set_up("ERROR")
    stay = sys.stdout.isatty() and not options.once
    try:
        return asyncio.run(bootstrap.play(options.folder, options.peers, stay=stay))
    except ModuleNotFoundError as missing:
        print(f"chatops: the demo needs {missing.name}; install chatops[demo]", file=sys.stderr)
        return 1


def _slack(options: argparse.Namespace) -> int:
    from chatops import bootstrap

    print(json.dumps(bootstrap.slack_manifest(_settings(options, quiet=True), options.url), indent=2))
    return 0


def _matrix(options: argparse.Namespace) -> int:
    from chatops import bootstrap

    settings = _settings(options, quiet=True)
    try:
        if options.action == "devices":
            lines = bootstrap.matrix_devices(settings, options.user)
        else:
            trusted = options.action == "trust"
            lines = bootstrap.matrix_mark(settings, options.user, options.device, trusted=trusted)
    except Exception as error:
        return _cannot_start(error)
    print("\n".join(lines))
    return 0


def _wording(options: argparse.Namespace) -> int:
    from chatops.preview import NoText, overview, preview

    settings = _settings(options, quiet=True)
    try:
        print(overview(settings) if options.name is None else preview(settings, options.name))
    except NoText as no:
        print(f"chatops: {no}", file=sys.stderr)
        return 2
    return 0


# --- db and journal ------------------------------------------------------------------------------------------------


def _db(options: argparse.Namespace) -> int:
    from chatops.service import schema
    from chatops.service.schema import NewerSchema
    from chatops.service.store import Locked, Store

    settings = _settings(options)
    settings.store.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        if options.action == "upgrade":
            with Store(settings.store.database):
                schema.upgrade(settings.store.database)
            print("the schema is up to date")
            return 0
        found = schema.check(settings.store.database)
    except (NewerSchema, Locked) as error:
        print(f"chatops: {error}", file=sys.stderr)
        return 1
    for difference in found:
        print(difference)
    print("the schema is as it should be" if not found else "run: chatops db upgrade")
    return 1 if found else 0


def _journal(options: argparse.Namespace) -> int:
    from sqlmodel import Session

    from chatops.model import journal
    from chatops.service.engines import read_engine

    if options.file is not None:
        return _journal_file(options)
    settings = _settings(options)
    with Session(read_engine(settings.store.database, connections=1)) as session:
        if options.action == "export":
            for entry in journal.entries(session, options.chain):
                print(json.dumps(journal.exported(entry), ensure_ascii=False))
            print(json.dumps({"anchor": journal.heads(session)}, sort_keys=True))
            return 0
        faults = journal.verify(session, _anchors(options.anchors) if options.anchors else None)
        faults += journal.differences(session)
        if options.chain:
            faults = [fault for fault in faults if fault.chain == options.chain]
        for fault in faults:
            print(f"{fault.chain} {fault.seq}: {fault.problem}")
        heads = journal.heads(session)
    print(
        f"{len(heads)} chains, {sum(int(head[0]) for head in heads.values())} entries: "
        + ("FAULTS" if faults else "good")
    )
    return 1 if faults else 0


def _journal_file(options: argparse.Namespace) -> int:
    """Check an export; neither the bot's configuration nor its database is needed."""
    from chatops.model.exports import NoExport, verify_export

    if options.action != "verify" or options.chain:
        print("chatops: a file can only be verified, as a whole: chatops journal verify FILE", file=sys.stderr)
        return 2
    try:
        faults, heads = verify_export(options.file, _anchors(options.anchors) if options.anchors else None)
    except (NoExport, OSError) as problem:
        print(f"chatops: {problem}", file=sys.stderr)
        return 1
    for fault in faults:
        print(f"{fault.chain} {fault.seq}: {fault.problem}")
    for chain, (seq, digest) in heads.items():
        print(f"{chain}: {seq} entries, head {digest}: " + ("FAULTS" if faults else "good"))
    return 1 if faults else 0


def _export(options: argparse.Namespace) -> int:
    from sqlmodel import Session

    from chatops.commands.desk import Refusal
    from chatops.commands.export import archive
    from chatops.model.book import Book
    from chatops.service.engines import read_engine

    settings = _settings(options)
    with Session(read_engine(settings.store.database, connections=1)) as session:
        book = Book(session)
        file = book.case(options.case.upper())
        try:
            if file is None:
                raise Refusal(f"no case {options.case}")
            content = archive(book, file, settings.project.command)
            _write_new(options.file, content)
        except FileExistsError:
            print(f"chatops: {options.file} is there already; name another file", file=sys.stderr)
            return 1
        except (Refusal, OSError) as problem:
            print(f"chatops: {problem}", file=sys.stderr)
            return 1
    print(f"{file.id}: written to {options.file}; check it with: chatops journal verify {options.file}")
    return 0


def _anchors(path: Path) -> dict[str, list[object]]:
    """The last anchor in a file: the last line that holds JSON with heads, as exports and logs have it."""
    for text in reversed(path.read_text(encoding="utf-8").splitlines()):
        start = text.find("{")
        if start < 0:
            continue
        try:
            told = json.loads(text[start:])
        except ValueError:
            continue
        return dict(told.get("anchor", told))
    raise BadConfiguration(f"{path}: no anchor in it")


if __name__ == "__main__":
    raise SystemExit(main())
