"""Flows that begin by themselves with many at once: the same as with each alone, and nobody holds up the rest."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from storage import together
from storage.actions import PUBLISHED
from storage.store import Store, Transaction
from tests.bot.conftest import Talking
from tests.bot.talking import Talk
from tests.waiting import PATIENCE

HOUR = timedelta(hours=1)
MANY = together.MOST + 5

STARTS = "starts: {moment: action.start, offset: -2 hours, who: signed_up, until: 10 minutes before}\nstart: a\n"
SAYS = f"""
flow: says
{STARTS}
states:
  a: {{say: "{{{{ me.name }}}}: {{{{ action.title }}}} {{{{ action.until_then }}}}", end: told}}
"""
ASKS = f"""
flow: asks
{STARTS}
states:
  a:
    decide:
      - {{when: action.going > 1, go: b}}
      - {{else: c}}
  b:
    ask: Still coming, {{{{ me.name }}}}?
    expect: yes_no
    on: {{yes: c, no: c}}
    after:
      1 day: {{go: c}}
  c: {{end: told}}
"""
DOES = f"""
flow: does
{STARTS}
states:
  a: {{do: tell_coordinators, with: {{about: them}}, go: b}}
  b: {{say: Done., end: told}}
"""


async def comes(talk: Talk, many: int = MANY) -> int:
    """An action in two hours to which so many come, p0 and so on; its number."""

    async def work(tx: Transaction) -> int:
        at = tx.now + 2 * HOUR
        number = await tx.actions.add(title="Rally", starts_at=at, ends_at=at + HOUR, zone="UTC", state=PUBLISHED)
        for each in range(many):
            person = await tx.people.by_address("web", "web", f"p{each}")
            if person is None:
                person = await tx.people.add("web", "web", f"p{each}", "en")
                await tx.people.save(person.id, {"name": f"P{each}"})
            await tx.actions.sign_up(number, person.id, "yes")
        return number

    return await talk.store.run(work)


async def kept(talk: Talk, number: int) -> list[tuple[Any, ...]]:
    """All that begun flows left of each, in order."""

    async def work(tx: Transaction) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        for each in await tx.actions.people(number):
            loaded = await tx.people.load(each.person_id)
            assert loaded is not None
            lines = [line for line in await tx.ledger.of(each.person_id) if line.at == tx.now]
            messages = [one for one in await tx.outbox.history(each.person_id, 0, 50) if one.created_at == tx.now]
            found.append((
                [(line.what, line.flow, line.subject.replace(str(number), "N"), line.detail) for line in lines],
                [(one.flow, one.state, one.question, one.asked) for one in loaded.conversations
                 if one.entered_at == tx.now],
                [(one.say, one.state, one.conversation_id is None) for one in messages],
                [at - tx.now for at in await tx.moments.reminders(each.person_id, tx.now - HOUR)],
            ))  # fmt: skip
        return found

    return await talk.store.run(work)


@pytest.mark.parametrize(
    ("flows", "heard"),
    [
        ({"says": SAYS}, "P7: Rally in 2 hours"),
        ({"asks": ASKS}, "Still coming, P7?"),
        ({"asks": ASKS, "says": SAYS}, "Still coming, P7?"),
    ],
    ids=["said", "asked", "held back"],
)
async def test_what_several_were_begun_with_together_is_what_each_alone_is_begun_with(
    talking: Talking, monkeypatch: pytest.MonkeyPatch, flows: dict[str, str], heard: str
) -> None:
    talk = await talking(flows)
    first = await comes(talk)
    await talk.tick()
    with_others = await kept(talk, first)
    assert [text for _, text in await talk.send()].count(heard) == 1
    talk.watch.forward(timedelta(days=8))
    await talk.tick()
    talk.watch.forward(HOUR)
    second = await comes(talk)
    monkeypatch.setattr(together, "MOST", 1)
    await talk.tick()
    alone = await kept(talk, second)
    assert with_others == alone
    assert [len(messages) for _, _, messages, _ in alone] == [1] * MANY


async def test_what_is_done_for_each_is_done_in_a_transaction_of_their_own(talking: Talking) -> None:
    talk = await talking({"does": DOES})
    await comes(talk)
    await talk.tick()
    assert sorted(await talk.send()) == sorted((f"p{each}", "Done.") for each in range(MANY))
    await talk.tick()
    assert await talk.send() == []


async def test_whoever_breaks_leaves_the_others(talking: Talking, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = await talking({"says": SAYS})
    await comes(talk)
    broken = (await talk.loaded("p3")).person.id
    load: Callable[..., Any] = talk.turns._turn

    def breaks(tx: Transaction, loaded: Any, **more: Any) -> Any:
        if loaded.person.id == broken:
            raise RuntimeError("p3")
        return load(tx, loaded, **more)

    monkeypatch.setattr(talk.turns, "_turn", breaks)
    for _ in range(4):
        await talk.tick()
    assert sorted(who for who, _ in await talk.send()) == sorted(f"p{each}" for each in range(MANY) if each != 3)
    assert await talk.ledger("turn failed") == 1


async def test_what_another_process_has_just_begun_is_not_held_back(talking: Talking) -> None:
    talk = await talking({"says": SAYS})
    number = await comes(talk, 3)
    people = [(await talk.loaded(f"p{each}")).person.id for each in range(3)]
    about = ("says", f"action:{number}", "2026-03-02T12:00Z")
    # Both have looked already who is to be begun with.
    assert await talk.turns.moments(people, *about, late=False) == 3
    assert await talk.turns.moments(people, *about, late=False) == 0
    assert await talk.turns.moment(people[0], *about) is False
    assert (await talk.ledger("reminded"), await talk.ledger("held back")) == (3, 0)
    talk.watch.forward(HOUR)
    assert await talk.turns.moments(people, *about, late=False) == 0
    assert len(await talk.send()) == 3


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
async def test_whoever_has_another_turn_just_now_is_left_for_the_next_look(talking: Talking, store: Store) -> None:
    talk = await talking({"says": SAYS})
    await comes(talk)
    busy, go_on = asyncio.Event(), asyncio.Event()
    person = (await talk.loaded("p3")).person.id

    async def another(tx: Transaction) -> None:
        await tx.people.load(person)
        busy.set()
        await go_on.wait()

    turn = asyncio.create_task(store.run(another))
    await busy.wait()
    async with asyncio.timeout(PATIENCE):
        await talk.tick()
    assert len(await talk.send()) == MANY - 1
    go_on.set()
    await turn
    talk.watch.forward(timedelta(seconds=1))
    await talk.tick()
    assert [who for who, _ in await talk.send()] == ["p3"]
