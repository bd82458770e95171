"""``chatops verify`` in a shell: stands in for ``sha1sum``, ``sha256sum``, … ``b2sum``, and is several times as fast.

With ``-c`` it reads check files as ``lines`` says, hashes the files that they name on all processors, and prints and
exits as the tool of the given algorithm does ("md5sum invocation" in coreutils' manual, measured against 9.1);
without, it prints check lines. Without ``--algorithm`` each check line's own tag or digest length decides.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO, Final, TextIO

from chatops.checksums.check_options import USAGE, Loudness, Options, UsageError, read_options
from chatops.checksums.digests import BLAKE2B_BYTES, CHUNK, Algorithm, Hasher, hash_file
from chatops.checksums.lines import CheckLine, CheckLineReader, Improper, bsd_line, escape, gnu_line

PROGRAM: Final = "chatops verify"
Judge = Callable[[CheckLine], str | None]
"""Judges a check line beyond its file (``--published``): ``None`` for nothing to object, or a phrase to print."""


class NotJudged(Exception):
    """There is nothing to hold lines against; the message is for the user."""


def run(
    argv: Sequence[str],
    stdin: BinaryIO,
    stdout: BinaryIO,
    stderr: TextIO,
    *,
    published: Callable[[str | None], Judge] | None = None,
) -> int:
    """Do what ``chatops verify`` was told to; the exit status is coreutils': 0, or 1 for any failure.

    ``published`` makes, for ``--published``, the judge that is asked about every well-formed line (of the configuration
    that ``--config`` names); what it says is printed and fails the check. It may raise NotJudged. Names pass through as
    bytes, so ``stdin`` and ``stdout`` are binary; nothing is raised for files that cannot be read.
    """
    judge: Judge | None = None
    try:
        options = read_options(argv)
        if options.published and published is not None:
            judge = published(options.config)
    except NotJudged as problem:
        stderr.write(f"{PROGRAM}: {problem}\n")
        return 1
    except UsageError as error:
        stderr.write(f"{PROGRAM}: {error}\nTry '{PROGRAM} --help' for more information.\n")
        return 1
    if options.help:
        stdout.write(USAGE.encode())
        return 0
    files = options.files or ["-"]
    succeeded = True
    if options.check:
        with _Hashing(stdin) as hashing:
            checker = _Checker(options, hashing, stdin, stdout, stderr, judge)
            for file in files:
                succeeded &= checker.check(file)
    else:
        succeeded = _print_lines(options, files, stdin, stdout, stderr)
    return 0 if succeeded else 1


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What hashing a named file gave: whether it matched, or the error that kept it from being read."""

    matched: bool = False
    error: OSError | None = None


class _Hashing:
    """Hashes regular files on all processors; what can be read only once and in order, at once and in order."""

    def __init__(self, stdin: BinaryIO) -> None:
        self._stdin = stdin
        workers = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="hash")
        self.look_ahead = 4 * workers
        """How many lines to read ahead of the one that is printed: enough to keep all busy, in constant memory."""

    def __enter__(self) -> _Hashing:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def submit(self, line: CheckLine) -> Future[_Outcome]:
        path = _path(line.name)
        if line.name != "-" and _is_regular(path):
            return self._pool.submit(_compare, line, path, self._stdin)
        done: Future[_Outcome] = Future()
        done.set_result(_compare(line, path, self._stdin))
        return done


def _compare(line: CheckLine, path: bytes, stdin: BinaryIO) -> _Outcome:
    blake2b_bytes = len(line.digest) // 2
    try:
        if line.name == "-":
            digests = _hash_stream(stdin, line.algorithms, blake2b_bytes)
        else:
            digests = hash_file(path, line.algorithms, blake2b_bytes=blake2b_bytes)
    except OSError as error:
        return _Outcome(error=error)
    return _Outcome(line.digest in digests.values())


def _hash_stream(
    stream: BinaryIO, algorithms: Iterable[Algorithm], blake2b_bytes: int = BLAKE2B_BYTES
) -> dict[Algorithm, str]:
    hasher = Hasher(algorithms, blake2b_bytes=blake2b_bytes)
    while chunk := stream.read(CHUNK):
        hasher.update(chunk)
    return hasher.digests()


def _is_regular(path: bytes) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def _path(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


@dataclass(slots=True)
class _Tally:
    proper: int = 0
    improper: int = 0
    matched: int = 0
    mismatched: int = 0
    unreadable: int = 0
    objected: int = 0


class _Checker:
    """Checks files of check lines; one for a run, since the form of untagged lines holds from file to file."""

    def __init__(
        self,
        options: Options,
        hashing: _Hashing,
        stdin: BinaryIO,
        stdout: BinaryIO,
        stderr: TextIO,
        judge: Judge | None,
    ) -> None:
        self._options = options
        self._hashing = hashing
        self._stdin = stdin
        self._stdout = stdout
        self._stderr = stderr
        self._judge = judge
        self._reader = CheckLineReader(options.algorithm)
        self._digest_name = options.algorithm.tag + " " if options.algorithm else ""

    def check(self, file: str) -> bool:
        """Check what one file (``-``: standard input) lists; whether all is well."""
        tally = _Tally()
        shown = "'standard input'" if file == "-" else file
        try:
            self._check_lines(_lines_of(file, self._stdin), file == "-", shown, tally)
        except _UnreadableError as error:
            self._complain(f"{shown}: {error}")
            return False
        self._summarise(shown, tally)
        return bool(
            tally.matched
            and not (tally.mismatched or tally.unreadable or tally.objected)
            and not (self._options.strict and tally.improper)
        )

    def _check_lines(self, lines: Iterable[bytes], from_stdin: bool, shown: str, tally: _Tally) -> None:
        waiting: deque[tuple[CheckLine, Future[_Outcome]]] = deque()
        for number, raw in enumerate(lines, 1):
            line = self._reader.read(raw.decode("utf-8", "surrogateescape"))
            if line is None:
                continue
            if isinstance(line, Improper) or (from_stdin and line.name == "-"):
                tally.improper += 1
                if self._options.loudness is Loudness.WARN:
                    self._complain(f"{shown}: {number}: improperly formatted {self._digest_name}checksum line")
                continue
            tally.proper += 1
            waiting.append((line, self._hashing.submit(line)))
            if len(waiting) > self._hashing.look_ahead:
                self._report(*waiting.popleft(), tally)
        while waiting:
            self._report(*waiting.popleft(), tally)

    def _report(self, line: CheckLine, hashed: Future[_Outcome], tally: _Tally) -> None:
        outcome = hashed.result()
        if outcome.error is None:
            tally.matched += outcome.matched
            tally.mismatched += not outcome.matched
            if not outcome.matched:
                self._print(line, "FAILED")
            elif self._options.loudness is not Loudness.QUIET:
                self._print(line, "OK")
        elif not (self._options.ignore_missing and outcome.error.errno == errno.ENOENT):
            tally.unreadable += 1
            self._complain(f"{line.name}: {outcome.error.strerror}")
            self._print(line, "FAILED open or read")
        if self._judge and (objection := self._judge(line)):
            tally.objected += 1
            self._print(line, objection)

    def _print(self, line: CheckLine, result: str) -> None:
        if self._options.loudness is not Loudness.STATUS:
            # As coreutils does: here, unlike in check lines, a name without a newline is printed as it is.
            mark, name = escape(line.name) if "\n" in line.name else ("", line.name)
            self._stdout.write(_path(f"{mark}{name}: {result}\n"))

    def _summarise(self, shown: str, tally: _Tally) -> None:
        if not tally.proper:
            self._complain(f"{shown}: no properly formatted {self._digest_name}checksum lines found")
        elif self._options.loudness is not Loudness.STATUS:
            for count, one, several in (
                (tally.improper, "line is improperly formatted", "lines are improperly formatted"),
                (tally.unreadable, "listed file could not be read", "listed files could not be read"),
                (tally.mismatched, "computed checksum did NOT match", "computed checksums did NOT match"),
            ):
                if count:
                    self._complain(f"WARNING: {count} {one if count == 1 else several}")
            if self._options.ignore_missing and not tally.matched:
                self._complain(f"{shown}: no file was verified")

    def _complain(self, what: str) -> None:
        _complain(self._stderr, what)


def _print_lines(options: Options, files: Sequence[str], stdin: BinaryIO, stdout: BinaryIO, stderr: TextIO) -> bool:
    algorithm = options.algorithm or Algorithm.SHA256
    succeeded = True
    for file in files:
        try:
            if file == "-":
                digest = _hash_stream(stdin, (algorithm,))[algorithm]
            else:
                digest = hash_file(os.fsencode(file), (algorithm,))[algorithm]
        except OSError as error:
            _complain(stderr, f"{file}: {error.strerror}")
            succeeded = False
            continue
        line = bsd_line(algorithm, digest, file) if options.tag else gnu_line(digest, file, binary=bool(options.binary))
        stdout.write(_path(line + "\n"))
    return succeeded


class _UnreadableError(Exception):
    pass


def _lines_of(file: str, stdin: BinaryIO) -> Iterator[bytes]:
    try:
        if file == "-":
            yield from stdin
        else:
            with open(os.fsencode(file), "rb") as opened:
                yield from opened
    except OSError as error:
        raise _UnreadableError(error.strerror) from error


def _complain(stderr: TextIO, what: str) -> None:
    # A name may hold control characters and bytes that are not text; a terminal must see neither.
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in what)
    stderr.write(f"{PROGRAM}: {shown}\n")
