"""What goes out, over a real SMTP server and in real OpenPGP: sealed, threaded, once, and saying nothing outside."""

from __future__ import annotations

import base64
import dataclasses
import secrets
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, cast

import pytest
from pysequoia import Cert, decrypt

from adapters.mail.outgoing import Outgoing
from adapters.mail.settings import MailSettings, Shelf
from adapters.mail.smtp import Smtp
from adapters.mail.tokens import Tokens
from adapters.stage.letters import BOT, key, public
from adapters.stage.post_office import PASSWORD, PostOffice
from chatops.document import Action, Document, Tlp, para, quote
from chatops.ports import (
    Deed,
    Effect,
    Impossible,
    Leave,
    OpenRoom,
    Post,
    Receipt,
    Redact,
    Relay,
    Retire,
    TryLater,
    Upload,
)
from tests.adapters.mail.conftest import Roster, made

DEBIAN = "debian@example.org"
CASE = "DS-2026-7KQ4"
THEIRS = f"{'A' * 90}@mua.example"  # some programs' ids are longer than a line
CANARY = "the queue overflows"


def effect(deed: Deed, to: str | None = DEBIAN, *, case: str | None = None, **more: Any) -> Effect:
    more.setdefault("audience", (to or "",))
    return Effect(id=secrets.token_hex(16), service="mail", room=to, deed=deed, case=case, **more)


def card(kind: str = "notice", case: str | None = CASE, **more: Any) -> Post:
    tlp = Tlp.AMBER_STRICT if case else Tlp.GREEN
    document = Document(title=CANARY, kind=kind, tlp=tlp, case=case, blocks=(quote(CANARY),), **more)
    return Post(document=document)


def inside(message: EmailMessage, name: str) -> EmailMessage:
    """What somebody reads in an encrypted message (RFC 3156, 4), which the bot has signed."""
    assert message.get_content_type() == "multipart/encrypted"
    assert message.get_param("protocol") == "application/pgp-encrypted"
    control, data = cast(list[EmailMessage], message.get_payload())
    assert control.get_content_type() == "application/pgp-encrypted"
    assert cast(str, control.get_payload()).strip() == "Version: 1"
    signer = Cert.from_bytes(public("security").encode())
    sealed = cast(bytes, data.get_payload(decode=True))
    opened = decrypt(sealed, key(name).decryptor(), store=lambda ids: [signer])
    assert [one.certificate for one in opened.valid_sigs] == [signer.fingerprint]
    return message_from_bytes(opened.bytes or b"", policy=default)


async def test_what_is_private_is_sealed_and_the_outside_names_case_and_kind_only(
    outgoing: Outgoing, office: PostOffice, roster: Roster
) -> None:
    roster.keys[DEBIAN] = public("debian")
    one = effect(card(actions=(Action(label="accept", command=f"accept {CASE}", emoji="✅"),)), case=CASE)
    receipt = await outgoing.perform(one)
    (taken,) = office.taken
    message = taken.message
    assert (taken.sender, taken.to) == (BOT, (DEBIAN,))
    assert CANARY.encode() not in taken.raw
    assert message["Subject"] == f"[DynaSched] {CASE}: notice"
    assert message["Message-ID"] == f"<{one.id}@dynasched.example>"
    assert receipt.event == f"{one.id}@dynasched.example"
    assert message["Auto-Submitted"] == "auto-generated"
    assert f"\r\nAutocrypt: addr={BOT}; keydata=".encode() in taken.raw  # not in encoded words
    assert b"=?" not in taken.raw
    text = inside(message, "debian").get_content()
    assert CANARY in text
    assert f"accept {CASE}" in text
    assert "!dynasched" not in text


async def test_mail_about_a_case_to_one_person_is_one_thread(
    outgoing: Outgoing, office: PostOffice, roster: Roster
) -> None:
    roster.keys |= {DEBIAN: public("debian"), "suse@example.org": public("suse")}
    await outgoing.perform(effect(card(), case=CASE))
    await outgoing.perform(effect(card().model_copy(update={"reply_to": THEIRS}), case=CASE))
    await outgoing.perform(effect(card(), "suse@example.org", case=CASE))
    first, second, other = (taken.message for taken in office.taken)
    assert first["References"] == first["In-Reply-To"]
    assert second["References"].split() == [first["References"], f"<{THEIRS}>"]
    assert second["In-Reply-To"] == f"<{THEIRS}>"
    assert other["References"] != first["References"]


async def test_who_has_no_key_is_asked_once_a_day_to_get_in_touch_and_told_nothing(
    outgoing: Outgoing, office: PostOffice
) -> None:
    receipts = [await outgoing.perform(effect(card(), case=CASE)) for _ in range(2)]
    assert [receipt.data for receipt in receipts] == [{"withheld": True}] * 2
    (taken,) = office.taken
    assert taken.message["Subject"] == "[DynaSched] please contact us"
    for word in (CANARY, CASE, "notice"):
        assert word.encode() not in taken.raw
    assert "public key" in taken.message.get_content()


async def test_what_is_not_private_goes_to_anybody_as_it_is(outgoing: Outgoing, office: PostOffice) -> None:
    assert await outgoing.perform(effect(card("receipt", None))) == Receipt(event=f"{_last(office)}")
    assert CANARY in office.taken[0].message.get_content()


def _last(office: PostOffice) -> str:
    return cast(str, office.taken[-1].message["Message-ID"]).strip("<>") if office.taken else ""


async def test_a_project_may_allow_plain_mail(settings: MailSettings, office: PostOffice, roster: Roster) -> None:
    outgoing = made(dataclasses.replace(settings, allow_plain=True), roster)
    await outgoing.perform(effect(card(), case=CASE))
    (taken,) = office.taken
    assert taken.message.get_content_type() == "text/plain"
    assert CANARY in taken.message.get_content()
    assert taken.message["Subject"] == f"[DynaSched] {CASE}: notice"


async def test_a_reply_code_is_inside_what_one_person_reads_and_good_for_them_only(
    outgoing: Outgoing, office: PostOffice, roster: Roster
) -> None:
    roster.keys[DEBIAN] = public("debian")
    one = effect(card(), case=CASE)
    await outgoing.perform(one)
    text = inside(office.taken[0].message, "debian").get_content()
    tokens = Tokens(b"secret")
    quoted = "accept\n\n" + "".join(f"> {row}\n" for row in text.splitlines())
    assert tokens.find(quoted, DEBIAN) == one.id[:16]
    assert tokens.find(quoted, "suse@example.org") is None
    assert Tokens(b"another").find(quoted, DEBIAN) is None
    assert b"Reply code" not in office.taken[0].raw


async def test_an_announcement_is_plain_utf8_with_its_title_for_a_subject(
    outgoing: Outgoing, office: PostOffice, roster: Roster
) -> None:
    document = Document(title="DynaSched 1.0.1 fixes a vulnerability", tone="warning", blocks=(para("Danke, Jürgen"),))
    one = effect(Post(document=document), "announce@lists.example", audience=None)
    await outgoing.perform(one)
    message = office.taken[0].message
    assert message["Subject"] == "DynaSched 1.0.1 fixes a vulnerability"
    assert (message.get_content_type(), message.get_content_charset()) == ("text/plain", "utf-8")
    assert message.get_content().splitlines() == ["Danke, Jürgen"]
    assert message["Auto-Submitted"] is None


async def test_nothing_private_goes_to_a_public_list(outgoing: Outgoing, office: PostOffice) -> None:
    with pytest.raises(Impossible, match="not-public"):
        await outgoing.perform(effect(card(), "announce@lists.example", case=CASE, audience=None))
    assert office.taken == []


async def test_a_list_gets_the_tag_that_it_wants(outgoing: Outgoing, office: PostOffice, roster: Roster) -> None:
    roster.keys["distros@lists.example"] = public("debian")
    await outgoing.perform(effect(card(), "distros@lists.example", case=CASE))
    assert office.taken[0].message["Subject"] == f"[vs] [DynaSched] {CASE}: notice"


async def test_archives_are_attached_sealed_and_whole(
    outgoing: Outgoing, office: PostOffice, roster: Roster, tmp_path: Path
) -> None:
    roster.keys[DEBIAN] = public("debian")
    upload = Upload.made("0001-fix.patch", content := b"From 1\r\nFix \xff it\n\n" * 500)
    await outgoing.perform(effect(upload, case=CASE))
    message = office.taken[0].message
    assert (message["Subject"], b"0001-fix.patch" in office.taken[0].raw) == (f"[DynaSched] {CASE}: file", False)
    (attached,) = inside(message, "debian").iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("0001-fix.patch", content)
    with pytest.raises(Impossible, match="changed-file"):
        await outgoing.perform(effect(upload.model_copy(update={"sha256": "0" * 64}), case=CASE))
    with pytest.raises(Impossible, match="no-such-file"):
        await outgoing.perform(effect(Upload(path=str(tmp_path / "x"), name="x", sha256=""), case=CASE))


async def test_a_list_gets_a_public_file_as_it_is_and_no_other(outgoing: Outgoing, office: PostOffice) -> None:
    upload = Upload.made("ds-2026-7kq4.md", content := b"# An advisory\n")
    await outgoing.perform(effect(upload, "announce@lists.example", audience=None))
    (message,) = [one.message for one in office.taken]
    assert message["Subject"].endswith("ds-2026-7kq4.md")
    (attached,) = message.iter_attachments()
    assert attached.get_payload(decode=True) == content
    with pytest.raises(Impossible, match="not-public"):
        await outgoing.perform(effect(upload, "announce@lists.example", case=CASE, audience=None))
    assert len(office.taken) == 1


LARGE = Upload.made("dynasched-1.0.1.tar.bz2", b"x" * 11)


async def test_a_file_that_is_too_large_is_told_of_with_its_digest_and_how_to_get_it(
    settings: MailSettings, office: PostOffice, roster: Roster
) -> None:
    roster.keys[DEBIAN] = public("debian")
    outgoing = made(dataclasses.replace(settings, largest_file=10), roster)
    receipt = await outgoing.perform(effect(LARGE, case=CASE))
    assert receipt.data == {"too_large": LARGE.name}
    told = inside(office.taken[0].message, "debian").get_content()
    assert f"{LARGE.sha256}  {LARGE.name}" in told
    assert "answer this mail" in told
    assert "Reply code:" in told
    with pytest.raises(Impossible, match="too-large-to-attach"):
        await outgoing.perform(effect(LARGE, "announce@lists.example", audience=None))
    with pytest.raises(Impossible, match="changed-file"):
        await outgoing.perform(effect(LARGE.model_copy(update={"sha256": "0" * 64}), case=CASE))
    assert len(office.taken) == 1


def lying(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file()]


async def test_a_file_that_is_too_large_is_linked_where_there_is_a_place_for_it(
    settings: MailSettings, office: PostOffice, roster: Roster, tmp_path: Path
) -> None:
    roster.keys |= {DEBIAN: public("debian"), "suse@example.org": public("suse")}
    shelf = Shelf(tmp_path / "files", "https://files.example.org/held/")
    outgoing = made(dataclasses.replace(settings, largest_file=10, shelf=shelf), roster)
    with pytest.raises(Impossible, match="changed-file"):
        await outgoing.perform(effect(LARGE.model_copy(update={"sha256": "0" * 64}), case=CASE))
    assert not lying(tmp_path)
    for _ in range(2):
        receipt = await outgoing.perform(effect(LARGE, case=CASE))
    assert receipt.data == {}
    told = inside(office.taken[0].message, "debian").get_content()
    (there,) = lying(tmp_path)
    assert there.read_bytes() == b"x" * 11
    assert f"https://files.example.org/held/{there.parent.name}/{LARGE.name}" in told
    assert len(there.parent.name) == 16
    assert LARGE.sha256[:8] not in there.parent.name
    assert LARGE.name.encode() not in office.taken[0].raw
    elsewhere = Shelf(there / "no-folder", "https://files.example.org")
    with pytest.raises(Impossible, match="files-folder"):
        await made(dataclasses.replace(settings, largest_file=10, shelf=elsewhere), roster).perform(effect(LARGE))


async def test_a_chat_is_an_address_and_what_makes_no_sense_here_is_impossible(
    outgoing: Outgoing, office: PostOffice
) -> None:
    opened = await outgoing.perform(effect(OpenRoom(purpose="direct", name="x", topic="", invite=(DEBIAN,)), None))
    assert opened.data == {"room": DEBIAN, "joined": [DEBIAN]}
    assert (await outgoing.perform(effect(Retire()))).data == {"closed": False}
    assert await outgoing.perform(effect(Leave())) == Receipt()
    for deed in (Redact(event="x", reason="x"), OpenRoom(purpose="embargo", name="x", topic="")):
        with pytest.raises(Impossible, match="unsupported"):
            await outgoing.perform(effect(deed))
    assert office.taken == []


async def test_what_is_not_for_us_is_passed_on_as_it_came(outgoing: Outgoing, office: PostOffice) -> None:
    raw = b"From: a@b.example\r\nSubject: =?x?=\r\n\r\nbyte \xff by byte\r\n"
    await outgoing.perform(effect(Relay(data=base64.b64encode(raw).decode()), "security@pmix.example"))
    (taken,) = office.taken
    assert taken.raw.endswith(raw)
    assert (taken.to, taken.message["Resent-From"]) == (("security@pmix.example",), BOT)


@pytest.mark.parametrize(
    ("answer", "raised", "code"),
    [("550 no such user", Impossible, "smtp-550"), ("451 greylisted", TryLater, "smtp-451")],
)
async def test_what_the_server_says_of_a_recipient_counts(
    outgoing: Outgoing, office: PostOffice, answer: str, raised: type[TryLater | Impossible], code: str
) -> None:
    office.refuse = lambda recipient: answer
    with pytest.raises(raised, match=code):
        await outgoing.perform(effect(card("receipt", None)))


async def test_where_it_is_unknown_whether_it_was_taken_the_same_message_id_goes_out_again(
    outgoing: Outgoing, office: PostOffice
) -> None:
    office.after = lambda taken: "451 lost my mind" if len(office.taken) == 1 else None
    one = effect(card("receipt", None))
    with pytest.raises(TryLater, match="smtp-451"):
        await outgoing.perform(one)
    await outgoing.perform(one.model_copy(update={"attempts": 1}))
    assert len({taken.message["Message-ID"] for taken in office.taken}) == 1


async def test_a_server_that_is_gone_or_a_wrong_password_is_no_fault_of_the_message(
    settings: MailSettings, office: PostOffice, roster: Roster
) -> None:
    wrong = made(dataclasses.replace(settings, password="wrong", smtp_tls="none"), roster)
    with pytest.raises(TryLater, match="smtp-login") as refused:
        await wrong.perform(effect(card("receipt", None)))
    assert not refused.value.counts
    await office.stop()
    with pytest.raises(TryLater, match="smtp-"):
        await made(settings, roster).perform(effect(card("receipt", None)))


@pytest.mark.parametrize("tls", ["starttls", "none"])
async def test_mail_goes_over_tls_to_a_server_that_is_who_it_says(
    settings: MailSettings, secure_office: PostOffice, tmp_path: Path, tls: Any
) -> None:
    trusting = dataclasses.replace(
        settings, smtp_port=secure_office.smtp_port, smtp_tls=tls, ca_file=tmp_path / "tls.pem", password=PASSWORD
    )
    if tls == "none":  # the server insists
        with pytest.raises((TryLater, Impossible)):
            await Smtp(trusting).send(b"Subject: x\r\n\r\nx\r\n", DEBIAN)
        return
    await Smtp(trusting).send(b"Subject: x\r\n\r\nx\r\n", DEBIAN)
    assert secure_office.taken[0].secure
    with pytest.raises(TryLater, match="smtp-"):
        await Smtp(dataclasses.replace(trusting, ca_file=None)).send(b"Subject: x\r\n\r\nx\r\n", DEBIAN)
