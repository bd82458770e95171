"""From a typed line to a verb and typed arguments, by the declarations.

Clients "improve" what people type: typographic quotes, dashes and no-break blanks are undone where they are syntax;
raw text (a report) is kept as it was typed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from chatops.commands.declare import Arg, BadValue, Command, Kind, Shape
from chatops.commands.desk import Desk, Refusal
from chatops.commands.typed import nearest, short

_UNDO = str.maketrans(
    {
        **dict.fromkeys("“”„‟«»＂", '"'),
        **dict.fromkeys("‘’‚‛", "'"),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\u00a0\u2007\u202f\u2009\u3000", " "),
        **dict.fromkeys("\u200b\u200c\u200d\ufeff\u2060", None),
        "…": "...",
    }
)
# Quotes are syntax around a whole word or value only: an apostrophe inside a word is the word's own.
_TOKEN = re.compile(r"""\s*((?:[a-z][a-z-]*=)?(?:"[^"]*"|'[^']*')(?!\S)|\S+)""", re.IGNORECASE)
_OPTION = re.compile(r"([a-z][a-z-]*)=(.*)", re.DOTALL | re.IGNORECASE)  # phones begin with a capital
_OPTIONS = re.compile(r"(\[[a-z-]+=[^\]]*\] ?)+")
_CASE = re.compile(r"(?!CVE-)[A-Za-z]{1,6}-\d{4}-[0-9A-Za-z]{4}", re.IGNORECASE)


def undo(text: str) -> str:
    """Typographic quotes, dashes and blanks as a keyboard has them."""
    return text.translate(_UNDO)


def addressed(text: str, command: str, *, bare: bool) -> str | None:
    """What follows the bot's name in a message, or None if the message is not for the bot.

    ``/name``, ``//name`` (Element's bypass), ``!name``; with ``bare`` (a direct chat, the shell) no name is needed.
    """
    stripped = text.strip()
    found = re.match(rf"(?:/{{1,2}}|!){re.escape(command)}(?=\s|$)", stripped, re.IGNORECASE)
    if found:
        return stripped[found.end() :].strip()
    return stripped if bare else None


LONGEST = 120
"""A longer usage line says less than it hides."""


@dataclass(frozen=True)
class Line:
    """A line split into its verb, the case (if its first word is one) and the rest, still as typed."""

    verb: str
    case: str | None
    rest: str


def split(line: str, prefix: str = "") -> Line:
    """Read verb and case off the front of a line (without the bot's name).

    With the project's own ``prefix``, a number that is too short or too long is taken for a mistyped case, too.
    """
    verb, rest = _cut(line)
    word, after = _cut(rest)
    case = undo(word).upper()
    if _CASE.fullmatch(case) or (prefix and re.fullmatch(rf"{prefix}-\d+-[0-9A-Z]+", case)):
        return Line(undo(verb).casefold(), case, after)
    return Line(undo(verb).casefold(), None, rest)


def _cut(text: str) -> tuple[str, str]:
    found = re.match(r"\s*(\S+)", text)
    if not found:
        return "", ""
    return found[1], text[found.end() :].lstrip(" \t\u00a0")


def _unquote(token: str) -> str:
    quoted = len(token) > 1 and token[0] == token[-1] and token[0] in "\"'"
    return token[1:-1] if quoted else token


def read_arguments(command: Command, rest: str, desk: Desk) -> Any:
    """The command's arguments from the rest of the line. Raises :class:`Refusal` with one line and the usage."""
    try:
        return command.args(**_values(command, rest, desk))
    except BadValue as bad:
        raise Refusal(with_usage(bad, command, rest, desk)) from None


class TooMany(BadValue):
    """Words that no argument takes; ``words`` is all that was typed from the first of them on."""

    def __init__(self, words: str) -> None:
        super().__init__(f'"{short(_unquote(_TOKEN.findall(words)[0]))}" is one word too many')
        self.words = words


def with_usage(bad: BadValue, command: Command, rest: str, desk: Desk) -> str:
    """What was wrong, and how the command is typed; or that an option's words need quotes, if it is given without."""
    end = "" if str(bad).endswith("?") else "."
    return f"{bad}{end} {_unquoted(bad, command, rest, desk) or _reasoned(bad, command, rest) or brief(command)}"


def brief(command: Command) -> str:
    """How a command is typed, as the end of a line. Where it has many options, they are told elsewhere."""
    if len(command.usage) <= LONGEST:
        return f"Usage: {command.usage}"
    return f"Usage: {_OPTIONS.sub('[OPTION=…] ', command.usage)} (options: help {command.verb})"


def _unquoted(bad: BadValue, command: Command, rest: str, desk: Desk) -> str | None:
    """Of ``reason=slow builds`` only the first word is the reason, which is seldom meant: where it is the word after it
    that is wrong.
    """
    options = {arg.name.replace("_", "-"): arg for arg in command.arguments if arg.shape is Shape.OPTION}
    tokens = [found[1] for found in _TOKEN.finditer(undo(rest))]
    for index, (token, after) in enumerate(pairwise(tokens)):
        named = _OPTION.fullmatch(token)
        if named is None or named[1].casefold() not in options or _unquote(named[2]) != named[2]:
            continue
        if named[2][:1] == '"':
            if after in str(bad):
                return "T" + _unclosed(named[1], " ".join(tokens[index:]))[1:]
            continue
        kind = options[named[1].casefold()].kind
        wrong = f'"{short(named[2])}"' in str(bad)
        if wrong or after in str(bad):
            phrases = [" ".join((named[2], *tokens[index + 1 : end])) for end in range(index + 2, index + 8)]
            good = [phrase for phrase in phrases if _reads(kind, phrase, desk)]  # none: it takes one word only
            if good:
                return f'Several words need quotes: {named[1]}="{good[-1] if wrong else f"{short(named[2])} …"}"'
    return None


def _reads(kind: Kind, phrase: str, desk: Desk) -> bool:
    try:
        kind.read(phrase, desk)
    except BadValue:
        return False
    return True


_BECAUSE = re.compile(r"\b(?:because|since|due to)\b.*", re.DOTALL | re.IGNORECASE)


def _reasoned(bad: BadValue, command: Command, rest: str) -> str | None:
    """Where a command takes a reason as an option, words that it cannot read otherwise are most likely that."""
    if all(arg.name != "reason" or arg.shape is not Shape.OPTION for arg in command.arguments) or "reason=" in rest:
        return None
    because = _BECAUSE.search(undo(rest))
    words = bad.words if isinstance(bad, TooMany) else because[0] if because else None
    return f'A reason is written reason="{short(words.strip())}"' if words else None


def _values(command: Command, rest: str, desk: Desk) -> dict[str, Any]:
    declared = command.arguments
    options = {arg.name.replace("_", "-"): arg for arg in declared if arg.shape is Shape.OPTION}
    places = [arg for arg in declared if arg.shape is Shape.POSITIONAL]
    tail = next((arg for arg in declared if arg.shape in (Shape.WORDS, Shape.RAW)), None)
    values: dict[str, Any] = {}
    words: list[str] = []
    position = 0
    plain = undo(rest)
    # Undoing can drop characters, so raw text is cut from the original by counting what was read.
    while (found := _TOKEN.match(plain, position)) is not None:
        token = found[1]
        named = _OPTION.fullmatch(token)
        if named and (named[1].casefold() in options or (tail is None and not places)):
            arg = _option(named[1].casefold(), options, command)
            if arg.name in values:
                raise BadValue(f"{arg.name} is given twice")
            given = _unquote(named[2])
            if given[:1] == '"':  # and never closed: where text follows, that text is not lost for it
                if tail is None or tail.shape is not Shape.RAW:
                    raise BadValue(_unclosed(named[1], plain[found.start(1) :]))
                given = given.strip('"')
            values[arg.name] = arg.kind.read(given, desk)
        elif places:
            arg = places.pop(0)
            values[arg.name] = arg.kind.read(_unquote(token), desk)
        elif tail is None:
            raise TooMany(plain[found.start(1) :])
        elif tail.shape is Shape.RAW:
            _mistyped(token, named, options)
            break
        else:
            _mistyped(token, named, options)
            words.append(_unquote(token))
        position = found.end()
    if tail is not None:
        _read_tail(tail, words, _as_typed(rest, plain, position).strip(), values, desk)
    for arg in declared:
        if arg.required and arg.name not in values:
            raise BadValue(f"{arg.kind.name} is missing ({arg.help})")
    return values


class BadFields(BadValue):
    """What is wrong with a filled form, by field. As text: the first of it."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(next(iter(fields.values())))
        self.fields = fields


def read_fields(command: Command, typed: str, fields: Mapping[str, str], desk: Desk) -> Any:
    """The command's arguments from a form. ``typed`` is what stood behind the verb when it was opened; those come
    first. Raises :class:`BadFields` with all that is wrong.
    """
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    given = dict(zip((arg.name for arg in command.arguments), typed.split(), strict=False)) | dict(fields)
    for arg in command.arguments:
        text = given.get(arg.name, "").strip()
        try:
            if not text:
                if arg.required:
                    raise BadValue(f"{arg.kind.name} is missing ({arg.help})")
            elif arg.many:
                values[arg.name] = tuple(arg.kind.read(word, desk) for word in re.split(r"[,\s]+", text) if word)
            else:
                one_line = arg.shape in (Shape.POSITIONAL, Shape.WORDS)
                values[arg.name] = arg.kind.read(" ".join(text.split()) if one_line else text, desk)
        except BadValue as bad:
            wrong[arg.name] = str(bad)
    if wrong:
        raise BadFields(wrong)
    return command.args(**values)


def _read_tail(tail: Arg, words: Sequence[str], typed: str, values: dict[str, Any], desk: Desk) -> None:
    if tail.shape is Shape.RAW:
        if typed:
            values[tail.name] = tail.kind.read(typed, desk)
    elif tail.many:
        # "arch,debian" is two; what was quoted and has blanks is one.
        parts = [part for word in words for part in ([word] if " " in word else word.split(",")) if part]
        if parts:
            values[tail.name] = tuple(tail.kind.read(part, desk) for part in parts)
    elif words:
        values[tail.name] = tail.kind.read(" ".join(words), desk)


def _option(name: str, options: dict[str, Arg], command: Command) -> Arg:
    if name in options:
        return options[name]
    near = nearest(name, options)
    hint = f"did you mean {near}=?" if near else f"{command.verb} knows {', '.join(f'{o}=' for o in options) or 'none'}"
    raise BadValue(f"no option {short(name)}=; {hint}")


def _unclosed(name: str, typed: str) -> str:
    words = " ".join(typed.partition("=")[2].replace('"', "").split())
    return f'the quote after {name}= is not closed: {name}="{short(words)}"'


def _mistyped(token: str, named: re.Match[str] | None, options: dict[str, Arg]) -> None:
    """``severty=CVSS…`` among words is a mistyped option, not a part of the text."""
    if named and options and (near := nearest(named[1], options)):
        raise BadValue(f"no option {short(named[1])}=; did you mean {near}=?")


def _as_typed(rest: str, plain: str, position: int) -> str:
    """The part of ``rest`` that corresponds to ``plain[position:]``."""
    if len(rest) == len(plain):
        return rest[position:]
    done = 0
    for index, character in enumerate(rest):
        if done >= position:
            return rest[index:]
        done += len(undo(character))
    return ""
