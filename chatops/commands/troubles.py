"""What the release host or CVE Services could not do: short codes in words, and what a person does about them."""

from __future__ import annotations

from collections.abc import Mapping

SAYS: Mapping[str, str] = {
    "token-refused": "GitHub refuses the bot's token; give it a good one (github.token_file)",
    "forbidden": "the bot's token may not do that; see what it needs in the list of all settings",
    "not-found": "it is not there, or the bot's token may not see it",
    "not-valid": "GitHub finds something wrong with it",
    "conflict": "somebody else changes it at this moment",
    "no-connection": "no connection",
    "no-archives": "no archives of that version are in the private folder",
    "not-writable": "the folder cannot be written to",
    "no-folder": "the folder is not configured, or not there",
    "no-tag": "its tag is not there yet; push it",
    "no-draft": "there is no draft of it, and no archives here to make one of",
    "published-already": "a release of that name is public already, with other archives",
    "changed-since-the-private-release": "the archives are not those that members verified",
    "another-file-of-that-name": "another file of that name is public already",
    "other-archives-outside": "it is public, but what can be downloaded is not what members verified",
    "another-release": "its tag is another one now",
    "still-on-the-page": "it is on the release page still",
    "advisory-closed": "somebody closed it on GitHub",
    "cve-key-refused": "CVE Services refuses the bot's key or user (cve.key_file, cve.user, cve.org)",
    "cve-forbidden": "CVE Services does not let the bot's user do that",
    "cve-quota": "the organisation has reserved as many CVE ids as it may; publish or reject some, or ask for more",
    "cve-not-there": "CVE Services knows no such thing, or not of this organisation",
    "cve-not-valid": "CVE Services finds something wrong with it",
    "cve-of-another": "that CVE id is another organisation's: they publish its record",
    "cve-rejected": "that CVE id was rejected",
}
HELP: Mapping[str, str] = {
    "other-archives-outside": "Do not announce before you know why.",
    "changed-since-the-private-release": "Put those back, and try again; to hand out the new ones, call it off first.",
    "published-already": "Look at it before you go on.",
    "another-file-of-that-name": "Look at it before you go on.",
    "cve-of-another": "Tell them that it is public.",
    "still-on-the-page": "See above why; take it down by hand, or with delist.",
}


def in_words(problem: str) -> str:
    """Why it could not; what is not known here is told as it is."""
    return SAYS.get(problem, problem)
