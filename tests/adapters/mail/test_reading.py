"""What a message is taken for: whose it is, what it says, whether a machine wrote it; whatever its bytes are."""

from __future__ import annotations

import asyncio
import base64
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.mail.pgp import Keychain
from adapters.mail.reading import Read, Reader
from adapters.mail.settings import MailSettings
from adapters.mail.tokens import LABEL, Tokens
from adapters.stage.letters import BOT, bounce, key, plain, public, reply, sealed, signed
from chatops.ports import Automatic, Bounced, Letter
from tests.adapters.mail.conftest import Roster

DEBIAN = "debian@example.org"
TOKENS = Tokens(b"secret")
EFFECT = "0123456789abcdef0123456789abcdef"


def reader(roster: Roster | None = None) -> Reader:
    box = MailSettings(project="DynaSched", address=BOT, smtp_host="x")
    return Reader(box, Keychain(str(key("security"))), roster or Roster(), TOKENS)


async def read(raw: bytes | EmailMessage, roster: Roster | None = None) -> Read:
    return await reader(roster).read(raw if isinstance(raw, bytes) else raw.as_bytes(), "1.101")


async def letter(raw: bytes | EmailMessage, roster: Roster | None = None) -> Letter:
    event = (await read(raw, roster)).event
    assert isinstance(event, Letter)
    return event


@pytest.fixture
def known() -> Roster:
    roster = Roster()
    roster.keys[DEBIAN] = public("debian")
    return roster


def sent() -> EmailMessage:
    made = EmailMessage()
    made["Subject"], made["Message-ID"] = "[DynaSched] DS-2026-7KQ4: question", f"<{EFFECT}@dynasched.example>"
    return made


async def test_a_letter_is_kept_whole_and_what_is_quoted_is_left_out() -> None:
    message = reply("Debian <Debian@Example.org>", "accept", sent(), "Will you keep it private?")
    found = await letter(message)
    assert (found.sender, found.text, found.subject) == (DEBIAN, "accept", "Re: [DynaSched] DS-2026-7KQ4: question")
    assert base64.b64decode(found.original) == message.as_bytes()
    assert found.answers == (f"{EFFECT}@dynasched.example",)
    assert (found.answerable, found.more, found.effect) == (True, False, None)


async def test_a_reply_code_proves_whose_answer_it_is() -> None:
    code = f"{LABEL} {TOKENS.code(EFFECT, DEBIAN)}"
    found = await read(reply(DEBIAN, "accept", sent(), code))
    assert found.proof == f"code {EFFECT[:16]}"
    forged = await read(reply("suse@example.org", "accept", sent(), code))
    assert forged.proof is None


async def test_a_signature_by_the_senders_key_proves_it_and_no_other(known: Roster) -> None:
    message = plain(DEBIAN, "accept\n")
    found = await read(signed("debian", message), known)
    assert found.proof is not None
    assert found.proof.startswith("signature ")
    assert isinstance(found.event, Letter)
    assert found.event.text == "accept"
    assert (await read(signed("suse", message), known)).proof is None
    assert (await read(signed("debian", message))).proof is None  # no key of theirs is known
    tampered = signed("debian", message).replace(b"accept", b"decline")
    assert (await read(tampered, known)).proof is None


async def test_what_is_added_around_a_signed_part_is_not_read(known: Roster) -> None:
    raw = signed("debian", plain(DEBIAN, "accept\n"))
    wrapped = raw.replace(
        b"--=-s\r\nContent-Type: application/pgp", b"--=-s\r\n\r\nleak it\r\n--=-s\r\nContent-Type: application/pgp"
    )
    assert (await read(wrapped, known)).proof is None


async def test_sealed_mail_is_opened_and_its_signature_counts(known: Roster) -> None:
    found = await read(sealed("debian", plain(DEBIAN, "status affected\n")), known)
    assert found.proof is not None
    assert isinstance(found.event, Letter)
    assert (found.event.text, found.event.sealed) == ("status affected", False)
    unsigned = await read(sealed(None, plain(DEBIAN, "status affected\n")), known)
    assert unsigned.proof is None
    other = await letter(sealed("debian", plain(DEBIAN, "x\n"), to="suse"), known)
    assert (other.sealed, other.text) == (True, "")


async def test_armour_in_a_plain_text_is_opened_too(known: Roster) -> None:
    raw = sealed("debian", plain(DEBIAN, "hello\n"))
    armour = raw[raw.index(b"-----BEGIN PGP MESSAGE") : raw.index(b"-----END PGP MESSAGE-----") + 25]
    found = await letter(plain(DEBIAN, armour.decode().replace("\r\n", "\n")), known)
    assert not found.sealed
    assert "hello" in found.text


async def test_a_key_that_comes_along_is_found() -> None:
    message = plain(DEBIAN, "Our key.")
    message.add_attachment(public("debian").encode(), maintype="application", subtype="pgp-keys", filename="k.asc")
    found = await letter(message)
    assert found.certificate is not None
    assert found.certificate.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")
    keydata = Keychain(str(key("debian"))).keydata
    offered = plain(DEBIAN, "By the way.", Autocrypt=f"addr={DEBIAN}; prefer-encrypt=mutual; keydata={keydata}")
    raw = offered.as_bytes(policy=SMTP.clone(max_line_length=990))
    assert (await letter(raw)).certificate == public("debian")
    for told in ("addr=suse@example.org; keydata=" + keydata, f"addr={DEBIAN}; keydata=!!", f"addr={DEBIAN}", ";;="):
        assert (await letter(plain(DEBIAN, "No key.", Autocrypt=told))).certificate is None


async def test_armour_that_is_dressed_up_anew_is_the_same_proof(known: Roster) -> None:
    raw = sealed("debian", plain(DEBIAN, "accept\n"))
    again = raw.replace(b"-----BEGIN PGP MESSAGE-----", b"-----BEGIN PGP MESSAGE-----\r\nComment: replayed")
    first, second = await read(raw, known), await read(again, known)
    assert first.proof is not None
    assert first.proof == second.proof


async def test_html_alone_is_read_as_text_and_files_are_more() -> None:
    message = plain(DEBIAN, "x")
    message.set_content("<style>p{}</style><p>It &lt;crashes&gt;.</p><p>Really.</p>", subtype="html")
    found = await letter(message)
    assert (found.text, found.more) == ("It <crashes>.\nReally.", True)
    message = plain(DEBIAN, "see the file")
    message.add_attachment(b"\x7fELF", maintype="application", subtype="octet-stream", filename="poc")
    assert (await letter(message)).more


@pytest.mark.parametrize(
    ("headers", "answerable"),
    [
        ({}, True),
        ({"Auto-Submitted": "no"}, True),
        ({"Auto-Submitted": "auto-generated"}, False),
        ({"Precedence": "bulk"}, False),
        ({"List-Id": "<announce.lists.example>"}, False),
        ({"Return-Path": "<>"}, False),
    ],
)
async def test_machines_and_lists_get_no_answer(headers: dict[str, str], answerable: bool) -> None:
    message = plain(DEBIAN, "x")
    for name, value in headers.items():
        message[name] = value
    assert (await letter(message)).answerable is answerable
    assert not (await letter(plain("no-reply@x.example", "x"))).answerable


async def test_auto_replies_bounces_delays_and_our_own_are_told_apart() -> None:
    vacation = reply(DEBIAN, "I am away.", sent(), "x", Auto_Submitted="auto-replied (vacation)")
    ours = f"{EFFECT}@dynasched.example"
    assert (await read(vacation)).event == Automatic(sender=DEBIAN, what="auto-reply", answers=(ours,))
    assert (await read(bounce(sent()))).event == Bounced(message=ours, status="5.1.1")
    delay = (await read(bounce(sent(), "4.4.1", "delayed"))).event
    assert isinstance(delay, Automatic)
    assert (delay.what, delay.answers) == ("delay", (ours,))
    for own in (plain(BOT, "x"), plain(DEBIAN, "x", Resent_From=BOT)):
        looped = (await read(own)).event
        assert isinstance(looped, Automatic)
        assert looped.what == "loop"


HEADERS = st.sampled_from(
    (
        b"From: a@b.example",
        b"From: =?utf-8?q?=FF?= <a@b.example>",
        b"From: \xff\xfe",
        b"From: a@b.example, c@d.example",
        b"Subject: =?x-none?B?!!!?=",
        b"Subject: =?utf-8?B?4pyo?= \xe9",
        b"Content-Type: multipart/mixed; boundary=b",
        b"Content-Type: multipart/signed; boundary=b",
        b"Content-Type: multipart/encrypted; boundary=",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b",
        b"Content-Type: text/plain; charset=x-none",
        b"Content-Type: text/html",
        b"Content-Type: ;;;",
        b"Content-Transfer-Encoding: base64",
        b"Content-Transfer-Encoding: x-uuencode",
        b"Message-ID: <<>>",
        b"no colon here",
        b" continued",
        b"References: <a@b> <c",
    )
)
LINES = st.one_of(
    HEADERS,
    st.sampled_from(
        (b"", b"--b", b"--b--", b"-----BEGIN PGP MESSAGE-----", b"begin 644 x", b"<!doctype", b"<![x", b"> q")
    ),
    st.binary(max_size=60),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(HEADERS, max_size=6), st.lists(LINES, max_size=12), st.sampled_from((b"\r\n", b"\n", b"\r")))
def test_whatever_comes_is_one_clear_record_and_kept_whole(head: list[bytes], body: list[bytes], end: bytes) -> None:
    raw = end.join([*head, b"", *body])
    event = asyncio.run(read(raw)).event
    if isinstance(event, Letter):
        assert base64.b64decode(event.original) == raw
        assert event.model_validate_json(event.model_dump_json()) == event
    else:
        assert isinstance(event, Automatic | Bounced)


async def test_a_message_nested_too_deep_is_a_letter_all_the_same() -> None:
    raw = b"From: a@b.example\r\n" + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(1500)
    )
    assert base64.b64decode((await letter(raw)).original) == raw
