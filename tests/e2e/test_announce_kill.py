"""``kill -9`` at every effect of a general release: every list, room and page has the announcement once in the end.

The bot works with real peers (Synapse, the emulated GitHub, SMTP, a folder), with a proxy before each that keeps what
the bot does: the request, so that it never arrives; the request until the bot is dead, so that nobody reads the answer;
or the answer. As soon as all that the bot is about to do is kept so, it is killed and started anew, until nothing is
left to be done. Nobody types anything meanwhile.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlmodel import Session, create_engine

from adapters.stage.archives import archive
from adapters.stage.emulate import Emulate
from adapters.stage.github_proxy import GitHubProxy
from adapters.stage.post_office import PostOffice, Taken
from adapters.stage.proxy import Hold
from adapters.stage.synapse import Synapse
from chatops.model import journal
from tests.adapters.github.conftest import TOKEN, Repository
from tests.e2e.kit import WITHIN, House, house, until
from tests.e2e.proxy import Proxy, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

BOT, PACKAGER = "security@dynasched.example", "packager@example.org"
LISTS = ("announce@lists.example", "users@lists.example")
SEVERITY = "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"


@dataclass
class Scene:
    """A bot with all of its peers, two public rooms, two lists; a member and a reporter on Matrix, a member by mail."""

    house: House
    repository: Repository
    office: PostOffice
    site: Path
    rooms: tuple[str, ...] = ()
    versions: list[str] = field(default_factory=lambda: ["1.0.0"])
    case: str = ""

    @property
    def github(self) -> GitHubProxy:
        return self.repository.proxy

    @property
    def version(self) -> str:
        return self.versions[-1]

    async def opens_case(self) -> None:
        """Reported, triaged, with its members, and the next version in their hands; its tag is pushed."""
        place = self.house
        asked = await place["reporter"].say(place.direct["reporter"], "report It crashes on long names.")
        chat = place.direct["reporter"]
        receipt = await place.reads("reporter", chat, "has arrived", lambda seen: seen.answers == asked)
        self.case = re.findall(r"DS-\d{4}-\w{4}", receipt.text)[0]
        await place.commands(f"triage {self.case} severity={SEVERITY} Job names overflow", self.case)
        known = {seen.room for seen in place.doors("debian")}
        await place.commands(f"invite {self.case} debian redhat", "told in full")
        place.embargo = await place.door("debian", tuple(known | set(place.direct.values())))
        await place["debian"].join(place.embargo)
        await place.reads("debian", place.embargo, "what you may do here")
        self.versions.append(f"1.0.{len(self.versions)}")
        archive(self.repository.staging, self.version, "Job names are no longer cut without looking.")
        await self.repository.tag(f"v{self.version}")
        await place.commands(f"private-release {self.case} {self.version}", "hashing")
        await place.quiet()

    async def announces(self) -> None:
        """Two coordinators say so, and that is the last that people do."""
        line = f"announce {self.case} vulnerable={self.versions[-2]} A crafted job name overflows the queue."
        card = await self.house.commands(line, "")
        code = card.text.partition("!dynasched confirm ")[2][:6]
        await self.house.asks("maintainer-2", self.house.security, f"confirm {code}", self.case)

    def steps(self) -> dict[str, str]:
        return dict(self.house.rows("SELECT step, state FROM planstep WHERE [case] = ?", self.case))

    def announced(self) -> bool:
        return bool(self.steps()) and set(self.steps().values()) == {"done"} and self.house.unsettled() == 0

    # --- the witnesses

    async def is_told_once(self, *, resent: bool = False) -> None:
        """Asks everybody and everything outside. ``resent``: whether mail may have come twice, the one exception: SMTP
        has no way to ask whether a message was taken, so that the same one, under its Message-ID, is sent again.
        """
        await self._rooms()
        await self._people()
        self._mail(resent)
        await self._page()
        self._folder()
        assert self.house.rows("SELECT key FROM outbox WHERE state IN ('dead', 'refused', 'skipped')") == []
        engine = create_engine(
            "sqlite://", creator=lambda: sqlite3.connect(f"file:{self.house.database}?mode=ro", uri=True)
        )
        with Session(engine) as session:
            assert journal.verify(session) == []
            told = Counter(entry.what for entry in journal.entries(session, self.case))
        engine.dispose()
        assert (told["general release"], told["step done"]) == (1, len(self.steps()))

    async def _rooms(self) -> None:
        place = self.house
        for room in self.rooms:
            said = [one["content"] for one in await place.said_by_bot(place["debian"], room)]
            told = [one for one in said if f"DynaSched {self.version} fixes" in one["body"]]
            assert len(told) == 1
            files = Counter(one["body"] for one in said if one["msgtype"] == "m.file")
            assert {name: files[name] for name in self._files()} == dict.fromkeys(self._files(), 1)

    async def _people(self) -> None:
        place = self.house
        for name, room, words in (
            ("debian", place.embargo, f"{self.case}: you may publish now"),
            ("debian", place.embargo, f"{self.case}: {self.version} is out; the embargo is over. Thank you"),
            ("reporter", place.direct["reporter"], f"{self.case}: {self.version} is out, with the fix for what you"),
        ):
            await place.reads(name, room, words)
            assert sum(words in seen.text for seen in place[name].messages(room)) == 1
            assert place[name].locked == 0

    def _mail(self, resent: bool) -> None:
        most = 2 if resent else 1
        for address, subject in (
            *((one, f"DynaSched {self.version} fixes a vulnerability") for one in LISTS),
            (PACKAGER, f"[DynaSched] {self.case}: go"),
            (PACKAGER, f"[DynaSched] {self.case}: embargo over"),
            (PACKAGER, f"[DynaSched] {self.case}: thanks"),
        ):
            mine = [one.message for one in self.office.taken if address in one.to]
            numbers = Counter(one["Message-ID"] for one in mine if one["Subject"] == subject)
            assert len(numbers) == 1, (address, subject)
            assert all(1 <= count <= most for count in numbers.values()), (address, subject)

    async def _page(self) -> None:
        """The new release is published with its archive as it was made; the old one is gone, and its tag is not."""
        [release] = await self.repository.call("GET", "/releases")
        content = (self.repository.staging / f"dynasched-{self.version}.tar.gz").read_bytes()
        assert (release["tag_name"], release["draft"]) == (f"v{self.version}", False)
        assert [one["digest"] for one in release["assets"]] == [f"sha256:{hashlib.sha256(content).hexdigest()}"]
        for version in self.versions:
            assert await self.repository.call("GET", f"/git/ref/tags/v{version}")
        off = self.house.rows("SELECT version FROM release WHERE state = 'removed' AND NOT on_page ORDER BY version")
        assert [one for (one,) in off] == self.versions[:-1]
        assert not self.github.called("DELETE *tags*")

    def _folder(self) -> None:
        stem = self.case.lower()
        assert {one.name for one in self.site.iterdir() if stem in one.name} == self._files()
        assert json.loads((self.site / f"{stem}.json").read_text())["document"]["tracking"]["id"] == self.case

    def _files(self) -> set[str]:
        return {f"{self.case.lower()}{end}" for end in (".md", ".txt", ".json", ".osv.json")}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(synapse: Synapse, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    folder = tmp_path_factory.mktemp("announce")
    async with AsyncExitStack() as stack:
        people = {"users": [{"login": "maintainer"}]}
        tokens = {TOKEN: {"login": "maintainer", "scopes": ["repo"]}}
        emulate = Emulate(folder / "emulate", github=people, github_tokens=tokens)
        stack.push_async_callback(emulate.stop)
        await emulate.start()
        github, office = GitHubProxy(emulate.github_url), PostOffice(BOT)
        (folder / "staging").mkdir()
        for server in (github, office):
            stack.push_async_callback(server.stop)
            await server.start()
        repository = Repository(github, folder / "staging")
        stack.push_async_callback(repository.stop)
        await repository.start()
        old = archive(folder / "old", "1.0.0", "The first stable release.")
        await repository.tag("v1.0.0")
        await repository.release("v1.0.0", dynasched_1__0__0=old.read_bytes())
        (folder / "token").write_text(TOKEN)
        more = {
            "releases": {"staging": folder / "staging"},
            "github": {
                "repository": repository.settings.repository,
                "token_file": folder / "token",
                "api": github.url,
            },
            "advisories": {"folder": folder / "site"},
            "mail": {
                "address": BOT,
                "smtp_host": "127.0.0.1",
                "smtp_port": office.smtp_port,
                "smtp_tls": "none",
                "allow_plain": True,
                "lists": [{"address": one} for one in LISTS],
            },
        }
        made = await stack.enter_async_context(house(synapse, folder, "debian", "reporter", proxied=True, more=more))
        for name, address in (("debian", f"matrix:{made['debian'].id}"), ("redhat", f"mail:{PACKAGER}")):
            words = f"contacts add {name} roles=packager address={address} standing=yes"
            await made.commands(words, f"{name} is on the")
        await made.takes_chat("debian")
        await made.opens_chat("reporter")
        rooms = [await made.public_room("debian") for _ in range(2)]
        yield Scene(made, repository, office, folder / "site", tuple(rooms))


# --- killing -------------------------------------------------------------------------------------------------------


class Killer:
    """Keeps each effect of an announcement once, and kills the bot when nothing else is under way."""

    def __init__(self, scene: Scene, stage: Stage) -> None:
        self.scene = scene
        self.house = scene.house
        self.stage = stage
        self.kills = 0
        [(self._before,)] = self.house.rows("SELECT max(id) FROM outbox")
        assert self.house.proxy is not None
        self._matrix: Proxy = self.house.proxy
        self._met: set[str] = set()
        self._mail: list[Hold] = []
        github, new, old = "/repos/*", scene.version, scene.versions[-2]
        self._pages = {
            call: scene.github.hold(call, done=stage == "answer", late=stage == "late")
            for call in (
                f"GET {github}/git/ref/tags/v{new}",
                f"PATCH {github}/releases/*",
                f"GET {github}/git/ref/tags/v{old}",
                f"DELETE {github}/releases/*",
            )
        }
        self._pipe: Path | None = self._lay_pipe()

    async def run(self) -> None:
        """Until all of it is done."""
        while not self.scene.announced():
            trap = self._trap = self._matrix.trap(self._wanted, self.stage, every=True)
            self._mail.clear()
            if self.stage == "request":
                self.scene.office.hold = self._kept
            else:
                self.scene.office.hold_answer = self._kept
            calm = 0

            def still() -> bool:
                nonlocal calm
                calm = calm + 1 if self._all_kept() else 0
                return calm > 2 or self.scene.announced()

            await until(still, f"all that the bot does is kept, or done: {self.scene.steps()}")
            if self.scene.announced():
                self._matrix.release(trap)
                break
            await self._kill()
            kept = trap.kept
            self._matrix.release(trap)
            for hold in self._mail:
                hold.release.set()
            late = [hold for hold in self._pages.values() if hold.caught.is_set() and not hold.release.is_set()]
            for hold in late:
                hold.release.set()
            if self.stage == "late":
                await until(lambda kept=kept, trap=trap: trap.arrived == kept, "what was kept arrives")  # type: ignore[misc]
                for hold in late:
                    await asyncio.wait_for(hold.passed.wait(), WITHIN)
            await self.house.restart()
        self.scene.office.hold = self.scene.office.hold_answer = lambda taken: None

    def unkept(self) -> list[Any]:
        """The effects on people and places that were never kept."""
        return [row for row in self._effects() if row[0] not in self._met]

    def calls(self) -> list[str]:
        """What was never kept of GitHub."""
        return [call for call, hold in self._pages.items() if not hold.caught.is_set()]

    def _effects(self) -> list[tuple[Any, ...]]:
        """What is said of it anywhere but in the security room, but for what changes a card there is; of the files in
        a room, the first.
        """
        return self.house.rows(
            "SELECT o.key, o.service, p.kind FROM outbox o JOIN place p ON p.id = o.place WHERE o.id > ?"
            " AND p.kind != 'security' AND json_extract(o.deed, '$.edit') IS NULL AND (json_extract(o.deed, '$.t') ="
            " 'post' OR o.id = (SELECT min(f.id) FROM outbox f WHERE f.place = o.place AND f.id > ? AND"
            " json_extract(f.deed, '$.t') = 'upload'))",
            self._before,
            self._before,
        )

    def _first(self, key: str) -> bool:
        if key in self._met or key not in {row[0] for row in self._effects()}:
            return False
        self._met.add(key)
        return True

    def _wanted(self, call: str) -> bool:
        """Matrix: the effect's key is the transaction's id."""
        return "/send/m.room." in call and self._first(call.rpartition("/")[2])

    def _kept(self, taken: Taken) -> Hold | None:
        """Mail: it is the Message-ID's left side."""
        if not self._first(str(taken.message["Message-ID"]).strip("<>").partition("@")[0]):
            return None
        self._mail.append(Hold())
        return self._mail[-1]

    def _all_kept(self) -> bool:
        """Whether something is kept, and nothing else goes on."""
        pages = sum(hold.caught.is_set() and not hold.release.is_set() for hold in self._pages.values())
        mail = sum(hold.caught.is_set() for hold in self._mail)
        under_way = Counter(
            dict(
                self.house.rows(
                    "SELECT CASE WHEN kind = 'write-advisory' THEN 'folder' ELSE service END AS peer, COUNT(*) FROM"
                    " outbox WHERE state = 'attempted' GROUP BY peer"
                )
            )
        )
        folder = int(self._pipe is not None and under_way["folder"] and self._at_pipe())
        kept = Counter({"matrix": self._trap.kept, "mail": mail, "releases": pages, "folder": folder})
        return under_way.total() > 0 and under_way == +kept and self.house.inbox()["waiting"] == 0

    async def _kill(self) -> None:
        self.kills += 1
        if self._pipe is None or not self._at_pipe():
            await self.house.bot.kill()
            return
        pipe, self._pipe = self._pipe, None
        if self.stage != "answer":
            await self.house.bot.kill()
            pipe.unlink()
            return
        with self.house.database_locked():  # the last file is written, and that can't be recorded
            reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
            await until(lambda: not pipe.exists(), "the file has its name", within=9)
            await self.house.bot.kill()
            os.close(reader)

    # --- the folder: whoever writes to a pipe waits until somebody reads it

    def _lay_pipe(self) -> Path:
        """In the way of the first file, or the last."""
        self.scene.site.mkdir(exist_ok=True)
        end = ".md" if self.stage == "request" else ".osv.json"
        pipe = self.scene.site / f".{self.scene.case.lower()}{end}.part"
        os.mkfifo(pipe)
        return pipe

    def _at_pipe(self) -> bool:
        done = len([one for one in self.scene.site.iterdir() if one.name in self.scene._files()])
        under_way = self.house.rows("SELECT 1 FROM outbox WHERE kind = 'write-advisory' AND state = 'attempted'")
        return bool(under_way) and done == (0 if self.stage == "request" else 3)


@pytest.mark.parametrize("stage", ["request", "late", "answer"])
async def test_killed_at_every_effect_it_is_announced_once(scene: Scene, stage: Stage) -> None:
    await scene.opens_case()
    killer = Killer(scene, stage)
    await asyncio.gather(scene.announces(), killer.run())
    assert killer.unkept() == []
    assert killer.calls() == []
    assert killer.kills >= 5
    await scene.is_told_once(resent=stage != "request")
