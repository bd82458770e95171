"""The options of ``chatops verify``: coreutils' own, read as getopt_long reads them, and ``--algorithm``."""

from __future__ import annotations

import getopt
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from chatops.checksums.digests import Algorithm

USAGE: Final = """\
Usage: chatops verify [-a ALGORITHM] [--tag] [FILE]...
  or:  chatops verify -c [-a ALGORITHM] [OPTION]... [FILE]...
Print checksum lines, or check those in FILEs. With no FILE, or when FILE is -, read standard input.

  -a, --algorithm=NAME  md5, sha1, sha224, sha256, sha384, sha512 or blake2b; when printing, sha256 unless given,
                        when checking, what each line says or its length
  -b, --binary; -t, --text   mark the line as of a binary or a text file; nothing else changes
  -c, --check           read check lines from the FILEs and check the files they name
      --tag             print BSD-style lines

Only with -c:
      --ignore-missing  pass over missing files
      --published       fail for what the project did not publish, or removed as vulnerable, too
      --config=FILE     with --published: the bot's configuration (default: chatops.toml)
      --quiet           no OK for each file that matches
      --status          print nothing: the exit status tells
      --strict          fail for improper lines, too
  -w, --warn            say which lines are improper
"""
_LONG: Final = (
    *("algorithm=", "binary", "check", "config=", "help", "ignore-missing", "published", "quiet"),
    *("status", "strict", "tag", "text", "warn"),
)


class Loudness(Enum):
    """How much a check prints; of the options that set it the last wins."""

    NORMAL = "normal"
    QUIET = "quiet"
    STATUS = "status"
    WARN = "warn"


class UsageError(Exception):
    """The options do not make sense; the message is for the user."""


@dataclass(slots=True)
class Options:
    """What was asked for; ``binary`` is ``None`` where neither ``--binary`` nor ``--text`` was given."""

    algorithm: Algorithm | None = None
    check: bool = False
    ignore_missing: bool = False
    loudness: Loudness = Loudness.NORMAL
    strict: bool = False
    tag: bool = False
    binary: bool | None = None
    published: bool = False
    config: str | None = None
    help: bool = False
    files: list[str] = field(default_factory=list)

    def reject_contradictions(self) -> None:
        """Refuse what coreutils refuses.

        Raises:
            UsageError: options that exclude each other, or that mean nothing without ``--check``.
        """
        if self.check and self.tag:
            raise UsageError("the --tag option is meaningless when verifying checksums")
        if self.check and self.binary is not None:
            raise UsageError("the --binary and --text options are meaningless when verifying checksums")
        if self.tag and self.binary is False:
            raise UsageError("--tag does not support --text mode")
        if not self.check:
            for name, given in (
                ("ignore-missing", self.ignore_missing),
                (self.loudness.value, self.loudness is not Loudness.NORMAL),
                ("strict", self.strict),
                ("published", self.published),
            ):
                if given:
                    raise UsageError(f"the --{name} option is meaningful only when verifying checksums")


def read_options(argv: Sequence[str]) -> Options:
    """Read the arguments after ``verify``; options and files may be mixed, long ones shortened.

    Raises:
        UsageError: an unknown option or algorithm, or a contradiction.
    """
    try:
        pairs, files = getopt.gnu_getopt(list(argv), "a:bctw", _LONG)
    except getopt.GetoptError as error:
        raise UsageError(str(error)) from None
    options = Options(files=files)
    for option, value in pairs:
        match option:
            case "-a" | "--algorithm":
                options.algorithm = _algorithm(value)
            case "-b" | "--binary" | "-t" | "--text":
                options.binary = option in ("-b", "--binary")
            case "-c" | "--check":
                options.check = True
            case "--published":
                options.published = True
            case "--config":
                options.config = value
            case "--help":
                options.help = True
            case "-w" | "--warn" | "--quiet" | "--status":
                options.loudness = Loudness(option.lstrip("-") if option != "-w" else "warn")
            case "--ignore-missing":
                options.ignore_missing = True
            case "--strict":
                options.strict = True
            case "--tag":
                options.tag = True
    options.reject_contradictions()
    return options


def _algorithm(name: str) -> Algorithm:
    try:
        return Algorithm("blake2b" if name in ("b2", "b2sum") else name.lower().removesuffix("sum"))
    except ValueError:
        raise UsageError(f"unknown algorithm {name!r}: one of {', '.join(Algorithm)}") from None
