"""An action of their own, and a link for a friend, as members ask for them."""

from datetime import UTC, datetime

from storage.actions import PROPOSED
from storage.cards import Card
from storage.store import Transaction
from tests.bot.do.members import Make, found, number_of, says
from tests.bot.talking import Talk


async def proposed(talk: Talk) -> list[Card]:
    cards: list[Card] = await talk.store.run(lambda tx: tx.cards.open(10))
    return cards


async def test_what_a_member_proposes_is_seen_by_coordinators_and_by_nobody_else_yet(bot: Make) -> None:
    talk = await bot()
    await talk.say("hey", "ana", name="Ana")
    heard = await says(talk, "ana", "my idea", "Plant trees", "Saturday", "10:30", "Casa de Campo", "spades, water")
    assert heard == "A coordinator looks at it."
    (card,) = await proposed(talk)
    assert card.kind == "action_proposed"
    number = int(card.subject.removeprefix("action:"))
    kept = await found(talk, number)
    assert (kept.title, kept.state, kept.host_id) == ("Plant trees", PROPOSED, await number_of(talk, "ana"))
    assert kept.starts_at == datetime(2026, 3, 7, 9, 30, tzinfo=UTC)
    assert kept.zone == "Europe/Madrid"
    assert kept.address == "Casa de Campo"
    needs = await talk.store.run(lambda tx: tx.actions.needs(number))
    assert [need.what for need in needs] == ["spades", "water"]
    assert len(kept.secret) == 32
    assert card.body["title"] == "Plant trees"
    assert "10:30" in str(card.body["when"])
    assert card.body["person"] == "Ana"
    assert await says(talk, "bo", "hey", "join in") == "Nothing."


async def test_a_time_that_is_past_is_not_possible_and_leaves_nothing(bot: Make) -> None:
    talk = await bot()
    await says(talk, "ana", "hey")
    assert await says(talk, "ana", "my idea", "Run", "today", "08:00", "here", "nothing") == "That cannot be."
    assert await proposed(talk) == []
    assert await talk.ledger("action.proposed") == 0


async def test_an_invitation_is_theirs_and_the_same_each_time(bot: Make) -> None:
    talk = await bot()
    await says(talk, "ana", "hey")
    told = [await says(talk, "ana", "ask others") for _ in range(2)]
    assert told[0] == told[1]
    assert told[0].startswith("Pass this on: https://chat.example.org/?start=")
    code = told[0].partition("=")[2]
    assert await talk.store.run(lambda tx: _inviter(tx, code)) == await number_of(talk, "ana")
    assert await talk.ledger("invited") == 2


async def test_who_comes_by_an_invitation_is_somebody_else(bot: Make) -> None:
    talk = await bot()
    await says(talk, "ana", "hey")
    code = (await says(talk, "ana", "ask others")).partition("=")[2]
    assert await says(talk, "bo", f"/start {code}") == "Hello."
    assert await number_of(talk, "ana") != await number_of(talk, "bo")


async def _inviter(tx: Transaction, code: str) -> int | None:
    return tx.links.inviter(code)
