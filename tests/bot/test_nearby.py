"""Moments of an action for others than those who signed up: who lives nearby, the buddies, the supporters."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import moments
from bot.cells import cell_at
from bot.group import Group
from bot.world import World
from flows.model import Value
from flows.times import QuietHours
from storage.actions import CANCELLED, PUBLISHED
from storage.pairs import BUDDY
from storage.store import Store, Transaction
from tests.bot.talking import ALWAYS, Talk, write
from tests.databases import Watch

MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LEEDS, BRADFORD, LONDON = cell_at(53.80, -1.55), cell_at(53.79, -1.75), cell_at(51.51, -0.13)


def flow(name: str, who: str, when: str = "action.start", offset: str = "-2 days", until: str = "2 days after") -> str:
    starts = f"{{moment: {when}, offset: {offset}, who: {who}, until: {until}}}"
    say = f"'{name} {{{{ action.title }}}}'"
    return f"flow: {name}\nstarts: {starts}\nstart: a\nstates:\n  a: {{say: {say}, end: a}}\n"


async def talk_of(store: Store, watch: Watch, folder: Path, flows: dict[str, str], quiet: str = "") -> Talk:
    write(folder / "flows", {**ALWAYS, **flows})
    group = Group(zone="UTC", weekly_cap=2, quiet=QuietHours.read(quiet) if quiet else None)
    talk = Talk(store, watch, folder / "flows", World(group))
    await talk.libraries.begin()
    return talk


async def person(tx: Transaction, who: str, cell: str = LEEDS, role: str = "", consents: bool = True) -> int:
    added = await tx.people.add("web", "web", who, "en")
    fields: dict[str, Value] = {"name": who, "consented": ("keep",) if consents else ()}
    await tx.people.save(added.id, fields, district=cell, role=role)
    if consents:
        await tx.consents.record(added.id, "keep", "Yes, keep it.", 1)
    return added.id


async def action(tx: Transaction, title: str = "rally", at: datetime = MONDAY + 2 * DAY, **more: Any) -> int:
    columns = {"cell": LEEDS, "state": PUBLISHED, **more}
    return await tx.actions.add(title=title, starts_at=at, ends_at=at + HOUR, zone="UTC", **columns)


async def told(talk: Talk) -> list[str]:
    """Who is told something now."""
    await talk.tick()
    return sorted(f"{who}: {text}" for who, text in await talk.send())


async def test_nearby_are_those_who_find_it_in_their_list_and_agreed_and_have_no_part_in_it(
    store: Store, watch: Watch, tmp_path: Path
) -> None:
    talk = await talk_of(store, watch, tmp_path, {"come": flow("come", "nearby")})

    async def work(tx: Transaction) -> None:
        people = {who: await person(tx, who) for who in ("ana", "signed", "maybe", "cancelled", "host", "stopped")}
        await person(tx, "near", BRADFORD)
        await person(tx, "far", LONDON)
        await person(tx, "anywhere", "")
        await person(tx, "stranger", consents=False)
        withdrawn = await person(tx, "withdrawn")
        await tx.consents.withdraw(withdrawn, "keep")
        await tx.people.save(people["stopped"], {}, status="stopped")
        number = await action(tx, host_id=people["host"])
        await action(tx, "over", MONDAY - HOUR)
        await action(tx, "called off", state=CANCELLED)
        for who in ("signed", "maybe", "cancelled"):
            await tx.actions.sign_up(number, people[who], "maybe" if who == "maybe" else "yes")
        await tx.actions.cancel(number, people["cancelled"])

    await store.run(work)
    expected = ["ana: come rally", "anywhere: come rally", "cancelled: come rally", "near: come rally"]
    assert await told(talk) == expected
    assert await told(talk) == []
    await store.run(lambda tx: person(tx, "bo"))
    watch.now += HOUR
    assert await told(talk) == ["bo: come rally"], "who comes to live there later hears of it as long as it makes sense"


async def test_an_action_whose_place_is_not_known_is_near_to_everybody(
    store: Store, watch: Watch, tmp_path: Path
) -> None:
    talk = await talk_of(store, watch, tmp_path, {"come": flow("come", "nearby")})

    async def work(tx: Transaction) -> None:
        for who, cell in (("ana", LEEDS), ("far", LONDON), ("anywhere", "")):
            await person(tx, who, cell)
        await action(tx, cell="")

    await store.run(work)
    assert await told(talk) == ["ana: come rally", "anywhere: come rally", "far: come rally"]


async def test_what_is_published_is_told_to_those_nearby(store: Store, watch: Watch, tmp_path: Path) -> None:
    new = flow("new", "nearby", "action.published", "1 hour")
    talk = await talk_of(store, watch, tmp_path, {"new": new})

    async def work(tx: Transaction) -> int:
        await person(tx, "ana")
        return await action(tx, at=MONDAY + 9 * DAY, state="proposed")

    number = await store.run(work)
    assert await told(talk) == []
    await store.run(lambda tx: tx.actions.change(number, state=PUBLISHED))
    assert await told(talk) == []
    watch.now += HOUR
    assert await told(talk) == ["ana: new rally"]


async def test_invitations_are_restrained_also_on_the_day_of_the_action(
    store: Store, watch: Watch, tmp_path: Path
) -> None:
    talk = await talk_of(store, watch, tmp_path, {"come": flow("come", "nearby", offset="-5 hours")}, "21:00-08:00")

    async def work(tx: Transaction) -> None:
        await person(tx, "ana")
        for day in range(3):
            await action(tx, f"action {day}", MONDAY + day * DAY + 6 * HOUR)
        await action(tx, "too soon", MONDAY + 6 * HOUR)

    await store.run(work)
    heard = []
    while watch.now < MONDAY + 2 * DAY + 8 * HOUR:
        watch.now += HOUR
        heard += [f"{watch.now:%a %H:%M} {each}" for each in await told(talk)]
    assert heard == [
        "Mon 11:00 ana: come action 0", "Mon 12:00 ana: come too soon", "Tue 11:00 ana: come action 1",
    ]  # fmt: skip
    lines = await store.read(lambda tx: tx.ledger.newest(100))
    held = [line.detail for line in reversed(lines) if line.what == "held back"]
    assert held == ["just had one", "weekly cap"]


async def test_an_invitation_that_was_missed_is_reported_of_those_it_was_for_and_sent_to_nobody(
    store: Store, watch: Watch, tmp_path: Path
) -> None:
    flows = {"come": flow("come", "nearby", offset="-1 day", until="12 hours before")}
    talk = await talk_of(store, watch, tmp_path, flows)

    async def work(tx: Transaction) -> None:
        await person(tx, "ana")
        await person(tx, "far away", LONDON)
        await action(tx)

    await store.run(work)
    assert await told(talk) == []
    # Down for three days; who comes to the bot only then has missed nothing.
    watch.now = MONDAY + 3 * DAY
    await store.run(lambda tx: person(tx, "ben"))
    assert await told(talk) == []
    assert await told(talk) == []
    lines = [line for line in await store.read(lambda tx: tx.ledger.newest(100)) if line.what == "too late"]
    ana = await talk.person("ana")
    assert ana is not None
    assert [(line.person_id, line.flow) for line in lines] == [(ana.id, "come")]


async def test_flows_that_are_new_have_invited_nobody_in_vain(store: Store, watch: Watch, tmp_path: Path) -> None:
    talk = await talk_of(store, watch, tmp_path, {})

    async def work(tx: Transaction) -> None:
        await person(tx, "ana")
        await action(tx)

    await store.run(work)
    watch.now = MONDAY + 3 * DAY
    write(tmp_path / "flows", {"come": flow("come", "nearby", offset="-1 day", until="12 hours before")})
    await talk.libraries.begin()
    assert await told(talk) == []
    assert await talk.ledger("too late") == 0


async def test_who_stops_or_signs_up_between_the_look_and_their_turn_is_not_invited(
    store: Store, watch: Watch, tmp_path: Path
) -> None:
    talk = await talk_of(store, watch, tmp_path, {"come": flow("come", "nearby")})

    async def work(tx: Transaction) -> tuple[int, int, int]:
        return await person(tx, "ana"), await person(tx, "ben"), await action(tx)

    ana, ben, number = await store.run(work)
    await store.run(lambda tx: tx.actions.sign_up(number, ana, "yes"))
    await store.run(lambda tx: tx.people.save(ben, {"consented": ("keep",)}, status="stopped"))
    begun = [await talk.turns.moment(each, "come", f"action:{number}", "2026-03-04") for each in (ana, ben)]
    assert begun == [True, False]
    assert await talk.send() == []


async def test_buddies_and_supporters_are_those_among_who_comes(store: Store, watch: Watch, tmp_path: Path) -> None:
    flows = {
        "watch": flow("watch", "buddy"), "meet": flow("meet", "supporter"),
        "moved": "flow: moved\nstarts: {moment: action.changed, who: buddy}\nstart: a\n"
        "states:\n  a: {say: moved, end: a}\n",
    }  # fmt: skip
    talk = await talk_of(store, watch, tmp_path, flows)

    async def work(tx: Transaction) -> int:
        for who in ("ana", "ben"):
            await person(tx, f"{who} at home", role=BUDDY if who == "ben" else "")
        host = await person(tx, "host", role=BUDDY)
        number = await action(tx, host_id=host)
        for who, kind in (("ana", "yes"), ("ben", "yes"), ("cleo", "maybe"), ("dan", "maybe")):
            number_of = await person(tx, who, role=BUDDY if who in ("ben", "dan") else "")
            await tx.actions.sign_up(number, number_of, kind)
        return number

    number = await store.run(work)
    assert await told(talk) == ["ana: meet rally", "ben: watch rally", "host: watch rally"]

    async def moves(tx: Transaction) -> None:
        await tx.actions.change(number, address="2 Park Row")
        await tx.actions.count_change(number)

    await store.run(moves)
    assert await told(talk) == ["ben: moved", "host: moved"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_more_than_one_tick_can_hold_are_all_looked_at_though_they_all_sleep(
    store: Store, watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flows = {"come": flow("come", "nearby", offset="-1 hour", until="10 minutes before")}
    talk = await talk_of(store, watch, tmp_path, flows, "21:00-08:00")
    watch.now = MONDAY + 12 * HOUR
    monkeypatch.setattr(moments, "MOST", 2)
    monkeypatch.setattr(moments, "BATCH", 2)

    async def work(tx: Transaction) -> None:
        for number in range(7):
            await person(tx, f"p{number}", (LEEDS, BRADFORD)[number % 2])
        await action(tx, at=MONDAY + 13 * HOUR)

    await store.run(work)
    ticks = 1
    while await talk.moments.tick():
        ticks += 1
        assert ticks < 10, "it begins again with the first, for ever"
    assert await talk.ledger("held back") == 7
    watch.now = MONDAY + DAY - 2 * HOUR
    await store.run(lambda tx: person(tx, "new here"))
    while await talk.moments.tick():
        pass
    assert await talk.ledger("reminded") == 0
    assert await talk.ledger("too late") == 7, "who came later has missed nothing"
