"""Two who were introduced and would both come to an action: when one cannot, the other hears of it, once."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from storage.pairs import INTRODUCED
from storage.store import Store, Transaction
from tests.bot.neighbourhood import Neighbourhood
from tests.databases import Watch

FRIDAY = datetime(2026, 6, 5, 9, tzinfo=UTC)
SATURDAY = datetime(2026, 6, 6, 10, tzinfo=UTC)

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""What the database has no part in."""


class Two(Neighbourhood):
    """Ana and Sam, her buddy, the day before an action that Kim hosts."""

    async def meet(self) -> None:
        self.people = {who: await self.buddy(who, 0) for who in ("ana", "sam", "kim")}
        self.canal = await self.action(self.people["kim"], SATURDAY)

        async def work(tx: Transaction) -> None:
            number = await tx.pairs.propose(self.people["ana"], self.people["sam"], "offered", 1.0, (), tx.now)
            pair = await tx.pairs.lock(number or 0)
            assert pair is not None
            await tx.pairs.save(replace(pair, state=INTRODUCED, introduced_at=tx.now))
            for who in ("ana", "sam"):
                person = await tx.people.get(self.people[who])
                assert person is not None
                await tx.people.save(person.id, {**person.fields, "has_buddy": True})

        await self.store.run(work)

    async def signs_up(self, who: str, kind: str = "yes") -> None:
        number = self.people[who]
        await self.store.run(lambda tx: tx.actions.sign_up(self.canal, number, kind))

    async def cancels(self, who: str) -> str:
        return (await self.says(who, "can't come", "1", "no"))[-1]

    def told(self) -> list[str]:
        """Who heard that somebody cannot come, each as often as they did."""
        return [who for who, all_ in self.heard.items() for each in all_ if "can't come to Clean up" in each]


@pytest.fixture
async def two(store: Store, watch: Watch) -> Two:
    watch.now = FRIDAY
    made = Two(store, watch)
    await made.libraries.begin()
    await made.meet()
    return made


@pytest.mark.parametrize(("cancels", "other"), [("ana", "sam"), ("sam", "ana")])
async def test_the_other_hears_of_it_once_and_whoever_cancels_knows_that_they_do(
    two: Two, cancels: str, other: str
) -> None:
    await two.signs_up("ana")
    await two.signs_up("sam")
    assert "heard from me that you can't" in await two.cancels(cancels)
    assert two.told() == [other]
    assert two.heard[other][-1].startswith(f"{cancels.title()} can't come to Clean up the canal after all.")
    assert "12 Canal Road" in two.heard[other][-1]
    await two.says(other, "What a pity!")
    assert two.heard[cancels][-1] == f"{other.title()}: What a pity!"
    await two.until(SATURDAY)
    assert two.told() == [other]


@on_sqlite
@pytest.mark.parametrize("comes", [True, False])
async def test_at_night_it_waits_and_is_said_once_and_only_if_it_is_still_true(two: Two, comes: bool) -> None:
    await two.signs_up("ana")
    await two.signs_up("sam")
    two.watch.now = SATURDAY.replace(hour=1)
    for _ in range(2):
        await two.cancels("ana")
        assert two.told() == []
        await two.signs_up("ana")
    if not comes:
        await two.cancels("ana")
    await two.until(SATURDAY.replace(hour=8))
    assert two.told() == ([] if comes else ["sam"])


@on_sqlite
async def test_whoever_hosts_it_hears_it_too(two: Two) -> None:
    await two.signs_up("ana")
    await two.store.run(lambda tx: tx.actions.change(two.canal, host_id=two.people["sam"]))
    await two.cancels("ana")
    assert two.told() == ["sam"]


@on_sqlite
@pytest.mark.parametrize(
    ("ana", "sam", "ends"),
    [("maybe", "yes", ""), ("yes", "maybe", ""), ("yes", "", ""), ("yes", "yes", "ended")],
)
async def test_who_would_not_have_gone_there_together_hears_nothing(two: Two, ana: str, sam: str, ends: str) -> None:
    await two.signs_up("ana", ana)
    if sam:
        await two.signs_up("sam", sam)
    if ends:
        (pair,) = await two.pairs("ana")
        await two.store.run(lambda tx: tx.pairs.save(replace(pair, state=ends)))
    await two.cancels("ana")
    await two.until(SATURDAY)
    assert two.told() == []


@on_sqlite
async def test_who_says_only_maybe_is_not_said_to_be_coming_too(two: Two) -> None:
    await two.signs_up("ana")
    await two.signs_up("sam", "maybe")
    await two.hours(2)
    assert [text.partition("?")[0] for text in two.heard["ana"]] == ["Ready for tomorrow, Ana"]
