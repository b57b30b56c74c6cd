from datetime import timedelta

from bot import own_phone
from storage.store import Store, Transaction
from tests.databases import Watch
from tests.storage.given import someone


async def claim(store: Store, text: str, person_id: int) -> bool:
    return await store.run(lambda tx: own_phone.claim(tx, text, person_id))


async def test_who_writes_the_word_has_the_phone_and_nobody_after_them(store: Store) -> None:
    ana, eve = await someone(store, "1"), await someone(store, "2")
    word = own_phone.new_word()
    assert not await claim(store, word, eve.id)
    await store.run(lambda tx: own_phone.expect(tx, word))
    assert await store.read(own_phone.person) is None
    for wrong in ("me", "me 0123456789", f"{word}0", word.removeprefix("me "), f"I am {word}"):
        assert not await claim(store, wrong, eve.id)
    assert await claim(store, f" {word.upper()}\n", ana.id)
    assert not await claim(store, word, eve.id)
    assert await store.read(own_phone.person) == ana.id


async def test_a_word_is_good_for_an_hour_and_the_newest_counts(store: Store, watch: Watch) -> None:
    ana = await someone(store)
    old, new = own_phone.new_word(), own_phone.new_word()
    await store.run(lambda tx: own_phone.expect(tx, old))
    await store.run(lambda tx: own_phone.expect(tx, new))
    assert not await claim(store, old, ana.id)
    watch.forward(own_phone.GOOD_FOR)
    assert not await claim(store, new, ana.id)
    await store.run(lambda tx: own_phone.expect(tx, new))
    watch.forward(own_phone.GOOD_FOR - timedelta(seconds=1))
    assert await claim(store, new, ana.id)


async def test_the_word_itself_is_not_stored(store: Store) -> None:
    word = own_phone.new_word()

    async def stored(tx: Transaction) -> str | None:
        await own_phone.expect(tx, word)
        return await tx.settings.get("own phone word")

    assert word.removeprefix("me ") not in str(await store.run(stored))
