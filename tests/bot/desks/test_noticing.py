"""What coordinators are shown by itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.desks.acting import Press, TooLate, act
from bot.desks.base import DONE, TAKE, describe, outcome
from bot.desks.noticing import ASKED_BY, STALLED_AFTER, Noticing
from bot.desks.reading import body_of
from bot.libraries import Libraries
from bot.world import World
from storage.actions import PUBLISHED
from storage.audit import COORDINATOR
from storage.cards import NOTICE, Card
from storage.pairs import INTRODUCED, OFFERED
from storage.store import Store, Transaction
from tests.bot.talking import ALWAYS, write
from tests.databases import Watch

MADRID = ZoneInfo("Europe/Madrid")


class Morning:
    """A `Noticing` on a database whose clock the test moves."""

    def __init__(self, store: Store, watch: Watch, folder: Path) -> None:
        self.store, self.watch, self.folder = store, watch, folder
        self.libraries = Libraries(store, folder)
        self.again()

    def again(self) -> None:
        self.noticing = Noticing(self.store, self.libraries, MADRID, self.watch)

    async def cards(self, kind: str) -> list[Card]:
        await self.noticing.tick()
        return await self.store.read(lambda tx: tx.cards.current(kind))

    async def words(self, card: Card) -> tuple[str, ...]:
        library = self.libraries.current
        body = await self.store.read(lambda tx: body_of(tx, card, library, MADRID))
        return describe(card.kind, body).lines

    async def press(self, card: Card, button: str, by: str) -> str:
        return await self.store.run(
            lambda tx: act(tx, World(), Press(card=card.id, button=button, role=COORDINATOR, by=by))
        )


@pytest.fixture
async def morning(store: Store, watch: Watch, tmp_path: Path) -> Morning:
    write(tmp_path / "flows", ALWAYS)
    made = Morning(store, watch, tmp_path / "flows")
    await made.libraries.begin()
    return made


async def introduced(tx: Transaction) -> int:
    people = []
    for name in ("Ana", "Sam"):
        person = await tx.people.add("web", "web", name, "en")
        await tx.people.save(person.id, {"name": name, "place": "Leeds"})
        people.append(person.id)
    pair = await tx.pairs.propose(people[0], people[1], OFFERED, 1.0, [], None)
    assert pair is not None
    await changed(tx, pair, state=INTRODUCED, introduced_at=tx.now)
    return pair


async def changed(tx: Transaction, pair_id: int, **columns: object) -> None:
    pair = await tx.pairs.lock(pair_id)
    assert pair is not None
    await tx.pairs.save(replace(pair, **columns))  # type: ignore[arg-type]


async def test_a_pair_in_which_nobody_writes_becomes_a_card_with_a_deadline(morning: Morning, watch: Watch) -> None:
    await morning.store.run(introduced)
    watch.forward(STALLED_AFTER - timedelta(minutes=2))
    assert await morning.cards("stalled") == []
    watch.forward(timedelta(minutes=2))
    (card,) = await morning.cards("stalled")
    assert card.due_at == watch.now + ASKED_BY
    assert await morning.words(card) == (
        "Introduced: Monday 2 March, 11:00",
        "Nobody has written for 4 days",
        "Near: Leeds",
        "Somebody should ask after them by Sunday 8 March, 11:00",
    )


async def test_one_coordinator_takes_a_stalled_pair_and_the_other_was_too_late(morning: Morning, watch: Watch) -> None:
    await morning.store.run(introduced)
    watch.forward(STALLED_AFTER)
    (card,) = await morning.cards("stalled")
    await morning.press(card, TAKE, "Kim")
    with pytest.raises(TooLate):
        await morning.press(card, TAKE, "Finn")
    (card,) = await morning.cards("stalled")
    assert (await morning.words(card))[-1] == "Kim takes it, until Sunday 8 March, 11:00"


async def test_whose_time_is_up_has_it_no_more_and_it_is_urgent(morning: Morning, watch: Watch) -> None:
    await morning.store.run(introduced)
    watch.forward(STALLED_AFTER)
    (card,) = await morning.cards("stalled")
    await morning.press(card, TAKE, "Kim")
    watch.forward(ASKED_BY)
    (card,) = await morning.cards("stalled")
    assert (card.owner, card.urgent) == ("", True)
    assert (await morning.words(card))[-1] == "Overdue: who asks after them?"
    await morning.press(card, TAKE, "Finn")


async def test_a_stalled_pair_that_moves_again_closes_its_card_and_may_stall_again(
    morning: Morning, watch: Watch
) -> None:
    pair = await morning.store.run(introduced)
    watch.forward(STALLED_AFTER)
    (card,) = await morning.cards("stalled")
    watch.forward(timedelta(hours=1))
    await morning.store.run(lambda tx: changed(tx, pair, buddy_wrote_at=tx.now))
    watch.forward(timedelta(hours=1))
    assert await morning.cards("stalled") == []
    settled = await morning.store.read(lambda tx: tx.cards.get(card.id))
    assert settled is not None
    assert outcome(settled.state, "") == "They are in touch again"
    watch.forward(STALLED_AFTER)
    assert len(await morning.cards("stalled")) == 1


async def test_a_stalled_pair_that_is_settled_does_not_come_again(morning: Morning, watch: Watch) -> None:
    await morning.store.run(introduced)
    watch.forward(STALLED_AFTER)
    (card,) = await morning.cards("stalled")
    await morning.press(card, DONE, "Kim")
    watch.forward(STALLED_AFTER)
    assert await morning.cards("stalled") == []


async def test_who_has_met_or_swapped_addresses_is_left_alone(morning: Morning, watch: Watch) -> None:
    pair = await morning.store.run(introduced)
    shared = {"supporter_shared_at": watch.now, "buddy_shared_at": watch.now}
    await morning.store.run(lambda tx: changed(tx, pair, **shared))
    watch.forward(STALLED_AFTER * 3)
    assert await morning.cards("stalled") == []


async def test_a_coming_action_has_one_card_whose_numbers_are_as_they_are(morning: Morning, watch: Watch) -> None:
    starts = watch.now + timedelta(days=3)

    async def plan(tx: Transaction) -> tuple[int, list[int]]:
        people = [(await tx.people.add("web", "web", name, "en")).id for name in ("Ana", "Ida", "Eve")]
        action = await tx.actions.add(
            title="Picnic", starts_at=starts, ends_at=starts + timedelta(hours=2), zone="Europe/Madrid",
            state=PUBLISHED, capacity=2, goal=5, district="Leeds",
        )  # fmt: skip
        return action, people

    action, (ana, ida, eve) = await morning.store.run(plan)
    (card,) = await morning.cards("turnout")
    assert await morning.words(card) == (
        "Thursday 5 March, 11:00", "Where: Leeds", "Signed up: 0 of 5 hoped for", "Places left: 2 of 2",
    )  # fmt: skip

    async def sign_up(tx: Transaction) -> None:
        for person in (ana, ida, eve):
            await tx.actions.sign_up(action, person, "yes")

    await morning.store.run(sign_up)
    (again,) = await morning.cards("turnout")
    assert (again.id, again.state) == (card.id, NOTICE)
    assert (await morning.words(again))[2:] == (
        "Signed up: 2 of 5 hoped for", "Places left: 0 of 2", "Waiting for a place: 1",
    )  # fmt: skip

    async def confirm(tx: Transaction) -> None:
        await tx.actions.confirm(action, ana)
        await tx.actions.change(action, campaign="Spring")

    await morning.store.run(confirm)
    (firm,) = await morning.cards("turnout")
    assert (await morning.words(firm))[4:] == (
        "Confirmed: 1", "Waiting for a place: 1", "Spring, all together: 2 of 5 hoped for, 1 confirmed",
    )  # fmt: skip
    await morning.store.run(lambda tx: tx.actions.change(action, campaign=""))
    watch.forward(timedelta(days=3))
    await morning.store.run(lambda tx: tx.actions.check_in(action, ana))
    (there,) = await morning.cards("turnout")
    assert (await morning.words(there))[-1] == "Came: 1"
    watch.forward(timedelta(days=1))
    assert await morning.cards("turnout") == []


async def test_flows_that_are_refused_are_a_card_until_they_are_mended(morning: Morning) -> None:
    good = (morning.folder / "library" / "always.yaml").read_text()
    (morning.folder / "library" / "always.yaml").write_text("anytime: [")
    await morning.libraries.refresh()
    (card,) = await morning.cards("flow_refused")
    assert "always.yaml:1" in (await morning.words(card))[0]
    (morning.folder / "library" / "always.yaml").write_text(good)
    await morning.libraries.refresh()
    assert await morning.cards("flow_refused") == []


@pytest.mark.parametrize("minutes", [-1, 0, 300])
async def test_the_digest_comes_at_nine_in_the_groups_zone_once_a_day(
    morning: Morning, watch: Watch, minutes: int
) -> None:
    watch.now = datetime(2026, 6, 8, 7, 0, tzinfo=UTC) + timedelta(minutes=minutes)
    for _ in range(3):
        morning.again()
        found = await morning.cards("digest")
    assert [card.subject for card in found] == (["day:2026-06-08"] if minutes >= 0 else [])


async def test_the_digest_has_connections_in_front_and_no_names(morning: Morning, watch: Watch) -> None:
    async def live(tx: Transaction) -> None:
        await introduced(tx)
        ida = await tx.people.add("web", "web", "Ida", "en")
        await tx.people.save(ida.id, {"name": "Ida"})
        await tx.buddies.set_waiting(ida.id, tx.now - timedelta(days=3))
        await tx.cards.add("nobody_near", f"person:{ida.id}", ida.id, {})

    await morning.store.run(live)
    (card,) = await morning.cards("digest")
    body = await morning.store.read(lambda tx: body_of(tx, card, morning.libraries.current, MADRID))
    words = describe("digest", body)
    assert words.title == "Monday 2 March: No connections in the last seven days, 0 in all"
    assert words.lines == (
        "1 person waits for a buddy, the longest for 3 days · 0 buddies free · a yes comes after 0 s",
        "1 card waits for somebody, the oldest since Monday 2 March, 11:00",
        "No action in the next seven days",
    )
    watch.forward(timedelta(days=1))
    (tomorrow,) = await morning.cards("digest")
    assert tomorrow.subject == "day:2026-03-03"
    past = await morning.store.read(lambda tx: tx.cards.get(card.id))
    assert past is not None
    assert outcome(past.state, past.acted_by) == ""
