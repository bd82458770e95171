"""A token that is revoked in mid-case: all waits, nothing is counted, and it goes out once when there is another."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlmodel import Session, select

from adapters.stage.emulate import Emulate
from chatops import bootstrap
from chatops.model.flow import OutboxRow
from tests.e2e.test_slack import SEVERITY, Scene, playing, said


def waiting(scene: Scene) -> Callable[[], Any]:
    """What could not be sent so far, tried at least once."""

    def look(session: Session) -> list[OutboxRow]:
        return list(session.exec(select(OutboxRow).where(OutboxRow.problem == "token_revoked")).all())

    return lambda: scene.bot.store.read(look)


async def test_a_token_revoked_in_mid_case(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with playing(tmp_path, "http") as scene:
        secure = str((await scene.room("security"))["id"])
        await scene.types("maintainer", f"triage Canary overflow severity={SEVERITY}", secure, answer="high")
        case = re.findall(r"DS-\d{4}-\w{4}", said(await scene.reads(secure, "Canary overflow")))[0]
        room = str((await scene.room(case.lower()))["id"])
        await scene.reads(room, "what you may do here")

        # Rotated, while the bot runs.
        token = scene.proxy.rotate(Emulate.bot_token)
        await scene.types("maintainer", f"tell {case} The first canary word.", secure)
        rows: list[Any] = await scene.wait(waiting(scene))
        assert {row.attempts - row.spared for row in rows} == {0}
        assert not [one for one in await scene.messages(room) if "first canary" in said(one)]
        (tmp_path / "token").write_text(token)
        await scene.reads(room, "first canary word")
        await scene.reads(secure, "Slack takes me again")

        # Once more, and the new one is there when the bot is started anew.
        revoked, token = token, scene.proxy.rotate(token)
        await scene.types("maintainer", f"tell {case} The second canary word.", secure)
        await scene.wait(waiting(scene))
        await scene.bot.stop()
        (tmp_path / "token").write_text(token)
        assert scene.settings.slack is not None
        slack = scene.settings.slack.model_copy(update={"bot_token": SecretStr(token)})
        scene.bot = bootstrap.bot(scene.settings.model_copy(update={"slack": slack}))
        await scene.bot.start()
        await scene.reads(room, "second canary word")

        for words in ("first canary word", "second canary word"):
            assert len([one for one in await scene.messages(room) if words in said(one)]) == 1
        told = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
        assert [text for text in told if "refuses the bot's token (token_revoked)" in text]
        for secret in (Emulate.bot_token, revoked, token, "canary"):
            assert secret not in caplog.text
