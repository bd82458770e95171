"""Documents for the tests of renderers: one card as people see it, and arbitrary ones that remember their user text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from hypothesis import strategies as st

from chatops.document import (
    Action,
    Block,
    Board,
    Bullets,
    Code,
    Document,
    Door,
    Fields,
    Inline,
    Link,
    Mono,
    Para,
    Plain,
    Quote,
    Step,
    Strong,
    Table,
    Tlp,
    When,
    Who,
    bullets,
    fields,
    line,
    mono,
    para,
    table,
    when,
    who,
)

RELEASE = datetime(2026, 12, 14, 14, tzinfo=UTC)
CASE = "DS-2026-7KQ4"
DIGEST = "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4"
DOWNSTREAMS = (
    ("Debian Security Team", "member", "affected"),
    ("Fedora / Red Hat Product Security", "member", "fix ready"),
    ("SUSE Linux Enterprise, openSUSE", "invited", "no answer"),
    ("Spack", "member", "not affected"),
    ("Leibniz-Rechenzentrum site administration", "declined", ""),
)
REPORT = (
    "Hello,\n\nthe token <script>alert(1)</script> is used again: when a job ends the daemon keeps the credential in "
    "memory and hands it to the next one.\n    indented line\n-- \nReporter"
)


def case_card() -> Document:
    """A card with every kind of block, five downstreams with long names among them."""
    return Document(
        title=f"{CASE} · Scheduler token used again across allocations",
        kind="case card",
        case=CASE,
        tlp=Tlp.AMBER_STRICT,
        tone="warning",
        blocks=(
            Board(
                steps=(
                    Step(name="Identification and triage", state="done"),
                    Step(name="Notification and embargo", state="under way", note="3 of 5 answered"),
                    Step(name="Private release", state="not started"),
                    Step(name="General release", state="not started"),
                )
            ),
            fields(
                ("Severity", "High · 8.1 CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H"),
                ("Owner", line(who("maintainer"))),
                ("Release date", line(when(RELEASE))),
            ),
            table(
                ("Downstream", "Consent", "Status", "Since"),
                [
                    (name, consent, status, line(when(RELEASE - timedelta(days=n), day=True)))
                    for n, (name, consent, status) in enumerate(DOWNSTREAMS)
                ],
            ),
            table(("Algorithm", "Verdict"), [("sha256", "published"), ("md5", "weak")]),
            Quote(text=REPORT),
            para(
                "The fix is in ", Link(text="the fork", url="https://git.example/fork"), ". Check with ", mono("b2sum")
            ),
            Code(text=f"{DIGEST}  dynasched-1.0.0.tar.bz2\n"),
            bullets(["Patch your own systems: yes.", "Publish a package before the date: no."]),
        ),
        actions=(
            Action(label="accept", command=f"accept {CASE}", emoji="✅", style="primary"),
            Action(label="decline", command=f"decline {CASE}", emoji="❌", style="danger"),
        ),
    )


class Made(NamedTuple):
    """A document and the user's strings in it: those shown in one line, and those shown as they are."""

    document: Document
    short: list[str]
    long: list[str]


_HOSTILE = st.sampled_from(
    (
        "<b>bold</b>",
        "</code></pre><script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "&lt;&amp;&#60;",
        "\u202emoc.live\u202c",
        "\x1b]8;;http://evil.example\x07click\x1b[2J",
        "one\nTLP:CLEAR\n✅ accept: rm -rf",
        "[bold red]markup[/]",
        "{0}{}%s",
        "]]>",
        "漢字 and e\u0301",
        "\x85\x9b31m",
    )
)
texts = st.one_of(_HOSTILE, st.text(max_size=40))


@st.composite
def documents(draw: st.DrawFn) -> Made:
    """An arbitrary document whose every text is a user's."""
    short: list[str] = []
    long: list[str] = []

    def say() -> str:
        short.append(draw(texts))
        return short[-1]

    def quote() -> str:
        long.append(draw(texts))
        return long[-1]

    def inline() -> Inline:
        match draw(st.integers(0, 6)):
            case 0:
                return Strong(text=say())
            case 1:
                return Mono(text=say())
            case 2:
                return Who(name=say())
            case 5:
                return Door(case=say())
            case 3:
                return Link(text=say(), url=draw(st.one_of(texts, st.just("https://example.org/a?b=1&c"))))
            case 4:
                return When(at=draw(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))))  # noqa: DTZ001
            case _:
                return Plain(text=say())

    def some() -> tuple[Inline, ...]:
        return tuple(inline() for _ in range(draw(st.integers(1, 2))))

    def block() -> Block:
        few = range(draw(st.integers(1, 3)))
        match draw(st.integers(0, 6)):
            case 0:
                return Bullets(items=tuple(some() for _ in few), numbered=draw(st.booleans()))
            case 1:
                return Fields(pairs=tuple((say(), some()) for _ in few))
            case 2:
                return Board(steps=tuple(Step(name=say(), state="done", note=say()) for _ in few))
            case 3:
                width = range(draw(st.integers(1, 5)))
                # Heads are the handlers' own words; they are left out beside empty cells.
                return Table(head=tuple("abcde"[: len(width)]), rows=tuple(tuple(some() for _ in width) for _ in few))
            case 4:
                return Code(text=quote())
            case 5:
                return Quote(text=quote())
            case _:
                return Para(line=some())

    document = Document(
        title=say(),
        tlp=draw(st.sampled_from(Tlp)),
        case=draw(st.sampled_from((None, CASE))),
        tone=draw(st.sampled_from(("normal", "good", "warning", "alert"))),
        blocks=tuple(block() for _ in range(draw(st.integers(0, 3)))),
        actions=tuple(
            Action(label=say(), command=say(), emoji=draw(st.sampled_from(("✅", "", "<i>"))))
            for _ in range(draw(st.integers(0, 2)))
        ),
    )
    return Made(document, short, long)
