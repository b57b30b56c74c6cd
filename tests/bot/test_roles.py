"""Every role against every page, card, button, command and `do`: what the table says is what happens, and no more."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import typer

from bot import blocking, cli, doing, roles
from bot.desks import acting, slack_modals, telegram_heard
from bot.desks.acting import NotDone, Press, act
from bot.desks.base import _KINDS, describe
from bot.do.base import Deed
from bot.roles import ROLES, STRANGER
from bot.world import World
from flows import vocabulary
from flows.model import NOTHING, Conversation, Did, Library
from storage import schema
from storage.audit import COORDINATOR
from storage.pairs import BUDDY, SUPPORTER
from storage.store import Store
from storage.tables import AUDIT
from storage.transaction import Transaction
from tests.bot.desks.every_kind import show_every_kind
from tests.bot.desks.slack_office import SlackOffice, slack_office
from tests.bot.desks.telegram_office import TelegramOffice, read, telegram_office
from tests.bot.running import PASSPHRASE, free_port, running_here, write_config
from tests.bot.standins.slack import SlackServer
from tests.bot.standins.slack_rules import shown
from tests.bot.standins.telegram import TelegramServer
from tests.bot.test_killed import CHAIN
from tests.databases import Watch
from tests.waiting import PATIENCE, until

CHAT = "the green gate"
EVERY_BUTTON = sorted({button for buttons in roles.CARDS.values() for button in buttons} | {"nonsense", ""})
REFUSED = "This is for coordinators"


# --- the table names all there is ------------------------------------------------------------------------------


def test_the_table_names_every_do_and_whoever_may_not_is_answered_by_the_vocabulary() -> None:
    assert set(roles.DEEDS) == set(vocabulary.DEEDS) == set(doing.DOING)
    limited = {name for name, may in roles.DEEDS.items() if may != roles.IN_CHAT}
    assert set(doing.NOT_DONE) == limited
    assert all(doing.NOT_DONE[name].outcome in vocabulary.DEEDS[name].outcomes for name in limited)


def test_the_table_names_every_kind_of_card_and_every_button_of_it() -> None:
    assert set(roles.CARDS) == set(_KINDS)
    done = {(kind, button) for kind, buttons in roles.CARDS.items() for button in buttons}
    assert set(acting._DOES) <= done
    assert done <= set(acting._DOES) | set(product(roles.CARDS, acting._ALWAYS))
    for kind in (*_KINDS, "of a newer process"):
        of_one = kind in blocking.ABOUT_ONE or kind == "report"
        for standing in ("free", "muted", "blocked") if of_one else ("",):
            buttons = {button.key for button in describe(kind, {"whom": "Ana", "standing": standing}).buttons}
            assert buttons <= set(roles.CARDS.get(kind, roles.OTHER_CARDS)), kind


def test_the_table_names_every_command_of_the_command_line() -> None:
    group = cast("Any", typer.main.get_command(cli.app))
    found: set[str] = set()
    for name, command in group.commands.items():
        found |= {f"{name} {each}" for each in getattr(command, "commands", {})} or {name}
    assert found == set(roles.COMMANDS)


def test_the_table_names_every_command_that_a_desk_offers() -> None:
    offered = {f"/{each.command}" for each in telegram_heard.COMMANDS}
    assert offered <= set(roles.DESK_COMMANDS["telegram"])
    assert all(what in roles.DESK for told in roles.DESK_COMMANDS.values() for what in told.values())


def test_a_page_that_the_table_does_not_name_is_nobodys() -> None:
    for path in ("/people", "/desk/", "//desk", "/chat/", "/chat/people", "/console", "/slack", "/*", ""):
        assert not any(roles.opens(role, path) for role in ROLES), path


# --- chat ------------------------------------------------------------------------------------------------------


async def test_every_do_is_done_for_those_alone_whom_the_table_names(store: Store) -> None:
    conversation = Conversation(1, "welcome", 1, "x", store.now())
    library = Library({}, {})

    async def did(tx: Transaction, role: str, name: str) -> tuple[Did, bool]:
        person = await tx.people.add("web", "web", f"{role}{name}", "en")
        called: list[str] = []

        async def spy(_: Deed) -> Did:
            called.append(name)
            return Did("spied")

        deed = Deed(
            tx=tx, world=World(), library=library, person=replace(person, role=role), fields={},
            conversation=conversation, arguments=NOTHING,
        )  # fmt: skip
        kept = doing.DOING[name]
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(cast("Any", doing.DOING), name, spy)
            outcome = await doing.perform(name, deed)
        assert doing.DOING[name] is kept
        return outcome, bool(called)

    async def walk(tx: Transaction) -> None:
        for role, name in product(("", SUPPORTER, BUDDY), doing.DOING):
            outcome, called = await did(tx, role, name)
            assert called == ((role or SUPPORTER) in roles.DEEDS[name]), (role, name)
            assert called or outcome.outcome in vocabulary.DEEDS[name].outcomes

    await store.run(walk)


# --- cards, at any desk ----------------------------------------------------------------------------------------


async def test_of_all_roles_and_buttons_of_all_cards_a_press_is_let_through_where_the_table_has_it(
    tmp_path: Path, watch: Watch
) -> None:
    store = await Store.open(f"sqlite:///{tmp_path / 'doorstep.db'}", tmp_path / "doorstep.key", clock=watch)

    async def cards(tx: Transaction) -> dict[str, int]:
        person = await tx.people.add("web", "web", "ana", "en")
        made = {kind: await tx.cards.add(kind, f"person:{person.id}", person.id, {}) for kind in _KINDS}
        return made | {"newer": await tx.cards.add("newer", "x", person.id, {})}

    class Through(Exception):
        """It was let through; nothing of it is kept."""

    async def press(kind: str, card: int, role: str, button: str) -> None:
        through = False

        async def work(tx: Transaction) -> None:
            await act(tx, World(), Press(card=card, button=button, text="Yes", role=role, by="Kim"))
            raise Through

        try:
            await store.run(work)
        except Through:
            through = True
        except NotDone as why:
            # Let through too, but there is nothing to be done: nobody asked to be a buddy, nothing is held.
            through = "no such button" not in str(why) and REFUSED not in str(why)
        assert through == roles.presses(role, kind, button), (kind, role, button)
        assert not through or role == COORDINATOR

    made = await store.run(cards)
    pairs = product(made.items(), ROLES, EVERY_BUTTON)
    await asyncio.gather(*(press(kind, card, role, button) for (kind, card), role, button in pairs))
    assert await store.read(lambda tx: tx.audit.newest(9)) == []
    await store.close()


# --- Slack -----------------------------------------------------------------------------------------------------


@pytest.fixture
async def slack(tmp_path: Path, watch: Watch) -> AsyncIterator[SlackOffice]:
    async with SlackServer(hurry=0.001) as server, slack_office(server, tmp_path, watch) as office:
        yield office


async def _kept(office: SlackOffice | TelegramOffice) -> object:
    """All that a press could have changed."""

    async def look(tx: Transaction) -> object:
        return await tx.cards.open(99), await tx.inbox.untaken(99), await tx.actions.newest(9), await tx.buddies.all()

    return await office.bot.store.read(look)


async def test_who_is_in_slacks_workspace_and_not_in_the_channel_may_nothing(slack: SlackOffice) -> None:
    many = await show_every_kind(slack, "Ana")
    await until(lambda: len(slack.cards()) == many)
    # All that coordinators fill in, as one of them has it open.
    for word in ("action", "buddies"):
        await slack.kim.command("/doorstep", word)
    human = next(card for card in slack.cards() if "asks for a human" in shown(card)[0])
    await slack.kim.press(human["ts"], "desk:answer", slack.room)
    opened, trail = slack.kim.views, await slack.bot.store.read(lambda tx: tx.audit.newest(99))
    before = await _kept(slack)
    for card in slack.cards():
        for block in card["blocks"]:
            for element in block.get("elements", []):
                if element["type"] == "button":
                    await slack.zoe.press(card["ts"], element["action_id"], slack.room)
    constants = {value for name, value in vars(slack_modals).items() if name.isupper() and isinstance(value, str)}
    callbacks = {value for value in constants if value.startswith("desk:")}
    about = {"text": {"text": {"value": "Hello"}}, "action": {"action": {"selected_option": {"value": "1"}}},
             "buddy": {"buddy": {"selected_option": {"value": "4"}}}, "capacity": {"capacity": {"value": "9"}},
             "title": {"title": {"value": "Ours"}}, "date": {"date": {"selected_date": "2026-03-20"}},
             "starts": {"starts": {"selected_time": "10:00"}}}  # fmt: skip
    for callback in sorted(callbacks):
        await slack.zoe.submit(about, {**opened[0], "callback_id": callback, "private_metadata": "1"})
    for word in ("", "action", "change", "buddies", "what?"):
        await slack.zoe.command("/doorstep", word)
    slack.zoe.say("They are mine", slack.room, human["ts"])
    slack.zoe.open_home()
    await until(lambda: slack.zoe.home)
    await until(lambda: any(REFUSED in told for told in slack.told(slack.zoe)))
    seen = [shown(each)[0] for each in (*slack.zoe.views, slack.zoe.home)]
    assert seen
    assert not [words for words in seen if "Ana" in words]
    assert await _kept(slack) == before
    assert await slack.bot.store.read(lambda tx: tx.audit.newest(99)) == trail, "and nobody acted in their name"


async def test_who_was_put_out_of_the_channel_is_a_stranger_and_who_was_let_in_is_none(
    slack: SlackOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.desks.slack_forms.MEMBERS_LAST", 0.0)
    monkeypatch.setattr("bot.desks.slack_forms.STRANGERS_LAST", 0.0)
    assert REFUSED in shown(await slack.zoe.command("/doorstep"))[0]
    assert "connections" in shown(await slack.finn.command("/doorstep"))[0]
    slack.room.members.remove(slack.finn.id)
    slack.room.members.add(slack.zoe.id)
    assert "connections" in shown(await slack.zoe.command("/doorstep"))[0]
    assert REFUSED in shown(await slack.finn.command("/doorstep"))[0]


# --- Telegram --------------------------------------------------------------------------------------------------


@pytest.fixture
async def telegram(tmp_path: Path, watch: Watch) -> AsyncIterator[TelegramOffice]:
    async with TelegramServer() as server, telegram_office(server, tmp_path, watch) as office:
        yield office


async def test_who_is_not_in_telegrams_group_may_nothing(telegram: TelegramOffice) -> None:
    many = await show_every_kind(telegram, "Ana")
    await until(lambda: len(telegram.room.sent) == many)
    elsewhere, private = telegram.account.group(-5, "Elsewhere"), telegram.account.chat(77, "Eve")
    eve, before = elsewhere.member(77, "Eve"), await _kept(telegram)
    # As Telegram lets nobody, but it costs nothing: every button of one card, one of each other, and all the rest.
    presses = [f"card:{many}:{button}" for button in EVERY_BUTTON] + [f"card:{card}:done" for card in range(1, many)]
    presses += ["buddy:4:", "number:4:9", "action:1:", "action:1:change", "action:1:call_off"]
    (number, card), *_ = telegram.room.messages.items()
    elsewhere.messages[number] = {**card, "chat": elsewhere.as_json}
    for data in presses:
        eve.press(number, data)
    eve.writes("They are mine", number)
    for command in roles.DESK_COMMANDS["telegram"]:
        eve.writes(command)
        private.say(command)
    await until(lambda: sum(REFUSED in told for told in eve.told) == len(presses))
    assert [each for each in elsewhere.sent if each["message_id"] != number] == []
    assert [read(each) for each in private.sent][1:] == []
    assert await _kept(telegram) == before
    assert await telegram.bot.store.read(lambda tx: tx.audit.newest(9)) == []


async def test_what_is_done_in_telegrams_group_is_in_the_trail_by_name(telegram: TelegramOffice) -> None:
    sam = await telegram.person("Sam", BUDDY)
    await telegram.bot.store.run(lambda tx: tx.buddies.serve(sam, role=BUDDY, capacity=1, approved_at=tx.now))
    telegram.kim.writes("/action Picnic; Saturday 14:00; Leeds")
    telegram.finn.writes("/buddies")
    card = await telegram.card("Sam")
    telegram.kim.press(card["message_id"], f"number:{sam}:4")
    await telegram.card("Sam takes 4")

    async def look(tx: Transaction) -> list[tuple[str, str, str]]:
        return sorted((each.by, each.role, each.what) for each in await tx.audit.newest(9))

    assert await telegram.bot.store.read(look) == [
        ("Finn", COORDINATOR, "looked at the buddies"),
        ("Kim", COORDINATOR, "lets them take 4"),
        ("Kim", COORDINATOR, "published an action"),
    ]


# --- the console -----------------------------------------------------------------------------------------------

PAGES = {
    "/healthz": ("GET", 200), "/readyz": ("GET", 200), "/metrics": ("GET", 200), "/enter": ("GET", 200),
    "/console/*": ("GET", 200), "/slack/*": ("POST", 404), "/telegram/*": ("POST", 404), "/whatsapp/*": ("POST", 404),
    "/": ("GET", 200), "/chat/open": ("POST", 200), "/chat/messages": ("POST", 400), "/chat/files/*": ("GET", 404),
    "/desk": ("GET", 200),
    "/rehearsal": ("GET", 200), "/_nicegui/*": ("GET", 404), "/_nicegui_ws/*": ("GET", 200),
}  # fmt: skip
"""How each page is asked for, and what it answers to whom it is for."""
PATHS = {
    "/console/*": "/console/page.css", "/slack/*": "/slack/main", "/telegram/*": "/telegram/main",
    "/whatsapp/*": "/whatsapp/main", "/chat/files/*": "/chat/files/calendar/1", "/_nicegui/*": "/_nicegui/x",
    "/_nicegui_ws/*": "/_nicegui_ws/socket.io/?EIO=4&transport=polling",
}  # fmt: skip


@dataclass
class Running:
    """`doorstep run` in this process."""

    url: str
    database: str


@pytest.fixture
async def running(tmp_path: Path, migrated: Path) -> AsyncIterator[Running]:
    shutil.copy(migrated, tmp_path / "doorstep.db")
    config = write_config(tmp_path, f"sqlite:///{tmp_path / 'doorstep.db'}", port := free_port(), {"chain": CHAIN})
    config.write_text(config.read_text().replace("passphrase =", f'chat_passphrase = "{CHAT}"\npassphrase ='))
    async with running_here(config):
        yield Running(f"http://127.0.0.1:{port}", f"sqlite:///{tmp_path / 'doorstep.db'}")


def _trail(database: str) -> list[str]:
    """Who looked at the page of the desk."""
    with schema.connection(database) as opened:
        return [each.who for each in opened.execute(AUDIT.select()) if each.what == "looked at the desk's page"]


async def test_of_all_roles_and_pages_one_opens_where_the_table_has_it(running: Running) -> None:
    assert set(PAGES) == set(roles.PAGES)
    # At the console one is what one has given: a buddy comes in as supporters do, an organizer as a stranger.
    given = {STRANGER: "", SUPPORTER: CHAT, BUDDY: CHAT, COORDINATOR: PASSPHRASE}
    for role, passphrase in given.items():
        async with httpx.AsyncClient(base_url=running.url, timeout=PATIENCE, verify=False) as client:
            if passphrase:
                assert (await client.post("/enter", data={"passphrase": passphrase})).status_code == 303
                await client.post("/chat/open")
            for page, (method, allowed) in PAGES.items():
                answer = await client.request(method, PATHS.get(page, page))
                if roles.opens(role, page.replace("*", "x")):
                    assert answer.status_code == allowed, (role, page)
                else:
                    asked = method == "GET" and not page.startswith("/chat/")
                    assert answer.status_code == (303 if asked else 401), (role, page)
            nowhere = await client.get("/people")
            assert nowhere.status_code == (404 if role == COORDINATOR else 303)
            looked = await asyncio.to_thread(_trail, running.database)
            assert looked == ([f"{COORDINATOR}:"] if role == COORDINATOR else [])
            if roles.opens(role, "/"):
                assert ('href="desk"' in (await client.get("/")).text) == (role == COORDINATOR)
