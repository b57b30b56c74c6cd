from dataclasses import replace
from datetime import timedelta

from bot.stats import LABELS, as_json, count, how_long
from storage.funnel import STEPS
from storage.pairs import INTRODUCED
from storage.store import Store, Transaction
from tests.databases import Watch
from tests.storage.given import someone


def test_every_step_has_a_label() -> None:
    assert list(LABELS) == list(STEPS)


async def test_a_share_is_of_the_step_before_and_none_where_that_is_empty(store: Store, watch: Watch) -> None:
    people = [(await someone(store, f"{number}")).id for number in range(4)]

    async def first(tx: Transaction) -> None:
        for person in people:
            await tx.ledger.add(person, "wrote first")
        await tx.ledger.add(people[0], "asked for a buddy")
        await tx.ledger.add(people[0], "signup.made", subject="action:1")

    await store.run(first)
    watch.forward(timedelta(days=8))
    await store.run(lambda tx: tx.ledger.add(people[1], "asked for a buddy"))
    stats = await store.read(lambda tx: count(tx, 7))
    steps = {step.name: step for step in stats.funnel}
    assert steps["wrote_first"].share is None
    assert (steps["asked_for_a_buddy"].people, steps["asked_for_a_buddy"].share) == (2, 0.5)
    assert (steps["asked_for_a_buddy"].period, steps["asked_for_a_buddy"].period_share) == (1, None)
    assert (steps["introduced"].people, steps["signed_up"].people, steps["signed_up"].share) == (0, 1, None)
    longer = await store.read(lambda tx: count(tx, 9))
    assert {step.name: step.period for step in longer.funnel} == {step.name: step.people for step in longer.funnel}


async def test_connections_are_pairs_and_the_keys_of_the_json_stay(store: Store, watch: Watch) -> None:
    ana, sam = [(await someone(store, f"{number}")).id for number in range(2)]

    async def meet(tx: Transaction) -> None:
        number = await tx.pairs.propose(ana, sam, "offered", 1.0, (), tx.now)
        assert number is not None
        pair = await tx.pairs.lock(number)
        assert pair is not None
        await tx.pairs.save(replace(pair, state=INTRODUCED, introduced_at=tx.now, met_at=tx.now, meetings=2))
        for person in (ana, sam, ana, sam):
            await tx.ledger.add(person, "pair.met", subject=f"pair:{number}")

    await store.run(meet)
    told = as_json(await store.read(lambda tx: count(tx, 7)))
    assert told["connections"] == {"all": 1, "period": 1}
    assert told["pairs"] == {"introduced": 1}
    assert (told["waiting"], told["free_buddies"], told["days"]) == (0, 0, 7)
    assert told["at"] == watch.now.isoformat()
    assert told["funnel"][-1] == {  # type: ignore[index]
        "step": "met_again",
        "people": {"all": 1, "period": 1},
        "share": {"all": 1.0, "period": 1.0},
        "median_since": "met",
        "median": {"all": 0, "period": 0},
    }


async def test_what_was_held_back_is_counted_by_why_and_what_was_too_late_whyever(store: Store, watch: Watch) -> None:
    ana = (await someone(store, "1")).id

    async def hold(tx: Transaction) -> None:
        for what, why in (
            ("held back", "weekly cap"), ("held back", "weekly cap"), ("held back", "quiet hours"),
            ("too late", "weekly cap"), ("too late", ""),
        ):  # fmt: skip
            await tx.ledger.add(ana, what, "three_days", "action:1", why)

    await store.run(hold)
    watch.now += timedelta(days=10)
    await store.run(lambda tx: tx.ledger.add(ana, "held back", "two_hours", "action:2", "just had one"))
    assert as_json(await store.read(lambda tx: count(tx, 7)))["held_back"] == {
        "weekly_cap": {"all": 2, "period": 0},
        "just_had_one": {"all": 1, "period": 1},
        "quiet_hours": {"all": 1, "period": 0},
        "too_late": {"all": 2, "period": 0},
    }


def test_a_span_is_read_at_a_glance() -> None:
    spans = {"40 s": {"seconds": 40}, "25 min": {"minutes": 25}, "7 h": {"hours": 7}, "3 days": {"hours": 74}}
    assert [how_long(timedelta(**span)) for span in spans.values()] == list(spans)
