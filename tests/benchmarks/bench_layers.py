"""Where the time of one turn goes, in microseconds a layer; memory per person; start-up time.

python tests/benchmarks/bench_layers.py
"""

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import storage.conversations
import storage.outbox
import storage.people
from bot.app import open_bot
from bot.world import World
from flows.exchange import Exchange
from storage.sqlite import SqliteSession
from storage.vault import Seal
from storage.writer import Writer
from tests.benchmarks.bench_turns import FLOW, IN_FLIGHT, doorstep_turn, rate

ROOT = Path(__file__).parents[2]
PEOPLE = 5000
TURNS = 10_000
STARTS = 5

spent: dict[str, float] = defaultdict(float)


def timed(owner: Any, name: str, layer: str) -> None:
    """Adds the time of each call of `owner.name` to a layer."""
    original: Callable[..., Any] = getattr(owner, name)

    if asyncio.iscoroutinefunction(original):

        async def waited(*arguments: Any) -> Any:
            begun = time.perf_counter()
            try:
                return await original(*arguments)
            finally:
                spent[layer] += time.perf_counter() - begun

        setattr(owner, name, waited)
        return

    def called(*arguments: Any) -> Any:
        begun = time.perf_counter()
        try:
            return original(*arguments)
        finally:
            spent[layer] += time.perf_counter() - begun

    setattr(owner, name, called)


def played(original: Callable[..., Any]) -> Callable[..., Any]:
    """The exchange, timed; in these flows it asks its driver for nothing in between."""

    def play(self: Exchange, incoming: Any) -> Any:
        begun = time.perf_counter()
        yield from original(self, incoming)
        spent["flows: route, answer, next question"] += time.perf_counter() - begun

    return play


async def layers() -> None:
    """Prints the layers of a turn, 64 in flight and one at a time, and the memory that people take."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "flows/library").mkdir(parents=True)
        (folder / "flows/library/bench.yaml").write_text(FLOW)
        async with open_bot(f"sqlite:///{folder / 'x.db'}", folder / "x.key", folder / "flows", World()) as bot:
            turn = doorstep_turn(bot)
            before = _resident()
            await rate(turn, PEOPLE, PEOPLE, IN_FLIGHT, 0)
            print(f"memory per person who wrote lately: {(_resident() - before) / PEOPLE:,.0f} bytes")
            _instrument()
            begin = PEOPLE
            for in_flight in (IN_FLIGHT, 1):
                spent.clear()
                per_second = await rate(turn, TURNS, PEOPLE, in_flight, begin)
                begin += TURNS
                _table(f"{in_flight} in flight, {per_second:,.0f} turns a second while timed", 1 / per_second)


def _instrument() -> None:
    for name in ("row", "rows", "change", "change_many"):
        timed(SqliteSession, name, "storage: statements")
    for name in ("open", "close"):
        timed(Seal, name, "storage: sealing and opening")
    timed(storage.conversations, "pack_conversation", "storage: JSON")
    timed(storage.conversations, "unpack_conversation", "storage: JSON")
    timed(storage.outbox, "pack_say", "storage: JSON")
    timed(storage.people, "unpack", "storage: JSON")
    timed(Writer, "_committed", "storage: commit (FULL), shared by the group")
    timed(Writer, "_begun", "storage: begin")
    Exchange.play = played(Exchange.play)  # type: ignore[method-assign]


def _table(title: str, seconds_each: float) -> None:
    print(f"\n{title}")
    total = 0.0
    for layer, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        total += seconds
        print(f"  {seconds / TURNS * 1e6:8.1f} µs  {layer}")
    print(f"  {(seconds_each - total / TURNS) * 1e6:8.1f} µs  the rest: turn, hand-over between threads, event loop")


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def start_up() -> None:
    """Prints how long `doorstep run` takes to say `ready`, on a database that is there already."""
    with tempfile.TemporaryDirectory() as name:
        config = Path(name) / "config.toml"
        config.write_text(
            f'[org]\nname = "Bench"\n[flows]\nfolder = "{ROOT / "flows"}"\n[server]\nport = 0\npassphrase = "x"\n'
        )
        took = []
        for _ in range(STARTS + 1):
            begun = time.perf_counter()
            command = [sys.executable, "-m", "bot.cli", "run", "--config", str(config)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=dict(os.environ))
            assert process.stdout is not None
            assert process.stdout.readline().strip() == b"ready"
            took.append(time.perf_counter() - begun)
            process.terminate()
            process.wait(10)
            process.stdout.close()
        print(f"\n`doorstep run` to `ready`: {min(took[1:]):.2f} to {max(took[1:]):.2f} s ({STARTS} starts)")


def main() -> None:
    """Runs all of it."""
    asyncio.run(layers())
    start_up()


if __name__ == "__main__":
    main()
