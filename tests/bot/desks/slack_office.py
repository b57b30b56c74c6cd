"""A bot with a desk in a Slack channel, the channel on the stand-in, and people who write to the bot."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from bot.app import Bot, open_bot
from bot.channels.base import Inbound
from bot.desks.slack import SlackDesk
from bot.group import Group
from bot.slack_app import SlackApp
from bot.world import World
from flows.model import Said
from flows.reader import STARTER
from storage.store import Transaction
from tests.bot.neighbourhood import places
from tests.bot.standins.slack import SlackServer
from tests.bot.standins.slack_app import AppAccount
from tests.bot.standins.slack_people import Conversation, Person
from tests.bot.standins.slack_rules import Json, shown
from tests.bot.talking import Recorder
from tests.databases import Watch
from tests.waiting import PATIENCE, until

TOKEN, APP_TOKEN, CHANNEL = "xoxb-1", "xapp-1", "C0COORD"


class SlackOffice:
    """Kim and Finn coordinate in `room`; Zoe is in the workspace, and no coordinator."""

    def __init__(self, bot: Bot, account: AppAccount, watch: Watch) -> None:
        self.bot, self.account, self.watch = bot, account, watch
        self.room: Conversation = account.channel(CHANNEL, "coordinators")
        self.kim, self.finn, self.zoe = (account.person(name) for name in ("Kim", "Finn", "Zoe"))
        self.room.members |= {self.kim.id, self.finn.id}
        self.phones = Recorder()
        self.reports: list[str] = []
        self._events = count(1)

    # --- people

    async def says(self, who: str, text: str) -> None:
        """Somebody writes to the bot."""
        said = Said(text)
        await self.bot.turns.receive(Inbound("web", "web", who, f"e{next(self._events)}", said, name=who.title()))

    def heard(self, who: str) -> list[str]:
        return [text for address, text in self.phones.sent if address == who]

    async def person(self, name: str, role: str = "", **fields: Any) -> int:
        async def work(tx: Transaction) -> int:
            person = await tx.people.add("web", "web", name.lower(), "en")
            await tx.people.save(person.id, {"name": name, **fields}, role=role)
            return person.id

        return await self.bot.store.run(work)

    async def add(self, kind: str, person: int | None, body: Mapping[str, Any] | None = None, **more: Any) -> int:
        """A card."""
        subject = f"person:{person}"
        number = await self.bot.store.run(lambda tx: tx.cards.add(kind, subject, person, body or {}, **more))
        self.bot.stir()
        return number

    # --- what coordinators see

    def cards(self) -> list[Json]:
        return [each for each in self.room.sent(self.account.bot_id) if "thread_ts" not in each]

    def thread(self, card: Json) -> list[str]:
        """What the bot wrote under a card."""
        sent = self.room.sent(self.account.bot_id)
        return [shown(each)[0] for each in sent if each.get("thread_ts") == card["ts"]]

    def words(self) -> list[str]:
        """Every card, as people read it."""
        return [shown(each)[0] for each in self.cards()]

    async def card(self, beginning: str, times: int = 1) -> Json:
        """The card that begins with this, once it is there."""
        await until(lambda: sum(words.startswith(beginning) for words in self.words()) >= times)
        return [each for each in self.cards() if shown(each)[0].startswith(beginning)][-1]

    async def changed(self, card: Json, words: str) -> str:
        """The words of a card, once it says this."""
        await until(lambda: words in shown(self.room.messages[card["ts"]])[0])
        return shown(self.room.messages[card["ts"]])[0]

    def buttons(self, card: Json) -> list[str]:
        blocks = self.room.messages[card["ts"]]["blocks"]
        return [each["text"]["text"] for block in blocks if block["type"] == "actions" for each in block["elements"]]

    def told(self, who: Person) -> list[str]:
        """What only this person saw in the channel."""
        return [shown(message)[0] for user, message in self.room.ephemeral if user == who.id]


@asynccontextmanager
async def slack_office(
    server: SlackServer, folder: Path, watch: Watch, *, listens: bool = True
) -> AsyncIterator[SlackOffice]:
    """It runs meanwhile. A second one in the same folder is the same bot, begun anew."""
    group = Group(org={"name": "Leeds Together", "bot_name": "Doorstep"}, zone="Europe/London", quiet=None)
    url, key = f"sqlite:///{folder / 'desk.db'}", folder / "desk.key"
    account = server.app(TOKEN, app_token=APP_TOKEN)
    async with open_bot(url, key, STARTER, World(group, places=places()), watch) as bot:
        office = SlackOffice(bot, account, watch)
        app = SlackApp(TOKEN, app_token=APP_TOKEN, api_base=server.url, pause=0.01, patience=5.0)
        desk = SlackDesk(app, CHANNEL, pace=None)
        running = [*bot.attach(office.phones), *bot.always(), *bot.attach_desk(desk, office.reports.append)]
        tasks = [asyncio.create_task(each) for each in [*running, *([app.listen()] if listens else [])]]
        try:
            if listens:
                async with asyncio.timeout(PATIENCE):
                    await account.connected()
            yield office
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await app.close()
