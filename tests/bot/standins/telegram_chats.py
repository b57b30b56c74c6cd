"""The people on Telegram's side of the stand-in: their chats with a bot, and what they do there."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.bot.standins.telegram_bot import BotAccount

Json = dict[str, Any]


@dataclass
class Chat:
    """A private chat, as the person sees it.

    messages  by number: theirs and the bot's, as Telegram's `Message` (deleted ones are gone)
    keyboard  the reply keyboard below the text field, as `ReplyKeyboardMarkup`; {}: none
    """

    bot: "BotAccount"
    id: int
    first_name: str
    language: str = "en"
    kind: str = "private"
    started: bool = True
    blocked: bool = False
    moved_to: int = 0
    messages: dict[int, Json] = field(default_factory=dict)
    keyboard: Json = field(default_factory=dict)
    answered: list[Json] = field(default_factory=list)
    reactions: dict[int, list[str]] = field(default_factory=dict)

    @property
    def person(self) -> Json:
        return {
            "id": self.id if self.kind == "private" else 77, "is_bot": False, "first_name": self.first_name,
            "language_code": self.language,
        }  # fmt: skip

    @property
    def as_json(self) -> Json:
        if self.kind == "private":
            return {"id": self.id, "type": "private", "first_name": self.first_name}
        return {"id": self.id, "type": self.kind, "title": "A group"}

    @property
    def sent(self) -> list[Json]:
        """What the bot wrote, oldest first."""
        return [message for message in self.messages.values() if message["from"]["is_bot"]]

    def say(self, text: str) -> Json:
        """They write; the message."""
        return self._post({"text": text})

    def location(self, lat: float, lon: float) -> Json:
        """They share a point; Telegram hides the keyboard that asked for it once."""
        if self.keyboard.get("one_time_keyboard"):
            self.keyboard = {}
        return self._post({"location": {"latitude": lat, "longitude": lon, "horizontal_accuracy": 12.0}})

    def photo(self, file_id: str, caption: str = "") -> Json:
        """They send a picture, which comes in several sizes, the largest last."""
        sizes = [
            {"file_id": f"{file_id}{end}", "file_unique_id": f"u{end}", "width": width, "height": width}
            for end, width in (("-s", 90), ("-m", 320), ("", 1280))
        ]
        return self._post({"photo": sizes} | ({"caption": caption} if caption else {}))

    def post(self, content: Json) -> Json:
        """They send whatever else there is."""
        return self._post(content)

    def edit(self, number: int, text: str) -> None:
        """They change what they wrote."""
        message = self.messages[number] | {"text": text, "edit_date": self.bot.server.seconds()}
        self.messages[number] = message
        self.bot.happened("edited_message", message, self.id)

    def press(self, number: int, data: str) -> str:
        """They press a button; the id of the query, which the bot should answer."""
        query = self.bot.server.next_id()
        self.bot.queries[query] = self
        message = {name: value for name, value in self.messages[number].items() if not name.startswith("_")}
        body = {
            "id": query, "from": self.person, "chat_instance": "1", "data": data, "message": message,
        }  # fmt: skip
        # "callbacks in a separate queue": WebhookActor.cpp, Client.cpp of tdlib/telegram-bot-api
        self.bot.happened("callback_query", body, -self.id)
        return query

    def show(self, message: Json) -> Json:
        """The bot's message appears."""
        self.messages[message["message_id"]] = message
        return message

    def _post(self, content: Json) -> Json:
        self.started = True
        number = self.bot.next_message()
        message: Json = {
            "message_id": number, "from": self.person, "chat": self.as_json,
            "date": self.bot.server.seconds(),
        } | content  # fmt: skip
        self.messages[number] = message
        self.bot.happened("message", message, self.id)
        return message
