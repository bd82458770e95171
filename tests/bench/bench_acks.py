"""How long Slack waits for an acknowledgement, beside Bolt alone: ``python -m tests.bench.bench_acks``.

Signed slash commands over HTTP, the same client, one run:

- Bolt as it comes: its listener does nothing, and it acknowledges while that runs;
- Bolt in the mode ``process_before_response``, its listener still doing nothing;
- ours: the signature, whether the command wants a form (asked of the core, on the database), the row committed and
  synced to disk (one commit for those who wait together), the acknowledgement.

A bare commit of one row to the same disk is measured in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import SplitResult, urlencode, urlsplit

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from sqlmodel import Session

from adapters.slack.serve import PATH
from adapters.stage.slackers import Posts, Slackers, sign
from chatops.config import Person, Settings
from chatops.config import Store as StoreSettings
from chatops.service import roster, schema
from chatops.service.decide import fresh
from chatops.service.interact import Interactive
from chatops.service.store import Store
from chatops.service.unit import Unit
from tests.adapters.slack.front import MAINTAINER, SECRET, serving
from tests.bench.bench_decisions import bare
from tests.service.kit import START

WAYS = ("Bolt as it comes", "Bolt, process_before_response", "ours, committed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", type=int, default=300, help="commands one after the other")
    parser.add_argument("--many", type=int, default=4000, help="commands 16 at a time")
    parser.add_argument("--rounds", type=int, default=3, help="of which the best counts")
    parser.add_argument("--serve", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.serve))
        return
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'chatops.db'}"
        with Store(url) as store:
            schema.upgrade(url)
            commits = [bare(store, n) * 1000 for n in range(100)]
    print(f"bare commit of one row: {statistics.median(commits):.2f} ms median")
    found = {way: asyncio.run(measure(way, options.one, options.many, options.rounds)) for way in WAYS}
    default = found[WAYS[0]]
    print(
        f"{'':32}{'median, one at a time':>24}{'of default':>12}{'16 at a time':>16}{'of default':>12}{'slowest':>12}"
    )
    for way, (median, rate, worst) in found.items():
        print(
            f"{way:32}{median:>21.2f} ms{median / default[0]:>11.2f}x{rate:>14,.0f}/s{rate / default[1]:>11.2f}x"
            f"{worst:>9.1f} ms"
        )


# --- the servers, each in a process of its own -----------------------------------------------------------------------


async def serve(way: str) -> None:
    """Serve until standard input ends; the first line printed is the address."""
    if way == WAYS[2]:
        with tempfile.TemporaryDirectory() as folder:
            async with serving(Path(folder)) as front:
                settings = Settings(
                    store=StoreSettings(url=front.store.url),
                    coordinators=(Person(name="maintainer", addresses=(f"slack:{MAINTAINER}",)),),
                )

                def fill(session: Session) -> None:
                    unit = Unit(session, settings, frozenset(), START, fresh, who="configuration")
                    roster.reconcile(unit, settings)

                front.store.write_now(fill)
                interactive = Interactive(settings, frozenset({"slack"}), lambda: START)
                front.core.may_open = interactive.may_open  # type: ignore[method-assign]
                front.core.form = interactive.form  # type: ignore[method-assign]
                assert front.posts is not None
                await _until_told(front.posts.url)
        return

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T000000001", bot_user_id="U0000BOT00")

    app = AsyncApp(signing_secret=SECRET, authorize=authorize, process_before_response=way == WAYS[1], name="bench")

    @app.command("/dynasched")
    async def take(ack: AsyncAck) -> None:
        await ack()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))  # type: ignore[arg-type]

    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await _until_told("http://{}:{}".format(*runner.addresses[0][:2]) + PATH)
    await runner.cleanup()


async def _until_told(address: str) -> None:
    print(address, flush=True)
    await asyncio.to_thread(sys.stdin.read)


# --- the client ------------------------------------------------------------------------------------------------------


async def measure(way: str, one: int, many: int, rounds: int) -> tuple[float, float, float]:
    """Median in milliseconds one at a time, acknowledgements a second at 16 at a time, and the slowest of these."""
    command = [sys.executable, "-m", "tests.bench.bench_acks", "--serve", way]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:  # noqa: ASYNC220
        assert server.stdout is not None
        url = urlsplit(server.stdout.readline().strip())
        await burst(url, 200, 16)
        alone = [await burst(url, one, 1) for _ in range(rounds)]
        together = [await burst(url, many, 16) for _ in range(rounds)]
        server.communicate()
    median = min(statistics.median(waited) for _, waited in alone) * 1000
    seconds, waited = min(together)
    return median, many / seconds, max(waited) * 1000


async def burst(url: SplitResult, number: int, at_a_time: int) -> tuple[float, list[float]]:
    """Send so many commands; the seconds it took, and what each waited."""
    posts = Posts(url.geturl(), SECRET)
    requests = [request(url, Slackers(posts), n) for n in range(number)]
    await posts.close()
    connections = [await asyncio.open_connection(url.hostname, url.port) for _ in range(at_a_time)]
    waited: list[float] = []

    async def person(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while requests:
            began = time.perf_counter()
            writer.write(requests.pop())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            await reader.readexactly(int(length[1]) if length else 0)
            waited.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(person(*connection) for connection in connections))
    return time.perf_counter() - began, waited


def request(url: SplitResult, people: Slackers, number: int) -> bytes:
    """A signed command, as bytes: a client of few words leaves the processor to the server."""
    form = people.command_form(
        MAINTAINER, f"show DS-2026-{number:04}", "C0PUBLIC", trigger_id=f"{time.time_ns()}.{number}"
    )
    body = urlencode(form)
    headers = {"Host": url.netloc, "Content-Type": "application/x-www-form-urlencoded", **sign(SECRET, body)}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {url.path} HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


if __name__ == "__main__":
    main()
