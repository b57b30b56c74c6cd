"""What a card is about, read in words."""

import pytest

from bot.desks.reading import body_of
from flows.model import Library
from flows.reader import STARTER, read_folder
from storage.pairs import OFFERED
from storage.store import Store, Transaction
from tests.databases import Watch


@pytest.fixture(scope="module")
def library() -> Library:
    return read_folder(STARTER).library


async def two(tx: Transaction, watch: Watch) -> tuple[int, int, int]:
    ids = []
    for name in ("Ana", "Sam"):
        person = await tx.people.add("web", "web", name, "es")
        fields = {"name": name, "place": "Leeds", "interests": ("food",), "contact": "07700 900000"}
        await tx.people.save(person.id, fields, role="buddy" if name == "Sam" else "")
        ids.append(person.id)
    pair = await tx.pairs.propose(ids[0], ids[1], OFFERED, 1.0, ["interests:food", "near"], watch.now)
    assert pair is not None
    return ids[0], ids[1], pair


async def test_a_match_has_both_names_and_why(store: Store, watch: Watch, library: Library) -> None:
    async def work(tx: Transaction) -> None:
        _, sam, pair = await two(tx, watch)
        number = await tx.cards.add("match", f"pair:{pair}", sam, {"pair": str(pair), "reasons": ["near"]})
        card = await tx.cards.get(number)
        assert card is not None
        body = await body_of(tx, card, library)
        assert (body["supporter"], body["buddy"], body["person"], body["district"]) == ("Ana", "Sam", "Ana", "Leeds")
        assert body["reasons"] == ("both care about 🥕 Mutual aid", "live near each other")
        assert "07700 900000" not in str(body)

    await store.run(work)


async def test_a_report_names_who_reports_and_about_whom(store: Store, watch: Watch, library: Library) -> None:
    async def work(tx: Transaction) -> None:
        ana, sam, pair = await two(tx, watch)
        reported = {"pair": str(pair), "about": "it felt wrong", "other": sam, "others": "7, 8"}
        card = await tx.cards.get(await tx.cards.add("report", f"pair:{pair}", ana, reported, urgent=True))
        assert card is not None
        body = await body_of(tx, card, library)
        assert (body["person"], body["other"], body["about"]) == ("Ana", "Sam", "it felt wrong")
        assert "others" not in body

    await store.run(work)


async def test_who_was_forgotten_is_left_out(store: Store, watch: Watch, library: Library) -> None:
    async def work(tx: Transaction) -> None:
        ana, sam, pair = await two(tx, watch)
        number = await tx.cards.add("match", f"pair:{pair}", sam, {"pair": str(pair)})
        await tx.people.forget(ana)
        card = await tx.cards.get(number)
        assert card is not None
        body = await body_of(tx, card, library)
        assert (body.get("supporter"), body["buddy"]) == (None, "Sam")
        assert "Ana" not in str(body)

    await store.run(work)
