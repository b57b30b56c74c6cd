"""What opens a chat with the bot, on each database."""

from functools import partial

from bot import reach
from bot.world import World
from storage.store import Store, Transaction


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
