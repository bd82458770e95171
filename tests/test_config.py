"""What the project sets in its own words: the directory of components, the holding statement."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.mail.settings import Shelf
from chatops.bootstrap import mail_settings
from chatops.config import BadConfiguration, Mail, Settings
from chatops.loading import load

GOOD = """
[components.pmix]
name = "PMIx"
contact = "security@pmix.example"
contacts = ["pmix"]

[wording]
holding = ["{project} knows of it.", "{name}"]
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "chatops.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_directory_of_components_and_own_words_are_read(tmp_path: Path) -> None:
    settings = load(written(tmp_path, GOOD), {"CHATOPS_COMPONENTS__PMIX__CONTACT": "pmix.example/security"})
    assert settings.components["pmix"].contact == "pmix.example/security"
    assert settings.components["pmix"].contacts == ("pmix",)
    assert settings.wording.holding == ("{project} knows of it.", "{name}")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("contact =", "contct =", "components.pmix.contact: Field required"),
        ("contacts =", "contact_s =", "components.pmix.contact_s: no such setting; did you mean contacts?"),
        ("components.pmix", "components.PMIx", "components.PMIx.[key]: String should match pattern"),
        ("{name}", "{nmae}", "wording.holding: {nmae} is not filled in here; did you mean {name}?"),
        ("holding =", "holdin =", "wording.holdin: no such setting; did you mean holding?"),
    ],
)
def test_what_is_wrong_is_named_by_its_key(tmp_path: Path, old: str, new: str, problem: str) -> None:
    with pytest.raises(BadConfiguration) as refused:
        load(written(tmp_path, GOOD.replace(old, new)), {})
    assert str(refused.value).startswith(problem)


MAIL = """
[mail]
address = "Security@DynaSched.example"
smtp_host = "mail.example"
key_file = "bot.asc"
ca_file = "ca.pem"

[[mail.lists]]
address = "announce@lists.example"

[[mail.lists]]
address = "distros@lists.example"
announce = false
tag = "[vs]"
max_days = 14
"""


def test_a_mailbox_its_key_and_the_customs_of_lists_are_read(tmp_path: Path) -> None:
    (tmp_path / "bot.asc").write_text("-----BEGIN PGP PRIVATE KEY BLOCK-----\n", encoding="utf-8")
    mail = load(written(tmp_path, MAIL), {"CHATOPS_MAIL__PASSWORD": "hush"}).mail
    assert mail is not None
    assert mail.address == "security@dynasched.example"
    assert mail.key is not None
    assert mail.key.get_secret_value().startswith("-----BEGIN")
    assert mail.password is not None
    assert mail.ca_file == tmp_path / "ca.pem"  # a path, not a secret
    assert [(one.tag, one.max_days, one.announce) for one in mail.lists] == [(None, None, True), ("[vs]", 14, False)]
    assert "hush" not in repr(mail)
    with pytest.raises(BadConfiguration, match=r"mail.lists.1.tagg: no such setting; did you mean tag\?"):
        load(written(tmp_path, MAIL.replace("tag =", "tagg =")), {})


GITHUB = '[github]\nrepository = "dynasched/dynasched"\ntoken_file = "token"\n'


def test_the_release_host_follows_from_what_is_configured(tmp_path: Path) -> None:
    assert load(written(tmp_path, ""), {}).release_host == "none"
    assert load(written(tmp_path, '[releases]\nfolder = "public"'), {}).release_host == "directory"
    (tmp_path / "token").write_text("ghp_fake\n")
    settings = load(written(tmp_path, GITHUB), {})
    assert settings.github is not None
    assert settings.github.token is not None
    assert (settings.release_host, settings.github.token_file) == ("github", tmp_path / "token")
    assert settings.github.token.get_secret_value() == "ghp_fake"
    assert "ghp_fake" not in repr(settings)
    assert load(written(tmp_path, '[releases]\nhost = "none"\n' + GITHUB), {}).release_host == "none"
    with pytest.raises(BadConfiguration, match=r"github\.tag"):
        load(written(tmp_path, GITHUB + 'tag = "v1"'), {})


def test_an_account_at_cve_services_takes_its_key_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "cve-key").write_text("hush\n", encoding="utf-8")
    cve = load(written(tmp_path, '[cve]\norg = "dynasched"\nuser = "bot@x"\nkey_file = "cve-key"\n'), {}).cve
    assert cve is not None
    assert cve.key is not None
    assert cve.key.get_secret_value() == "hush"
    assert cve.key_file == tmp_path / "cve-key"
    assert "hush" not in repr(cve)


def test_a_folder_for_large_files_needs_its_address_on_the_web() -> None:
    box = Mail(address="security@example.org", smtp_host="mail.example", files_folder=Path("files"))
    with pytest.raises(BadConfiguration, match=r"mail\.files_folder: set it together with mail\.files_url"):
        mail_settings(box, Settings())
    whole = box.model_copy(update={"files_url": "https://files.example.org"})
    assert mail_settings(whole, Settings()).shelf == Shelf(Path("files"), "https://files.example.org")
