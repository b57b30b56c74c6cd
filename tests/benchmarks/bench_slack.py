"""From what someone does on Slack to the bot's answer on the wire: `doorstep run` on SQLite, Socket Mode, 20 events a
second. The stand-in is in this process, so its own work is in the numbers.

    python tests/benchmarks/bench_slack.py
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from statistics import quantiles
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bot.running import begun, free_port, write_config
from tests.bot.standins.slack import SlackServer
from tests.bot.test_killed import CHAIN

PEOPLE, EVENTS, RATE = 100, 600, 20


async def main() -> None:
    """Prints p50 and p99 in milliseconds."""
    async with SlackServer() as server:
        app = server.app("xoxb-1", app_token="xapp-1")
        people = [app.person(f"P{number}") for number in range(PEOPLE)]
        began: dict[str, float] = {}
        took: list[float] = []
        tell = app.event

        def noted(event: dict[str, Any]) -> None:
            if event.get("bot_id") and event["channel"] in began:
                took.append(time.perf_counter() - began.pop(event["channel"]))
            tell(event)

        app.event = noted  # type: ignore[method-assign]
        more = f'[channels.slack]\nbot_token = "xoxb-1"\napp_token = "xapp-1"\napi_base = "{server.url}"\n'
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{folder}/d.db"
            process = await begun(write_config(Path(folder), url, free_port(), {"chain": CHAIN}, more))
            await app.connected()
            for number in range(EVENTS):
                person = people[number % PEOPLE]
                began[person.dm.id] = time.perf_counter()
                person.say(f"word {number}")
                await asyncio.sleep(1 / RATE)
            await asyncio.sleep(3)
            process.terminate()
            await process.wait()
    cuts = quantiles(took, n=100)
    print(f"{len(took)} of {EVENTS} answered at {RATE}/s: p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms")


if __name__ == "__main__":
    asyncio.run(main())
