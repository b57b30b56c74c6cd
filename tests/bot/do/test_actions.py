"""Signing up, bringing, being there and proposing, as people do it: in turns of a conversation."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.do.actions import move_up
from bot.do.base import Turn
from bot.group import Group
from bot.world import World
from storage.actions import PROPOSED, PUBLISHED, Action
from storage.cards import Card
from storage.signups import Signup
from storage.store import Store, Transaction
from tests.bot.talking import Talk, write
from tests.databases import Watch

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SECRET = "secret 20469"
"""Of an action whose first code is 4712."""


GREETING = """
flow: greeting
starts: {first_contact: true}
start: hello
states:
  hello: {say: Hello., end: greeted}
"""
COMING = """
flow: coming
starts: {words: [join in]}
start: which
states:
  which:
    ask: Which one?
    choices_from: actions_near_me
    save: action
    on: {none: nothing}
    go: how
  how:
    ask: Will you come?
    choices: {yes: I will, maybe: Perhaps}
    save: how
    go: others
  others:
    ask: How many others come with you?
    expect: number
    save: others
    go: sign
  sign:
    do: sign_up
    with: {as: "{{ answers.how }}", bringing: "{{ answers.others }}"}
    on: {signed_up: comes, waiting_list: waits, full: full, past: past}
  comes: {say: "Come to {{ action.address }}.", end: comes}
  waits: {say: "All {{ action.going }} places are taken.", go: waiting}
  waiting: {wait: signup.place_free, go: free}
  free: {say: A place is free., go: again}
  again:
    do: sign_up
    with: {as: "{{ answers.how }}"}
    on: {signed_up: got, waiting_list: waiting, full: full, past: past}
  got: {end: got}
  full: {say: Not so many places., end: full}
  past: {say: Too late., end: past}
  nothing: {say: Nothing., end: nothing}
"""
LEAVING = """
flow: leaving
starts: {words: [stay home]}
start: which
states:
  which:
    ask: Which one?
    choices_from: my_actions
    save: action
    on: {none: gone}
    go: cancel
  cancel:
    do: cancel_sign_up
    on: {done: done, gone: gone}
  done: {say: "{{ action.going }} still come.", end: done}
  gone: {say: There is none., end: gone}
"""
BRINGING = """
flow: bringing
starts: {words: [take along]}
start: which
states:
  which:
    ask: What can you bring?
    choices_from: open_needs
    save: need
    on: {none: nothing}
    go: claim
  claim:
    do: claim_need
    with: {need: "{{ answers.need }}"}
    on: {done: sure, gone: gone}
  sure:
    ask: Thank you! Sure?
    expect: yes_no
    on: {yes: fine, no: return}
  return:
    do: return_need
    on: {done: returned, gone: gone}
  fine: {say: Fine., end: fine}
  returned: {say: Somebody else will., end: returned}
  gone: {say: Somebody else brings it., end: gone}
  nothing: {say: All is there., end: nothing}
"""
THERE = """
flow: there
starts: {words: [arrived]}
start: code
states:
  code:
    ask: What is the code?
    expect: code
    save: code
    go: in
  in:
    do: check_in
    with: {code: "{{ answers.code }}"}
    on: {checked_in: there, wrong_code: wrong, not_now: early}
  there: {say: "Good to see you, for the {{ me.attended }}. time.", end: there}
  wrong: {say: That is not it., end: wrong}
  early: {say: Not now., end: early}
"""
PROPOSING = """
flow: proposing
starts: {words: [my idea]}
start: title
states:
  title: {ask: What shall we do?, expect: text, save: title, go: day}
  day: {ask: On which day?, expect: date, save: day, go: time}
  time: {ask: When?, expect: time, save: time, go: place}
  place: {ask: Where?, expect: text, save: place, go: bring}
  bring: {ask: What should people bring?, expect: text, save: bring, go: propose}
  propose:
    do: propose_action
    with:
      title: "{{ answers.title }}"
      place: "{{ answers.place }}"
      starts: "{{ answers.day }} {{ answers.time }}"
      bring: "{{ answers.bring }}"
    on: {proposed: proposed, not_possible: no}
  proposed: {say: A coordinator looks at it., end: proposed}
  no: {say: That cannot be., end: no}
"""
INVITING = """
flow: inviting
starts: {words: [ask others]}
start: link
states:
  link: {do: invite_link, go: told}
  told: {say: "Pass this on: {{ answers.link }}", end: told}
"""
ALONE = """
flow: alone
starts: {words: [alone]}
start: which
states:
  which: {ask: Where?, choices_from: my_actions, save: action, on: {none: end}, go: sign}
  sign:
    do: sign_up
    with: {bringing: "0"}
    on: {signed_up: left, waiting_list: end, full: end, past: end}
  left: {say: "{{ action.places_left }} places left.", end: alone}
  end: {end: nothing}
"""
AGAIN = """
flow: again
starts: {words: [again]}
start: which
states:
  which: {ask: Where?, choices_from: my_actions, save: action, on: {none: end}, go: sign}
  sign: {do: sign_up, go: end}
  end: {end: again}
"""
FLOWS = {
    "alone": ALONE, "again": AGAIN,
    "greeting": GREETING, "coming": COMING, "leaving": LEAVING, "bringing": BRINGING, "there": THERE,
    "proposing": PROPOSING, "inviting": INVITING,
}  # fmt: skip


Make = Callable[[], Awaitable[Talk]]


@pytest.fixture
def bot(store: Store, watch: Watch, tmp_path: Path) -> Make:
    """Makes a bot with these flows alone, for a group in Madrid."""

    async def make() -> Talk:
        write(tmp_path / "flows", FLOWS)
        world = World(Group(zone="Europe/Madrid", quiet=None), address="https://chat.example.org/")
        talk = Talk(store, watch, tmp_path / "flows", world)
        await talk.libraries.begin()
        return talk

    return make


async def action(talk: Talk, **more: Any) -> int:
    """An action on Saturday, published."""
    starts = more.pop("starts_at", NOW + 5 * DAY)
    told = {
        "title": "Clean-up", "starts_at": starts, "ends_at": starts + 2 * HOUR, "zone": "Europe/Madrid",
        "district": "Madrid", "address": "Calle Mayor 1", "secret": SECRET, "state": PUBLISHED, **more,
    }  # fmt: skip
    return await talk.store.run(lambda tx: tx.actions.add(**told))


async def says(talk: Talk, who: str, *texts: str) -> str:
    """They say these, one after the other; the last thing that the bot answers them."""
    heard: list[str] = []
    for text in texts:
        await talk.say(text, who)
        heard = await talk.hears(who)
    return heard[-1] if heard else ""


async def comes(talk: Talk, who: str, how: str = "yes", others: int = 0) -> str:
    if await talk.person(who) is None:
        await says(talk, who, "hey")
    return await says(talk, who, "join in", "1", how, str(others))


async def number_of(talk: Talk, who: str) -> int:
    person = await talk.person(who)
    assert person is not None
    return person.id


async def signup(talk: Talk, number: int, who: str) -> Signup | None:
    person_id = await number_of(talk, who)
    return await talk.store.run(lambda tx: tx.actions.signup(number, person_id))


async def found(talk: Talk, number: int) -> Action:
    action = await talk.store.run(lambda tx: tx.actions.get(number))
    assert action is not None
    return action


# --- coming ----------------------------------------------------------------------------------------------------


async def test_who_signs_up_is_told_the_address_and_counted_with_those_they_bring(bot: Make) -> None:
    talk = await bot()
    number = await action(talk, capacity=5)
    assert await comes(talk, "ana", others=2) == "Come to Calle Mayor 1."
    assert (await found(talk, number)).going == 3
    assert await talk.ledger("signup.made") == 1


async def test_a_maybe_takes_no_place_and_becomes_a_yes(bot: Make) -> None:
    talk = await bot()
    number = await action(talk, capacity=1)
    assert await comes(talk, "ana", "maybe") == "Come to Calle Mayor 1."
    assert (await found(talk, number)).going == 0
    assert await comes(talk, "bo") == "Come to Calle Mayor 1."
    assert await talk.ledger("signup.made") == 2


async def test_when_all_places_are_taken_they_wait_and_are_no_sign_up_yet(bot: Make) -> None:
    talk = await bot()
    number = await action(talk, capacity=1)
    await comes(talk, "ana")
    assert await comes(talk, "bo") == "All 1 places are taken."
    assert await talk.ledger("signup.made") == 1
    kept = await signup(talk, number, "bo")
    assert kept is not None
    assert kept.state == "waiting"


async def test_more_than_there_are_places_is_full(bot: Make) -> None:
    talk = await bot()
    await action(talk, capacity=2)
    assert await comes(talk, "ana", others=2) == "Not so many places."
    assert await talk.ledger("signup.made") == 0


async def test_what_is_over_by_the_time_they_answer_is_too_late(bot: Make) -> None:
    talk = await bot()
    await action(talk)
    await says(talk, "ana", "hey", "join in", "1", "yes")
    talk.watch.forward(6 * DAY)
    assert await says(talk, "ana", "0") == "Too late."


@pytest.mark.parametrize(("said", "others"), [("0", 0), ("three", 3), ("-2", 0), ("1000000", 50)])
async def test_how_many_others_is_read_kindly(bot: Make, said: str, others: int) -> None:
    talk = await bot()
    number = await action(talk)
    await says(talk, "ana", "hey", "join in", "1", "yes", said)
    kept = await signup(talk, number, "ana")
    assert kept is not None
    assert kept.bringing == others


async def test_many_at_once_take_no_more_places_than_there_are(bot: Make) -> None:
    talk = await bot()
    number = await action(talk, capacity=3)
    people = [f"p{each}" for each in range(10)]
    for text in ("hey", "join in", "1", "yes", "0"):
        await asyncio.gather(*(talk.say(text, who) for who in people))
    assert (await found(talk, number)).going == 3
    assert await talk.ledger("signup.made") == 3


# --- not coming ------------------------------------------------------------------------------------------------


async def test_who_cancels_is_not_counted_any_more(bot: Make) -> None:
    talk = await bot()
    number = await action(talk)
    await comes(talk, "ana", others=1)
    await comes(talk, "bo")
    assert await says(talk, "ana", "stay home", "1") == "1 still come."
    assert await signup(talk, number, "ana") is None
    assert await talk.ledger("signup.cancelled") == 1
    assert await says(talk, "ana", "stay home") == "There is none."


async def test_a_place_that_is_free_goes_to_who_has_waited_longest(bot: Make) -> None:
    talk = await bot()
    number = await action(talk, capacity=2)
    await comes(talk, "ana", others=1)
    for who in ("bo", "cem", "dee"):
        talk.watch.forward(HOUR)
        await comes(talk, who)
    await says(talk, "ana", "stay home", "1")
    await talk.tick()
    assert sorted(await talk.send()) == [("bo", "A place is free."), ("cem", "A place is free.")]
    assert (await found(talk, number)).going == 2
    kept = await signup(talk, number, "dee")
    assert kept is not None
    assert kept.state == "waiting"
    assert await talk.ledger("signup.made") == 3


async def test_who_waits_moves_up_once_if_there_is_room(bot: Make) -> None:
    talk = await bot()
    number = await action(talk, capacity=1)
    for who in ("ana", "bo"):
        await comes(talk, who)

    async def up(tx: Transaction) -> bool:
        bo = await tx.people.by_address("web", "web", "bo")
        assert bo is not None
        library = talk.libraries.current
        return await move_up(Turn(tx=tx, world=talk.world, library=library, person=bo, fields={}), number)

    assert not await talk.store.run(up)
    await says(talk, "ana", "stay home", "1")
    assert [await talk.store.run(up) for _ in range(2)] == [True, False]
    assert (await found(talk, number)).going == 1
    assert await talk.ledger("signup.made") == 2


async def test_who_brings_fewer_makes_room_too(bot: Make) -> None:
    talk = await bot()
    number = await action(talk, capacity=2)
    await comes(talk, "ana", others=1)
    await comes(talk, "bo")
    assert await says(talk, "ana", "alone", "1") == "1 places left."
    await talk.tick()
    assert await talk.hears("bo") == ["A place is free."]
    assert (await found(talk, number)).going == 2


async def test_who_says_again_that_they_come_brings_as_many_as_before(bot: Make) -> None:
    talk = await bot()
    number = await action(talk)
    await comes(talk, "ana", others=2)
    await says(talk, "ana", "again", "1")
    assert (await found(talk, number)).going == 3
    assert await talk.ledger("signup.made") == 1


async def test_nobody_is_told_of_a_place_when_nobody_waits(bot: Make) -> None:
    talk = await bot()
    await action(talk, capacity=2)
    await comes(talk, "ana")
    await says(talk, "ana", "stay home", "1")
    await talk.tick()
    assert await talk.send() == []
    assert await talk.ledger("signup.place_free") == 0


# --- bringing --------------------------------------------------------------------------------------------------


async def test_what_someone_brings_is_open_again_when_they_give_it_back_or_cancel(bot: Make) -> None:
    talk = await bot()
    number = await action(talk)
    need = await talk.store.run(lambda tx: tx.actions.add_need(number, "gloves"))
    for who in ("ana", "bo"):
        await comes(talk, who)

    async def claimed() -> int:
        (kept,) = await talk.store.run(lambda tx: tx.actions.needs(number))
        assert kept.id == need
        return kept.claimed

    assert await says(talk, "ana", "take along", "gloves") == "Thank you! Sure?"
    assert await claimed() == 1
    assert await says(talk, "bo", "take along") == "All is there."
    assert await says(talk, "ana", "no") == "Somebody else will."
    assert await claimed() == 0
    assert await says(talk, "bo", "take along", "1", "yes") == "Fine."
    await says(talk, "bo", "stay home", "1")
    assert await claimed() == 0


async def test_two_who_would_bring_the_last_one_are_told_apart(bot: Make) -> None:
    talk = await bot()
    number = await action(talk)
    await talk.store.run(lambda tx: tx.actions.add_need(number, "gloves"))
    for who in ("ana", "bo"):
        await comes(talk, who)
        await says(talk, who, "take along")
    assert await says(talk, "ana", "1") == "Thank you! Sure?"
    assert await says(talk, "bo", "1") == "Somebody else brings it."


# --- being there -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["4712", "the code is 4712", "4 7 1 2", "four seven one two", "47l2", "47I2", "4712."])
async def test_a_code_is_heard_however_it_is_typed_and_counts_once(bot: Make, said: str) -> None:
    talk = await bot()
    await action(talk, starts_at=NOW + HOUR)
    await comes(talk, "ana")
    for _ in range(2):
        assert await says(talk, "ana", "arrived", said) == "Good to see you, for the 1. time."
    assert await talk.ledger("checkin.made") == 1


async def test_each_action_is_one_more(bot: Make) -> None:
    talk = await bot()
    await action(talk, starts_at=NOW + HOUR)
    await comes(talk, "ana")
    await says(talk, "ana", "arrived", "4712")
    talk.watch.forward(DAY)
    await action(talk, starts_at=NOW + DAY, secret="secret 8426")
    await comes(talk, "ana")
    assert await says(talk, "ana", "arrived", "4712") == "That is not it."
    assert await says(talk, "ana", "arrived", "9001") == "Good to see you, for the 2. time."


@pytest.mark.parametrize(
    ("after_the_start", "answer"),
    [
        (-HOUR - timedelta(seconds=1), "Not now."), (-HOUR, "Good to see you, for the 1. time."),
        (14 * HOUR, "Good to see you, for the 1. time."), (14 * HOUR + timedelta(seconds=1), "Not now."),
    ],
)  # fmt: skip
async def test_there_is_from_an_hour_before_until_twelve_after(
    bot: Make, after_the_start: timedelta, answer: str
) -> None:
    talk = await bot()
    await action(talk)
    await comes(talk, "ana")
    talk.watch.now = NOW + 5 * DAY + after_the_start
    assert await says(talk, "ana", "arrived", "4712") == answer
    assert await talk.ledger("checkin.made") == (answer != "Not now.")


async def test_who_comes_without_having_signed_up_is_there_all_the_same(bot: Make) -> None:
    talk = await bot()
    number = await action(talk, starts_at=NOW, capacity=1)
    await comes(talk, "ana")
    await says(talk, "bo", "hey")
    assert await says(talk, "bo", "arrived", "4712") == "Good to see you, for the 1. time."
    kept = await signup(talk, number, "bo")
    assert kept is not None
    assert kept.checked_in_at == NOW
    assert (await found(talk, number)).going == 1


async def test_of_two_with_the_same_code_it_is_the_one_they_signed_up_for(bot: Make) -> None:
    talk = await bot()
    other = await action(talk, starts_at=NOW)
    hers = await action(talk, starts_at=NOW + timedelta(minutes=30))
    await says(talk, "ana", "hey", "join in", "2", "yes", "0", "arrived", "4712")
    assert await signup(talk, other, "ana") is None
    kept = await signup(talk, hers, "ana")
    assert kept is not None
    assert kept.checked_in_at == NOW


@pytest.mark.parametrize("code", ["", "0000"])
async def test_an_action_without_a_code_cannot_be_guessed(bot: Make, code: str) -> None:
    talk = await bot()
    await action(talk, starts_at=NOW, secret="")
    await comes(talk, "ana")
    assert await says(talk, "ana", "arrived", code or "///") != "Good to see you, for the 1. time."
    assert await talk.ledger("checkin.made") == 0


# --- proposing and inviting ------------------------------------------------------------------------------------


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
