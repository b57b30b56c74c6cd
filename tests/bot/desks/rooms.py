"""Where coordinators work on the stand-ins: for a journey, one desk is like the other."""

from typing import Protocol

from tests.bot.desks.telegram_office import buttons, read
from tests.bot.standins.slack_app import AppAccount
from tests.bot.standins.slack_rules import Json, shown
from tests.bot.standins.telegram_bot import BotAccount


class Room(Protocol):
    """A desk with one coordinator in it."""

    def cards(self, title: str) -> list[str]:
        """The words of each card that begins so, as it is now."""

    def press(self, title: str, label: str) -> None:
        """The coordinator presses this on the card that begins so."""


class SlackRoom:
    """Kim's, a channel."""

    def __init__(self, app: AppAccount, channel: str) -> None:
        self.app, self.room, self.kim = app, app.channel(channel, "coordinators"), app.person("Kim")
        self.room.members.add(self.kim.id)

    def _found(self, title: str) -> list[Json]:
        return [card for card in self.room.sent(self.app.bot_id) if shown(card)[0].startswith(title)]

    def cards(self, title: str) -> list[str]:
        return [shown(card)[0] for card in self._found(title)]

    def press(self, title: str, label: str) -> None:
        (card,) = self._found(title)
        for block in card["blocks"]:
            for element in block.get("elements", []):
                if element["type"] == "button" and element["text"]["text"] == label:
                    self.kim.press(card["ts"], element["action_id"], self.room)


class TelegramRoom:
    """Lou's, a group."""

    def __init__(self, account: BotAccount, number: int) -> None:
        self.room = account.group(number, "Coordinators")
        self.lou = self.room.member(11, "Lou")

    def _found(self, title: str) -> list[Json]:
        return [card for card in self.room.sent if read(card).startswith(title)]

    def cards(self, title: str) -> list[str]:
        return [read(card) for card in self._found(title)]

    def press(self, title: str, label: str) -> None:
        (card,) = self._found(title)
        self.lou.press(card["message_id"], buttons(card)[label])
