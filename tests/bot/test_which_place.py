"""Somebody names a place that could be several: they are asked which one, and an answer settles it."""

from datetime import UTC, datetime

import pytest

from flows import phrases
from storage.store import Store
from tests.bot.neighbourhood import ANSWERS, Neighbourhood, places
from tests.databases import Watch

NEWPORTS = ("Newport, Wales", "Newport, Southampton", "Newport, Wolverhampton")


@pytest.fixture
async def here(store: Store, watch: Watch) -> Neighbourhood:
    watch.now = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
    made = Neighbourhood(store, watch)
    await made.libraries.begin()
    return made


def shown(here: Neighbourhood) -> tuple[str, ...]:
    """What can be pressed below the last message."""
    return tuple(choice.label for choice in here.channel.outbound[-1].say.choices)


async def lives(here: Neighbourhood, who: str) -> tuple[object, str]:
    person = (await here.loaded(who)).person
    return person.fields.get("place"), person.district


async def press(here: Neighbourhood, who: str, label: str) -> None:
    asked = next(each for each in reversed(here.channel.outbound) if each.address == who and each.say.choices)
    key = next(choice.key for choice in asked.say.choices if choice.label == label)
    await here.say("", who, choice=key, question=asked.say.question, conversation=asked.conversation)
    await here.settle()


async def test_a_newcomer_is_asked_which_newport_and_presses_one(here: Neighbourhood) -> None:
    heard = await here.says("ana", "hello", "1", "Newport")
    assert heard[-1] == phrases.WHICH_PLACE
    assert shown(here) == (*NEWPORTS, phrases.NONE_OF_THESE)
    await press(here, "ana", NEWPORTS[1])
    assert here.heard["ana"][-1] == "When could you meet someone?"
    await here.says("ana", "Saturdays", "yes", "Yes please")
    place = places().read("Newport, Southampton")
    assert place is not None
    assert await lives(here, "ana") == (place.name, place.cell)


async def test_whoever_becomes_a_buddy_types_which_one(here: Neighbourhood) -> None:
    await here.says("sam", "buddy", "I'd love to", "climate", "newport")
    assert shown(here) == (*NEWPORTS, phrases.NONE_OF_THESE)
    await here.says("sam", "the first", "Saturdays", "yes", "I promise", "One")
    place = places().read("Newport, Wales")
    assert place is not None
    assert await lives(here, "sam") == (place.name, place.cell)


async def test_one_of_them_means_it_in_spanish_and_none_of_these_leads_on_too(here: Neighbourhood) -> None:
    heard = await here.says("ana", "hola", "1", "Newport", language="es")
    assert heard[-1] == "¿Cuál de estos quieres decir?"
    heard = await here.says("ana", "ninguno", language="es")
    assert heard[-1].startswith("Entonces prueba con la región o el país")
    assert shown(here) == ()
    await here.says("ana", "Newport", "Frome", "sábados", "sí", "Sí, por favor", language="es")
    assert (await lives(here, "ana"))[0] == "Frome"


async def test_where_it_is_tells_one_from_another_however_that_is_said(here: Neighbourhood) -> None:
    wales = places().read("Newport, Wales")
    assert wales is not None
    said = ("Wales", "the one in Wales", "la de Gales", "Newport in Wales", "near Southampton", "the last one")
    for number, which in enumerate(said):
        who = f"ana {number}"
        heard = await here.says(who, "hello", "1", "Newport", which)
        assert heard[-1] == "When could you meet someone?", which
        await here.says(who, "Saturdays", "yes", "Yes please")
        assert ((await lives(here, who))[1] == wales.cell) == (number < 4), which
    heard = await here.says("ben", "hello", "1", "Newport", "the one in England")
    assert heard[-1] == phrases.WHICH_PLACE
    assert shown(here) == (*NEWPORTS[1:], phrases.NONE_OF_THESE)


async def test_where_they_are_can_be_shared_in_the_place_of_an_answer(here: Neighbourhood) -> None:
    await here.says("ana", "hello", "1", "Newport")
    await here.say("", "ana", place="Leeds")
    await here.settle()
    assert here.heard["ana"][-1] == "When could you meet someone?"


async def test_nobody_is_asked_who_has_named_what_is_clear(here: Neighbourhood) -> None:
    await here.buddy("sam")
    heard = await here.says("ana", "hello", *ANSWERS)
    assert phrases.WHICH_PLACE not in heard
    assert (await lives(here, "ana"))[0] == "Leeds"
