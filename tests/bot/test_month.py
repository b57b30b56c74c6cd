"""A month of a campaign with 40 actions, in virtual time: every message that ten people got, in order.

What they got stands in `month.txt`, to be read as they did. One who changes a sentence or a reminder sees there what
becomes of it; the file is written anew by deleting it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.changed_actions import cancel_action, change_action
from bot.channels.base import Outbound, Receipt, SendFailed
from bot.codes import code
from bot.sender import Sender
from storage.actions import PUBLISHED
from storage.store import Store, Transaction
from tests.bot.neighbourhood import ANSWERS, Neighbourhood, places
from tests.bot.talking import Recorder
from tests.databases import Watch

GOLDEN = Path(__file__).with_name("month.txt")
BEGINS = datetime(2026, 3, 2, 10, tzinfo=UTC)
RALLY = datetime(2026, 3, 28, 11, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PEOPLE: Mapping[str, str] = {
    "ana": "confirms early", "ben": "said maybe", "cleo": "cancels", "dan": "swaps", "eve": "waits for a place",
    "finn": "moves to another city", "gus": "lives where it is night", "hana": "blocks the bot",
    "ivo": "comes without signing up", "sam": "hosts",
}  # fmt: skip


@dataclass
class Phones(Recorder):
    """Everybody's phones; who has `blocked` the bot gets nothing any more."""

    blocked: set[str] = field(default_factory=set)

    async def send(self, message: Outbound) -> Receipt:
        if message.address in self.blocked:
            raise SendFailed("they have blocked the bot", final=True)
        return await super().send(message)


class Month(Neighbourhood):
    """Neighbours with phones of which one stops answering."""

    def __init__(self, store: Store, watch: Watch) -> None:
        super().__init__(store, watch)
        self.channel: Phones = Phones()
        self.sender = Sender(store, self.channel, watch)


async def quiet_days(here: Month, until: datetime) -> None:
    """Time passes in which little happens: it is looked at every six hours."""
    while here.watch.now < until:
        here.watch.now = min(until, here.watch.now + 6 * HOUR)
        await here.settle()


async def _stall(tx: Transaction, at: datetime, **columns: Any) -> None:
    await tx.actions.add(
        starts_at=at, ends_at=at + HOUR, zone="Europe/London", secret="x", state=PUBLISHED, campaign="Spring", **columns
    )


async def month(here: Month) -> None:
    """All of it: forty actions of which one is the rally, and what each of the ten does about it."""
    sam = await here.buddy("sam", capacity=0)
    rally = await here.action(sam, RALLY, title="Rally for the park", capacity=6, campaign="Spring")
    other = await here.action(sam, RALLY + DAY, title="Plant trees", campaign="Spring")
    bristol = places().read("Bristol")
    assert bristol is not None
    far = {"title": "Rally by the river", "district": "Bristol", "cell": bristol.cell, "address": "Castle Park"}
    await here.action(sam, RALLY + 2 * HOUR, host_id=None, campaign="Spring", **far)
    for number in range(37):
        at = RALLY + timedelta(days=number % 3, hours=number % 5)
        stall: dict[str, Any] = {
            "title": f"Stall {number + 1}",
            "district": "Far away",
            "cell": "88396b5b63fffff",
            "host_id": None,
        }
        await here.store.run(partial(_stall, at=at, **stall))
    for who in ("ana", "ben", "cleo", "dan", "finn", "gus", "hana", "eve"):
        await here.says(who, "hello", *ANSWERS[:-1], "Not now", "yes")
        await here.says(who, "1", "maybe" if who == "ben" else "yes", *(["9:30"] if who != "ben" else []))
    gus = (await here.loaded("gus")).person
    await here.store.run(lambda tx: tx.people.save(gus.id, gus.fields, zone="Asia/Tokyo"))
    await quiet_days(here, BEGINS + 10 * DAY)
    await here.store.run(lambda tx: change_action(tx, rally, address="2 Park Row"))
    await here.settle()
    await here.says("ana", "I'll be there")
    here.channel.blocked.add("hana")
    await quiet_days(here, BEGINS + 15 * DAY)
    await here.says("cleo", "can't come", "1", "no")
    await here.says("finn", "can't come", "1", "no")
    await here.says("finn", "start", "1 and 3", "Bristol", "Saturdays", "yes", "Not now", "yes")
    await here.says("finn", "1", "yes", "10:00")
    await quiet_days(here, RALLY - 3 * DAY)
    await here.until(RALLY - 3 * DAY + HOUR)
    await here.says("dan", "Another one", "1")
    await here.says("ben", "I'll come")
    await quiet_days(here, RALLY - 27 * HOUR)
    await here.until(RALLY + HOUR / 12)
    action = await here.store.run(lambda tx: tx.actions.get(rally))
    assert action is not None
    for who in ("ana", "eve"):
        await here.says(who, code(action, here.watch.now))
    await here.says("ivo", "hello", "skip", "skip", "skip", "skip")
    await here.says("ivo", "code", code(action, here.watch.now))
    await here.until(RALLY + 12 * HOUR)
    await here.store.run(lambda tx: cancel_action(tx, other))
    await here.until(RALLY + 2 * DAY + 6 * HOUR)
    await quiet_days(here, BEGINS + 31 * DAY)


@pytest.mark.slow
async def test_every_message_of_a_month_is_what_it_was(store: Store, watch: Watch) -> None:
    here = Month(store, watch)
    await here.libraries.begin()
    told: dict[str, list[str]] = {who: [] for who in PEOPLE}
    sends = here.send

    async def send() -> list[tuple[str, str]]:
        sent = await sends()
        for who, text in sent:
            told[who].append(f"{watch.now:%a %d %b %H:%M}  " + " / ".join(text.split("\n")))
        return sent

    here.send = send  # type: ignore[method-assign]
    await month(here)
    written = "\n\n".join("\n".join([f"== {who}: {about}", *told[who]]) for who, about in PEOPLE.items()) + "\n"
    if not GOLDEN.exists():
        GOLDEN.write_text(written, "utf-8")
    assert written == GOLDEN.read_text("utf-8")
    # Whoever blocks the bot is no secret: coordinators see what could not be sent, once.
    assert [kind for kind, _ in await here.cards()].count("failed_send") == 1
