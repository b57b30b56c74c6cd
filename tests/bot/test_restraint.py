"""Reminders that keep to a measure: an hour between two, a few days of a week, and never in somebody's night."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.group import Group
from bot.world import World
from storage.store import Store, Transaction
from tests.bot.neighbourhood import CANAL
from tests.bot.talking import ALWAYS, Talk, write
from tests.databases import Watch

MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

GREETING = "flow: greeting\nstarts: {first_contact: true}\nstart: a\nstates:\n  a: {say: Hello., end: a}\n"


def reminder(name: str, offset: str, until: str = "1 hour before", head: str = "") -> str:
    starts = f"{{moment: action.start, offset: {offset}, who: signed_up, until: {until}}}"
    say = f"'{name} {{{{ action.title }}}}'"
    return f"flow: {name}\nstarts: {starts}\n{head}start: a\nstates:\n  a: {{say: {say}, end: a}}\n"


@pytest.fixture
async def talk(store: Store, watch: Watch, tmp_path: Path) -> Talk:
    """A group in London with three reminders, one of them urgent; Ana, who has come; and an hour before each noon."""
    flows = {
        "greeting": GREETING,
        "soon": reminder("soon", "-5 hours"),
        "later": reminder("later", "-1 day", "12 hours before"),
        "loud": reminder("loud", "-2 days", head="urgent: true\n"),
    }
    write(tmp_path / "flows", {**ALWAYS, **flows})
    group = Group(zone="Europe/London", weekly_cap=2)
    talk = Talk(store, watch, tmp_path / "flows", World(group))
    await talk.libraries.begin()
    await talk.say("hello")
    await talk.send()
    return talk


async def sign_up(talk: Talk, starts_at: datetime, title: str, who: str = "ana") -> int:
    person = await talk.person(who)
    assert person is not None

    async def work(tx: Transaction) -> int:
        number = await tx.actions.add(
            title=title, starts_at=starts_at, ends_at=starts_at + HOUR, zone="UTC", secret=CANAL, state="published"
        )
        await tx.actions.sign_up(number, person.id, "yes")
        return number

    return await talk.store.run(work)


async def heard(talk: Talk, until: datetime) -> list[tuple[str, str]]:
    """(when, what) Ana hears until then, looked at every half hour."""
    told = []
    while talk.watch.now < until:
        talk.watch.now += HOUR / 2
        await talk.tick()
        told += [(f"{talk.watch.now:%a %H:%M}", text) for text in await talk.hears()]
    return told


async def live_in(talk: Talk, zone: str) -> None:
    person = await talk.person()
    assert person is not None
    await talk.store.run(lambda tx: tx.people.save(person.id, person.fields, zone=zone))


async def test_of_two_that_fall_together_the_one_that_is_sooner_too_late_comes_and_the_other_an_hour_on(
    talk: Talk,
) -> None:
    await sign_up(talk, MONDAY + 2 * DAY + 4 * HOUR, "rally")
    await sign_up(talk, MONDAY + DAY + 9 * HOUR, "swap shop")
    assert await heard(talk, MONDAY + DAY + 8 * HOUR) == [
        ("Mon 10:30", "loud swap shop"), ("Mon 14:00", "loud rally"), ("Mon 19:00", "later swap shop"),
        ("Tue 14:00", "soon swap shop"), ("Tue 15:00", "later rally"),
    ]  # fmt: skip
    assert await talk.ledger("held back") == 1
    assert await talk.ledger("reminded") == 3, "what is urgent is not counted"


async def test_beyond_the_days_of_a_week_nothing_comes_but_what_is_of_that_very_day(talk: Talk) -> None:
    for number, day in enumerate((2, 4, 6)):
        await sign_up(talk, MONDAY + day * DAY + 2 * HOUR, f"action {number}")
    told = [(at, text) for at, text in await heard(talk, MONDAY + 7 * DAY) if "loud" not in text]
    assert told == [
        ("Tue 12:00", "later action 0"), ("Wed 08:00", "soon action 0"),
        ("Fri 08:00", "soon action 1"), ("Sun 08:00", "soon action 2"),
    ]  # fmt: skip
    person = await talk.person()
    assert person is not None
    lines = await talk.store.read(lambda tx: tx.ledger.of(person.id))
    lost = [
        (line.what, line.detail) for line in lines if line.flow == "later" and line.what in ("held back", "too late")
    ]
    assert lost == [("held back", "weekly cap"), ("held back", "quiet hours"), ("too late", "weekly cap")] * 2


async def test_the_day_after_they_are_asked_however_much_they_heard_that_week(talk: Talk) -> None:
    starts = "{moment: action.end, offset: 1 day 3 hours, who: signed_up, until: 4 days after}"
    say = "'asked {{ action.title }}'"
    flow = f"flow: asked\nstarts: {starts}\nstart: a\nstates:\n  a: {{say: {say}, end: a}}\n"
    write(talk.folder, {"asked": flow})
    await talk.libraries.refresh()
    await sign_up(talk, MONDAY + 2 * DAY + 10 * HOUR, "rally")
    told = []
    # A day and three hours after its end it is midnight, and at eight that night is over.
    for hours in (34, 53, 84, 94):
        talk.watch.now = MONDAY + hours * HOUR
        await talk.tick()
        told += [(f"{talk.watch.now:%a %H:%M}", text) for text in await talk.hears() if "loud" not in text]
    assert told == [("Tue 20:00", "later rally"), ("Wed 15:00", "soon rally"), ("Fri 08:00", "asked rally")]


@pytest.mark.parametrize(
    ("zone", "at"), [("", "Wed 08:00"), ("Asia/Tokyo", "Wed 07:00"), ("America/Los_Angeles", None)]
)
async def test_the_night_is_that_of_where_somebody_lives(talk: Talk, zone: str, at: str | None) -> None:
    await live_in(talk, zone)
    # Five hours before noon: before eight in London, in the afternoon of Tokyo, and late at night in Los Angeles.
    await sign_up(talk, MONDAY + 2 * DAY + 2 * HOUR, "rally")
    told = {text: at for at, text in await heard(talk, MONDAY + 3 * DAY)}
    assert told.get("soon rally") == at
    person = await talk.person()
    assert person is not None
    lines = await talk.store.read(lambda tx: tx.ledger.of(person.id))
    held = [line.detail for line in lines if line.what == "held back" and line.flow == "soon"]
    assert held == ([] if zone == "Asia/Tokyo" else ["quiet hours"]), "counted once, however often it is looked at"
    assert await talk.ledger("too late") == (at is None)


async def test_what_is_urgent_breaks_into_the_night_and_that_is_written_down(talk: Talk) -> None:
    talk.watch.now = MONDAY.replace(hour=23)
    await sign_up(talk, MONDAY + 2 * DAY, "rally")
    assert await heard(talk, talk.watch.now + HOUR) == [("Mon 23:30", "loud rally")]
    person = await talk.person()
    assert person is not None
    lines = await talk.store.read(lambda tx: tx.ledger.of(person.id))
    assert [(line.flow, line.detail) for line in lines if line.what == "urgent"] == [("loud", "quiet hours")]


async def test_a_hundred_who_sleep_do_not_hold_up_the_one_who_is_awake(talk: Talk) -> None:
    talk.watch.now = MONDAY.replace(hour=12)
    number = await sign_up(talk, MONDAY + DAY + 2 * HOUR, "rally")
    await live_in(talk, "Asia/Tokyo")

    async def more(tx: Transaction) -> None:
        for each in range(100):
            person = await tx.people.add("web", "web", f"sleeper {each}", "en")
            await tx.people.save(person.id, {}, zone="Asia/Tokyo")
            await tx.actions.sign_up(number, person.id, "yes")
        awake = await tx.people.add("web", "web", "bo", "en")
        await tx.actions.sign_up(number, awake.id, "yes")

    await talk.store.run(more)
    await talk.tick()
    assert [text for address, text in await talk.send() if address == "bo" and "later" in text] == ["later rally"]
    assert await talk.ledger("reminded") == 1


async def test_a_broadcast_waits_for_the_morning_of_each(talk: Talk) -> None:
    person = await talk.person()
    assert person is not None
    talk.watch.now = MONDAY.replace(hour=22)
    body = {"flow": "soon", "broadcast": True}
    await talk.store.run(lambda tx: tx.inbox.put("send:june", "1", person.id, "begin", body))
    assert await heard(talk, MONDAY + DAY) == [("Tue 08:00", "soon")]
    talk.watch.now = MONDAY + DAY + 13 * HOUR
    await talk.store.run(lambda tx: tx.inbox.put("send:july", "1", person.id, "begin", {**body, "at_once": True}))
    assert await heard(talk, talk.watch.now + HOUR) == [("Tue 23:30", "soon")]
