"""Whom coordinators mute or block from a card."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.blocking import BLOCK, FREE, MUTE
from bot.desks.acting import NotDone, Press, act
from bot.desks.showing import view
from flows import phrases
from storage.audit import COORDINATOR
from storage.cards import Card
from storage.pairs import FROZEN
from storage.people import ACTIVE, BLOCKED
from storage.store import Store
from tests.bot.neighbourhood import ANSWERS, Neighbourhood
from tests.databases import Watch


@pytest.fixture
async def here(store: Store, watch: Watch) -> Neighbourhood:
    """Ana and Sam are introduced, and Ana has asked for a human."""
    found = Neighbourhood(store, watch)
    await found.libraries.begin()
    await found.buddy()
    await found.says("ana", "hello", *ANSWERS)
    await found.says("sam", "yes")
    await found.says("ana", "human", "About my dog")
    await found.says("sam", "hello Ana")
    watch.forward(timedelta(minutes=1))
    return found


async def card_of(here: Neighbourhood, kind: str) -> Card:
    return next(card for card in await here.store.read(lambda tx: tx.cards.newest(50)) if card.kind == kind)


async def press(here: Neighbourhood, button: str, kind: str = "human") -> None:
    card = await card_of(here, kind)
    await here.store.run(lambda tx: act(tx, here.world, Press(card=card.id, button=button, role=COORDINATOR, by="Kim")))
    await here.settle()


async def buttons(here: Neighbourhood, kind: str = "human") -> list[str]:
    card = await card_of(here, kind)
    shown = await here.store.read(lambda tx: view(tx, card, here.libraries.current, ZoneInfo("UTC")))
    return [each.label for each in shown.buttons]


async def test_no_word_of_a_muted_person_reaches_anybody(here: Neighbourhood) -> None:
    await press(here, MUTE)
    heard = len(here.heard["sam"])
    for text in ("Sam: buy my things", "human", "Please help", "told you so"):
        await here.says("ana", text)
    assert len(here.heard["sam"]) == heard
    assert phrases.NOT_PASSED_ON in here.heard["ana"]
    lines = await here.store.read(lambda tx: tx.desks.lines("test", 50))
    assert lines == []


async def test_what_feels_wrong_to_a_muted_person_freezes_the_pair_and_is_shown_without_their_words(
    here: Neighbourhood,
) -> None:
    await press(here, MUTE)
    await here.says("ana", "report", "horrible words")
    card = await card_of(here, "report")
    assert "horrible" not in str(card.body)
    person = await here.person()
    assert person is not None
    assert [pair.state for pair in await here.store.read(lambda tx: tx.pairs.of(person.id))] == [FROZEN]


async def test_a_muted_person_is_introduced_to_nobody_new(here: Neighbourhood) -> None:
    await press(here, MUTE)
    await here.buddy("eve")
    await here.says("ana", "another", "yes", "Yes please")
    assert not [text for text in here.heard["eve"] if "Ana" in text]


async def test_a_blocked_person_hears_one_line_and_nothing_more(here: Neighbourhood) -> None:
    heard = len(here.heard["ana"])
    await press(here, BLOCK)
    assert here.heard["ana"][heard:] == [phrases.BLOCKED.replace("{group}", "Leeds Together")]
    for text in ("hello", "human", "start", "Sam: hey", "help", "stop"):
        assert await here.says("ana", text) == []
    person = await here.person()
    assert person is not None
    assert person.status == BLOCKED


async def test_what_a_blocked_person_writes_is_not_kept(here: Neighbourhood) -> None:
    await press(here, BLOCK)
    await here.says("ana", "a secret threat")
    person = await here.person()
    assert person is not None
    newest = (await here.store.read(lambda tx: tx.inbox.history(person.id, 1)))[0]
    assert (newest.kind, dict(newest.body)) == ("unread", {})


async def test_the_pairs_of_a_blocked_person_freeze_and_the_other_is_told_kindly(here: Neighbourhood) -> None:
    heard = len(here.heard["sam"])
    await press(here, BLOCK)
    person = await here.person()
    assert person is not None
    assert [pair.state for pair in await here.store.read(lambda tx: tx.pairs.of(person.id))] == [FROZEN]
    assert any("You and Ana are no longer in touch" in text for text in here.heard["sam"][heard:])


async def test_of_a_report_it_is_the_other_who_is_blocked(here: Neighbourhood) -> None:
    await here.says("ana", "report", "He shouted at me")
    assert await buttons(here, "report") == ["Send", "Done", "Mute Sam", "Block Sam"]
    await press(here, BLOCK, "report")
    ana, sam = await here.person("ana"), await here.person("sam")
    assert ana is not None
    assert sam is not None
    assert (ana.status, sam.status) == (ACTIVE, BLOCKED)


async def test_who_was_set_free_is_heard_again(here: Neighbourhood) -> None:
    await press(here, MUTE)
    assert await buttons(here) == ["Send", "Done", "Let Ana write again", "Block Ana"]
    await press(here, FREE)
    await here.says("ana", "Sam: shall we meet?")
    assert any("shall we meet?" in text for text in here.heard["sam"])
    await press(here, BLOCK)
    assert await buttons(here) == ["Send", "Done", "Let Ana write again"]
    await press(here, FREE)
    assert await here.says("ana", "help") != []


async def test_a_card_about_two_people_mutes_nobody(here: Neighbourhood) -> None:
    with pytest.raises(NotDone):
        await press(here, MUTE, "match")
