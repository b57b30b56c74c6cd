"""People whose names, numbers, addresses and texts nothing else looks like, and a search that finds every one of them.

They play the journey through real turns. What may hold a canary, and what must not, is for who calls this to say.
"""

import asyncio
import io
import logging
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import httpx
from fastapi import FastAPI
from sqlalchemy import cast, literal_column, select, text
from sqlalchemy.types import Text

from bot.desks.acting import Press, act
from bot.desks.base import WRITE
from bot.desks.showing import view
from bot.due import SWEEP
from bot.health import Health
from bot.log import JsonLine
from storage import copies, key_copies, schema, transfer
from storage.audit import COORDINATOR
from storage.snapshot import plain
from storage.store import Store, Transaction
from storage.tables import Row
from tests.bot.neighbourhood import ANSWERS, Neighbourhood
from tests.databases import Database, Watch

MONDAY = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
SATURDAY = datetime(2026, 6, 6, 10, 0, tzinfo=UTC)

_KNOWN = re.compile(rb"zxcanari[a-z-]*(\d{4})|7755 ?500(\d{4})", re.IGNORECASE)
_WORD = b"zxcanari"


def _coded() -> Iterable[bytes]:
    """As hex, and as base64, where it may be the first, second or third of the bytes that four signs stand for."""
    yield _WORD.hex().encode()
    for before in range(3):
        signs = b64encode(bytes(before) + _WORD)
        # Those at the ends depend on what is beside it.
        yield signs[-(-8 * before // 6) : 8 * (before + len(_WORD)) // 6]


_CODED = re.compile(b"|".join(map(re.escape, _coded())), re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Canary:
    """Somebody, by their number here."""

    number: int

    @property
    def name(self) -> str:
        return f"Qzxcanari{self.number:04}"

    @property
    def address(self) -> str:
        return f"qzxcanari-address-{self.number:04}"

    @property
    def contact(self) -> str:
        return f"+44 7755 500{self.number:04}"

    def says(self, what: str) -> str:
        return f"You know, it is qzxcanari-{what}-{self.number:04}."


def found(data: bytes) -> set[int]:
    """The numbers of those of whom something can be read there. Fails where it is readable in another spelling."""
    coded = _CODED.search(data)
    assert coded is None, data[max(0, coded.start() - 80) : coded.end() + 80]
    return {int(first or second) for first, second in _KNOWN.findall(data)}


def contacts(text: str) -> list[str]:
    """The numbers and addresses that stand in it."""
    return re.findall(r"7755 ?500\d{4}|zxcanari-address-\d{4}", text)


@dataclass
class Flock:
    """As many newcomers as buddies, who go from hello to an action. `codes`: what was told to be written elsewhere."""

    here: Neighbourhood
    newcomers: list[Canary]
    buddies: list[Canary]

    @property
    def everybody(self) -> list[Canary]:
        return [*self.newcomers, *self.buddies]

    @property
    def codes(self) -> list[str]:
        """The one-time codes that people were told."""
        heard = (text for texts in self.here.heard.values() for text in texts)
        return [match[1] for each in heard if (match := re.search(r"\n\*([\w-]{6,})\*\n", each))]

    async def each(self, who: Iterable[Canary], *texts: str) -> None:
        """All of these say these things; a minute later what follows by then happens. "{contact}", "{text}": their own.

        A minute, because whoever found no free buddy, so many asking at one moment, is looked at again only then.
        """
        people = list(who)
        for each in texts:
            for canary in people:
                said = each.format(contact=canary.contact, text=canary.says("text"))
                await self.here.say(said, canary.address, name=canary.name)
            self.here.watch.forward(SWEEP)
            await self.here.settle()

    async def play(self) -> None:
        """The journey, with most that can be said on it, and a turn that breaks."""
        here = self.here
        for canary in self.buddies:
            await here.buddy(canary.address, capacity=1, name=canary.name)
        await here.action(1, SATURDAY)
        await self.each(self.newcomers, "hello", *ANSWERS[:2], "{text}", *ANSWERS[2:])
        await self.each(self.buddies, "yes", "{text}")
        await self.each(self.newcomers, "{text}")
        await self.each(self.everybody, "share", "{contact}", "Share it")
        await self.each(self.newcomers, "actions", "1", "yes", "9:30", "human", "{text}")
        await here.store.run(self._answered)
        await self.each(self.newcomers, "{text}", "other phone", "export")
        await self.each(self.newcomers[::5], "another", "It felt wrong", "report", "{text}")
        with patch("bot.turn.hear", side_effect=ValueError(self.newcomers[0].says("error"))):
            await self.each(self.newcomers[:1], "{text}")
        here.watch.now = SATURDAY - timedelta(days=1)
        await here.settle()

    async def _answered(self, tx: Transaction) -> None:
        for card in await tx.cards.open(2000):
            if card.kind == "human":
                await act(
                    tx,
                    self.here.world,
                    Press(card=card.id, button=WRITE, text="We are here.", role=COORDINATOR, by="Lou"),
                )


async def flock(store: Store, watch: Watch, pairs: int) -> Flock:
    """So many newcomers, each with a buddy to come, on a Monday in Leeds."""
    watch.now = MONDAY
    here = Neighbourhood(store, watch)
    await here.libraries.begin()
    return Flock(here, [Canary(each) for each in range(pairs)], [Canary(5000 + each) for each in range(pairs)])


def stored(database: Database) -> bytes:
    """All that is in the database just now: on SQLite the bytes of all its files, the log too, on Postgres all rows."""
    if database.path is not None:
        return b"".join(file.read_bytes() for file in sorted(database.path.parent.glob(f"{database.path.stem}.*")))
    rows: list[str] = []
    with schema.connection(database.url) as opened:
        for table in map(plain, Row.metadata.sorted_tables):
            whole = cast(literal_column(table.name), Text)
            rows += opened.execute(select(whole).select_from(table)).scalars().all()
    return "\n".join(rows).encode()


def on_disk(database: Database) -> bytes:
    """The files of a Postgres database, and of its server's log, once all of it is written there."""
    with schema.connection(database.url) as opened:
        opened.execute(text("CHECKPOINT"))
        folder = Path(opened.execute(text("SHOW data_directory")).scalar_one())
        number = opened.execute(text("SELECT oid FROM pg_database WHERE datname = current_database()")).scalar_one()
    files = [*(folder / "base" / str(number)).iterdir(), *(folder / "pg_wal").glob("0*")]
    return b"".join(file.read_bytes() for file in files)


@contextmanager
def logging_all() -> Iterator[io.StringIO]:
    """What is logged at DEBUG meanwhile, by libraries too, as `doorstep run` writes it."""
    root, lines = logging.getLogger(), io.StringIO()
    handler, level = logging.StreamHandler(lines), root.level
    handler.setFormatter(JsonLine())
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


async def tells(flock: Flock, path: str) -> str:
    health, app = Health(flock.here.store, flock.here.watch, lambda: 0), FastAPI()
    health.ready = True
    app.include_router(health.router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://doorstep.test") as client:
        return (await client.get(path)).text


async def cards(flock: Flock) -> list[str]:
    """Every card in its words, with what was written about it."""

    async def look(tx: Transaction) -> list[str]:
        library, zone = flock.here.libraries.current, flock.here.watch.now.tzinfo
        views = [await view(tx, card, library, zone) for card in await tx.cards.newest(5000)]  # type: ignore[arg-type]
        return ["\n".join([each.title, *each.lines, *(one.label for one in each.buttons)]) for each in views]

    return await flock.here.store.read(look)


async def everything(flock: Flock, database: Database, logged: io.StringIO) -> None:
    """They play the journey, and are looked for."""
    await flock.play()
    heard = "\n".join(text for texts in flock.here.heard.values() for text in texts)
    everybody = {each.number for each in flock.everybody}
    assert found(heard.encode()) == everybody, "they were there, and heard of each other"
    shown = "\n".join(await cards(flock))
    assert found(shown.encode()), "cards are about people"
    assert contacts(shown) == []
    assert len(flock.codes) == len(flock.newcomers)
    for written in (stored(database), *([] if database.path else [await asyncio.to_thread(on_disk, database)])):
        assert found(written) == set()
        assert not [
            code for code in flock.codes if code.encode() in written or code.replace("-", "").encode() in written
        ]
    assert found(logged.getvalue().encode()) == set()
    for path in ("/metrics", "/readyz", "/healthz"):
        assert found((await tells(flock, path)).encode()) == set()


async def forgotten_in_backups(flock: Flock, database: Database, folder: Path, key: Path) -> None:
    """Some are forgotten: with the keys of today nobody reads anything of them in the backup of yesterday."""
    backup, keys, other = folder / "backup.gz", folder / "keys.copy", folder / "other.db"
    await asyncio.to_thread(copies.backup, database.url, backup)
    gone = [*flock.newcomers[::3], *flock.buddies[1::3]]
    await flock.each(gone, "forget me", "yes")
    await asyncio.to_thread(key_copies.backup_keys, database.url, keys)
    assert found(stored(database)) == set()
    await asyncio.to_thread(copies.restore, f"sqlite:///{other}", backup, key, keys)
    for url, name in ((f"sqlite:///{other}", "restored"), (database.url, "live")):
        await asyncio.to_thread(transfer.export, url, key, folder / name)
        readable = found(b"".join(file.read_bytes() for file in (folder / name).iterdir()))
        assert readable == {each.number for each in flock.everybody} - {each.number for each in gone}, name
