"""A desk shows what the database holds: all of it, as it is, and nothing twice where the platform can be asked."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.channels.base import SendFailed
from bot.desks.acting import Press, act
from bot.desks.base import DONE, WRITE
from bot.desks.posting import Posting
from bot.desks.showing import view
from bot.world import World
from flows.model import Library
from flows.reader import STARTER, read_folder
from storage.audit import COORDINATOR
from storage.cards import NOTICE
from storage.store import Store, Transaction
from tests.bot.desks.board import LOST, Board, FindingBoard
from tests.databases import Watch

UTC = ZoneInfo("UTC")


class Shelf:
    """A desk beside a database: `up` shows what there is to show."""

    def __init__(self, store: Store, board: Board, library: Library) -> None:
        self.store, self.board = store, board
        self.reports: list[str] = []
        self._library = library
        self.again()

    def again(self) -> None:
        """As if the process had been killed and begun anew."""
        self.posting = Posting(
            self.store,
            self.board,
            lambda tx, card: view(tx, card, self._library, UTC),
            self.reports.append,
            chance=lambda: 0.0,
        )

    async def up(self) -> None:
        while await self.posting.pass_once():
            pass

    async def add(self, kind: str, name: str, body: Mapping[str, Any] | None = None, *, urgent: bool = False) -> int:
        async def work(tx: Transaction) -> int:
            person = await tx.people.add("web", "web", name, "en")
            await tx.people.save(person.id, {"name": name})
            return await tx.cards.add(kind, f"person:{person.id}", person.id, body or {}, urgent)

        return await self.store.run(work)

    async def press(self, card: int, button: str, text: str = "", **more: str) -> str:
        pressed = Press(card=card, button=button, text=text, role=COORDINATOR, by="Kim", name="Kim", **more)
        return await self.store.run(lambda tx: act(tx, World(), pressed))


@pytest.fixture(scope="module")
def library() -> Library:
    return read_folder(STARTER).library


@pytest.fixture
def shelf(store: Store, library: Library) -> Shelf:
    return Shelf(store, Board(), library)


@pytest.fixture
def finding(store: Store, library: Library) -> Shelf:
    return Shelf(store, FindingBoard(), library)


async def test_every_open_card_is_posted_once_and_the_urgent_first(shelf: Shelf) -> None:
    await shelf.add("human", "Ana")
    await shelf.add("report", "Eve", urgent=True)
    settled = await shelf.add("human", "Ida")
    await shelf.press(settled, DONE)
    await shelf.up()
    await shelf.up()
    assert shelf.board.titles() == ["Eve says that something felt wrong", "Ana asks for a human"]
    assert shelf.board.calls == ["post", "post"]


async def test_a_card_that_was_settled_elsewhere_changes_in_place(shelf: Shelf) -> None:
    card = await shelf.add("human", "Ana")
    await shelf.up()
    await shelf.press(card, DONE)
    await shelf.up()
    (shown,) = shelf.board.cards.values()
    assert (shown.open, shown.outcome) == (False, "Done by Kim")
    assert shelf.board.calls == ["post", "change"]


async def test_who_was_forgotten_goes_from_the_card_and_from_its_thread(shelf: Shelf) -> None:
    card = await shelf.add("human", "Ana", {"about": "my dog"})
    await shelf.up()

    async def written(tx: Transaction) -> int:
        found = await tx.cards.get(card)
        assert found is not None
        assert found.person_id is not None
        await tx.desks.add_line(found, "", "7", "", "Are you there?")
        return found.person_id

    person = await shelf.store.run(written)
    await shelf.up()
    assert shelf.board.said() == ["Are you there?"]
    await shelf.store.run(lambda tx: tx.people.forget(person))
    await shelf.up()
    (shown,) = shelf.board.cards.values()
    assert (shown.title, shown.lines, shown.open) == ("Someone asks for a human", (), False)
    assert shelf.board.said() == []


async def test_another_name_is_shown_although_nobody_touched_the_card(shelf: Shelf) -> None:
    card = await shelf.add("human", "Ana")
    await shelf.up()

    async def rename(tx: Transaction) -> None:
        found = await tx.cards.get(card)
        assert found is not None
        assert found.person_id is not None
        await tx.people.save(found.person_id, {"name": "Anna"})

    await shelf.store.run(rename)
    shelf.again()
    await shelf.up()
    assert shelf.board.titles() == ["Anna asks for a human"]
    shelf.again()
    await shelf.up()
    assert shelf.board.calls == ["post", "change"]


async def test_what_changes_while_it_is_shown_is_shown_again(shelf: Shelf) -> None:
    card = await shelf.add("human", "Ana")
    await shelf.up()
    await shelf.store.run(lambda tx: tx.desks.stir(card))
    seen = (await shelf.store.read(lambda tx: tx.desks.changed("board", 5)))[0]
    await shelf.store.run(lambda tx: tx.desks.stir(card))
    await shelf.store.run(lambda tx: tx.desks.done("board", card, seen.reference, "old words", seen.changes))
    await shelf.up()
    assert shelf.board.calls == ["post", "change"]


async def test_where_the_answer_was_lost_a_desk_that_can_be_asked_shows_it_once(finding: Shelf) -> None:
    card = await finding.add("human", "Ana")
    finding.board.after.append(LOST)
    await finding.up()
    finding.again()
    await finding.up()
    assert finding.board.titles() == ["Ana asks for a human"]
    assert finding.board.calls[:2] == ["post", "find"]
    await finding.press(card, WRITE, "Hello!", desk="elsewhere", once="1")
    finding.board.after.append(LOST)
    await finding.up()
    finding.again()
    await finding.up()
    assert finding.board.said() == ["Kim: Hello!"]


async def test_where_the_answer_was_lost_a_desk_that_cannot_be_asked_shows_it_all_the_same(shelf: Shelf) -> None:
    await shelf.add("human", "Ana")
    shelf.board.breaks.append(LOST)
    await shelf.up()
    shelf.again()
    await shelf.up()
    assert shelf.board.titles() == ["Ana asks for a human"]


async def test_a_desk_that_does_not_work_says_why_and_loses_nothing(shelf: Shelf) -> None:
    await shelf.add("human", "Ana")
    shelf.board.breaks.append(SendFailed("the bot is not in the channel: invite it", final=True, everyone=True))
    await shelf.up()
    assert shelf.reports == ["the bot is not in the channel: invite it"]
    assert not await shelf.posting.pass_once(), "it waits"
    shelf.again()
    await shelf.up()
    assert shelf.reports[-1] == ""
    assert shelf.board.titles() == ["Ana asks for a human"]


async def test_a_card_that_a_desk_refuses_holds_up_no_other(shelf: Shelf) -> None:
    await shelf.add("human", "Ana")
    await shelf.add("human", "Ida")
    shelf.board.breaks.append(SendFailed("invalid_blocks", final=True))
    await shelf.up()
    shelf.again()
    await shelf.up()
    assert shelf.board.titles() == ["Ida asks for a human"]


async def test_one_card_that_must_wait_holds_up_no_other(shelf: Shelf) -> None:
    await shelf.add("human", "Ana")
    await shelf.add("human", "Ida")
    shelf.board.breaks.append(SendFailed("slow", retry_after=timedelta(minutes=5)))
    await shelf.up()
    assert shelf.board.titles() == ["Ida asks for a human"]
    shelf.again()
    await shelf.up()
    assert shelf.board.titles() == ["Ida asks for a human", "Ana asks for a human"]


async def test_a_card_that_somebody_deleted_is_posted_again_if_it_still_waits(shelf: Shelf) -> None:
    card = await shelf.add("human", "Ana")
    await shelf.up()
    shelf.board.cards.clear()
    await shelf.store.run(lambda tx: tx.desks.stir(card))
    await shelf.up()
    assert shelf.board.titles() == ["Ana asks for a human"]


async def test_an_answer_at_one_desk_is_read_at_every_other_and_reaches_the_person_once(shelf: Shelf) -> None:
    card = await shelf.add("human", "Ana")
    await shelf.up()
    for _ in range(3):
        await shelf.press(card, WRITE, "Hello Ana!", desk="board", once="event 1")
    await shelf.press(card, WRITE, "I am Kim.", desk="elsewhere", once="event 1")
    await shelf.up()
    assert shelf.board.said() == ["Kim: I am Kim."]
    waiting = await shelf.store.read(lambda tx: tx.inbox.untaken(9))
    assert [event.body["text"] for event in waiting] == ["Hello Ana!", "I am Kim."]
    (shown,) = shelf.board.cards.values()
    assert shown.open


async def test_old_lines_go_from_the_thread_with_their_time(shelf: Shelf, watch: Watch) -> None:
    card = await shelf.add("human", "Ana")
    await shelf.up()
    await shelf.press(card, WRITE, "Hello!", desk="elsewhere", once="1")
    await shelf.up()
    assert shelf.board.said() == ["Kim: Hello!"]
    await shelf.store.run(lambda tx: tx.desks.delete_lines(watch.now + timedelta(seconds=1)))
    await shelf.up()
    assert shelf.board.said() == []


async def test_a_notice_is_shown_and_changes_in_place(shelf: Shelf) -> None:
    async def tell(tx: Transaction, going: int) -> None:
        await tx.cards.add("turnout", "action:1", None, {"title": "Picnic", "going": going, "goal": 20}, state=NOTICE)

    await shelf.store.run(lambda tx: tell(tx, 3))
    await shelf.up()
    await shelf.store.run(lambda tx: tell(tx, 4))
    await shelf.up()
    (shown,) = shelf.board.cards.values()
    assert (shown.title, shown.lines, shown.buttons) == ("Picnic", ("Signed up: 4 of 20 hoped for",), ())
    assert await shelf.store.read(lambda tx: tx.cards.open(9)) == []
