"""What opens a chat with the bot, on each database."""

from datetime import UTC, datetime
from functools import partial

from bot import reach
from bot.do.base import Turn
from bot.group import Group
from bot.outcome import card
from bot.world import World
from flows.model import Library
from storage.store import Store, Transaction
from tests.bot.conftest import Talking


async def test_a_link_opens_the_chat_that_someone_knows_else_any_other_else_the_page(store: Store) -> None:
    everywhere = World(address="https://x.example/", accounts=(("slack", "main"), ("telegram", "south")))

    async def starts(tx: Transaction, world: World = everywhere) -> list[str]:
        return [await reach.start_of(tx, world), await reach.start_of(tx, world, "telegram", "north")]

    assert await store.run(starts) == ["https://x.example/?start="] * 2
    assert await store.run(lambda tx: starts(tx, World())) == ["/start "] * 2
    for name in ("south", "north", "north"):
        await store.run(partial(reach.found_at, channel="telegram", account=name, start=f"https://t.me/{name}?start="))
    assert await store.run(starts) == ["https://t.me/south?start=", "https://t.me/north?start="]
    assert await store.read(lambda tx: reach.start_at(tx, "slack", "main")) == ""


SHOWING = """
flow: showing
about: Shows a card of the group.
starts: {first_contact: true, words: [card]}
start: here
states:
  here: {say: Pass this on., attach: card, end: shown}
"""


async def test_a_card_is_words_and_a_code_that_every_platform_can_show(talking: Talking) -> None:
    talk = await talking({"showing": SHOWING}, Group(org={"name": "Neighbours"}, quiet=None))
    await talk.store.run(lambda tx: reach.found_at(tx, "web", "web", "https://t.me/x?start="))
    await talk.say("hi")
    ((_, text),) = await talk.send()
    words, group, link = [line for line in text.splitlines() if line]
    assert (words, group) == ("Pass this on.", "Neighbours")
    assert link.startswith("https://t.me/x?start=from-")
    assert talk.channel.outbound[0].say.attach == "qr"


async def test_the_card_of_an_action_tells_everybody_what_is_for_everybody(talking: Talking) -> None:
    talk = await talking({"showing": SHOWING}, Group(org={"name": "Neighbours"}, quiet=None))
    await talk.say("hi")

    async def work(tx: Transaction) -> str:
        starts = datetime(2026, 6, 6, 10, tzinfo=UTC)
        number = await tx.actions.add(
            title="Clean-up", starts_at=starts, ends_at=starts, zone="Europe/London", district="Leeds",
            address="1 Park Row", secret="secret 20469",
        )  # fmt: skip
        loaded = await tx.people.load(1)
        assert loaded is not None
        turn = Turn(tx=tx, world=talk.world, library=Library({}), person=loaded.person, fields={})
        return await card(turn, await tx.actions.get(number))

    lines = (await talk.store.run(work)).splitlines()
    assert (lines[0], lines[2], lines[3]) == ("*Clean-up*", "Leeds", "Neighbours")
    assert "11:00" in lines[1]
    assert lines[4].startswith("/start from-1-")
    assert not any(secret in line for line in lines for secret in ("Park Row", "4712"))
