"""A bot with a desk in a Slack channel, the channel on the stand-in, and people who write to the bot."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.app import Bot
from bot.desks.slack import SlackDesk
from bot.slack_app import SlackApp
from tests.bot.desks.office import Office, at_work, desk_bot
from tests.bot.standins.slack import SlackServer
from tests.bot.standins.slack_app import AppAccount
from tests.bot.standins.slack_people import Conversation, Person
from tests.bot.standins.slack_rules import Json, shown
from tests.databases import Watch
from tests.waiting import PATIENCE, until

TOKEN, APP_TOKEN, CHANNEL = "xoxb-1", "xapp-1", "C0COORD"


class SlackOffice(Office):
    """Kim and Finn coordinate in `room`; Zoe is in the workspace, and no coordinator."""

    def __init__(self, bot: Bot, account: AppAccount, watch: Watch) -> None:
        super().__init__(bot, watch)
        self.account = account
        self.room: Conversation = account.channel(CHANNEL, "coordinators")
        self.kim, self.finn, self.zoe = (account.person(name) for name in ("Kim", "Finn", "Zoe"))
        self.room.members |= {self.kim.id, self.finn.id}

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
    account = server.app(TOKEN, app_token=APP_TOKEN)
    async with desk_bot(folder, watch) as bot:
        office = SlackOffice(bot, account, watch)
        app = SlackApp(TOKEN, app_token=APP_TOKEN, api_base=server.url, pause=0.01, patience=5.0)
        desk = SlackDesk(app, CHANNEL, pace=None)
        works = [*bot.attach(office.phones), *bot.always(), *bot.attach_desk(desk, office.reports.append)]
        try:
            async with at_work([*works, *([app.listen()] if listens else [])]):
                if listens:
                    async with asyncio.timeout(PATIENCE):
                        await account.connected()
                yield office
        finally:
            await app.close()
