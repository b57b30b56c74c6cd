"""For whom a message was: the answer to that is a name, and answers nothing else."""

from datetime import UTC, datetime

import pytest

from bot import relay
from flows.limits import TERMINAL
from storage.store import Store
from tests.bot.neighbourhood import ANSWERS, Neighbourhood
from tests.databases import Watch


@pytest.fixture
async def here(store: Store, watch: Watch) -> Neighbourhood:
    """Ana is being asked whether Sam may have her number, and writes something that is no answer to that."""
    watch.now = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
    made = Neighbourhood(store, watch)
    await made.libraries.begin()
    await made.buddy()
    await made.says("ana", "hello", *ANSWERS)
    await made.says("sam", "yes")
    await made.says("ana", "share", "0113 496 0000")
    return made


async def test_without_buttons_the_question_has_no_numbers_that_would_answer_another_one(
    here: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "LIMITS", {"web": TERMINAL})
    heard = await here.says("ana", "see you at six")
    assert "May I give this to Sam" in heard[-2]
    assert "Or was that for Sam?" in heard[-1]
    assert here.channel.outbound[-1].say.choices == ()
    await here.says("ana", "Sam")
    assert here.heard["sam"][-1] == "Ana: see you at six"


async def test_the_name_answers_beside_buttons_too(here: Neighbourhood) -> None:
    await here.says("ana", "see you at six")
    assert [choice.label for choice in here.channel.outbound[-1].say.choices] == ["Sam"]
    await here.says("ana", "sam!")
    assert here.heard["sam"][-1] == "Ana: see you at six"


async def test_a_name_that_comes_later_passes_nothing_on(here: Neighbourhood) -> None:
    await here.says("ana", "see you at six", "Not now")
    before = len(here.heard["sam"])
    await here.says("ana", "Sam")
    assert "Ana: see you at six" not in here.heard["sam"][before:]


async def test_a_name_in_front_is_no_part_of_what_is_passed_on(here: Neighbourhood) -> None:
    await here.says("ana", "Not now", "Sam: see you at six")
    assert here.heard["sam"][-1] == "Ana: see you at six"
