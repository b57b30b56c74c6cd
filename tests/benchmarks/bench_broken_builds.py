"""Builds with one line broken each: how many seeds `doorstep rehearse --faults` needs to catch each of them.

Exit 1 where one is not caught within 50 seeds.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SEEDS = 50

PLAY = """
import sys
from pathlib import Path
from bot.places import Places
from bot.rehearse import ZONE, Wanted, rehearse
places = Places(zone=ZONE)
places.load()
for seed in range(1, int(sys.argv[1]) + 1):
    found = rehearse(Wanted(8, 3, 5, seed, True), Path("flows"), places=places)
    if found.broken:
        print(seed, found.broken)
        break
"""


class Broken(NamedTuple):
    """A build: in this file, the line `was` has become `now`."""

    what: str
    file: str
    was: str
    now: str


BUILDS = (
    Broken(
        "an event that was seen is taken again",
        "storage/inbox.py",
        "        await session.later(_ADD, *row, otherwise=SeenBefore)\n",
        "        await session.later(_ADD, *row)\n",
    ),
    Broken(
        "an event is acknowledged though the database was away",
        "bot/turn.py",
        "            except (*_AWAY, KeyDestroyed):\n                raise\n",
        "            except (*_AWAY, KeyDestroyed):\n                return\n",
    ),
    Broken(
        "what waits for somebody who stopped is sent",
        "storage/sending.py",
        "if status == FORGOTTEN or (status in (STOPPED, BLOCKED) and not always):",
        "if status == FORGOTTEN:",
    ),
    Broken(
        "a lost answer counts as a refusal",
        "bot/verdict.py",
        "doubtful=result.unknown or message.maybe_sent)",
        "doubtful=False)",
    ),
    Broken(
        "what failed for now counts as sent",
        "bot/verdict.py",
        "    reason = plain(result.reason, message.address)\n",
        "    return Outcome(message, SENT)\n",
    ),
    Broken(
        "what a killed process had claimed stays claimed",
        "bot/sender.py",
        "            await tx.outbox.release(self._channel.name, self._channel.account)\n",
        "            return\n",
    ),
    Broken(
        "a refusal of the whole account is not heard",
        "bot/waits.py",
        "                self.pace.pause(until)\n",
        "                pass\n",
    ),
    Broken(
        "a refusal of one chat pauses everybody",
        "bot/waits.py",
        "            if result.everyone:\n",
        "            if result.retry_after:\n",
    ),
    Broken(
        "a chat is written to as fast as it goes",
        "bot/pace.py",
        "            self._free[chat] = max(self._free.get(chat, at), at) + self._every\n",
        "            self._free[chat] = at\n",
    ),
    Broken(
        "a later message of a chat overtakes the earlier",
        "storage/sending.py",
        "            _oldest_of_its_chat,\n        )\n",
        "        )\n",
    ),
    Broken(
        "broadcasts come before live conversations",
        "storage/sending.py",
        "    for priority in (LIVE, BROADCAST)\n",
        "    for priority in (BROADCAST, LIVE)\n",
    ),
    Broken(
        "the key of the forgotten stays",
        "storage/people.py",
        "        await self._vault.forget(self._session, person_id)\n",
        "",
    ),
    Broken(
        "what was sent is never deleted",
        "storage/outbox.py",
        "        return await _BODIES.delete(self._session, micros(before), limit)\n",
        "        return 0\n",
    ),
    Broken(
        "what people write is logged",
        "bot/turn.py",
        "        turn = await self._who(tx, inbound, said)\n        person = turn.person\n",
        "        turn = await self._who(tx, inbound, said)\n        person = turn.person\n"
        '        log.warning("%s wrote", inbound.address)\n',
    ),
)


def built(build: Broken, folder: Path) -> None:
    """A copy of the project with that line broken. Raises ValueError where the line is not there just once."""
    for part in ("flows", "storage", "bot"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / build.file
    text = file.read_text("utf-8")
    if text.count(build.was) != 1:
        raise ValueError(f"{build.what}: the line is there {text.count(build.was)} times in {build.file}")
    file.write_text(text.replace(build.was, build.now), "utf-8")


def caught(build: Broken) -> str:
    """The seed that catches a build, and what it says; "" where none does."""
    with tempfile.TemporaryDirectory() as folder:
        built(build, Path(folder))
        done = subprocess.run(
            [sys.executable, "-c", PLAY, str(SEEDS)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": folder},
            capture_output=True,
            text=True,
            check=True,
        )
    return done.stdout.strip()


def main() -> int:
    """Tries them all."""
    missed = 0
    for build in BUILDS:
        found = caught(build)
        missed += not found
        print(f"{build.what}: " + (f"seed {found}" if found else f"NOT CAUGHT in {SEEDS} seeds"), flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
