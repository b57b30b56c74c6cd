"""A group on Telegram's side of the stand-in, with privacy mode on: what a bot hears of it. Sources as in
telegram_rules.py, and [features] core.telegram.org/bots/features#privacy-mode."""

import re
from dataclasses import dataclass, field

from tests.bot.standins.telegram_chats import Chat, Json


@dataclass
class Group(Chat):
    """A group that the bot is in, as its members see it.

    last_bot  whether this bot was the last one that wrote there: then it hears commands that name no bot [features]
    """

    kind: str = "supergroup"
    last_bot: bool = True
    queries: dict[str, "Member"] = field(default_factory=dict)

    def member(self, number: int, name: str) -> "Member":
        return Member(self, number, name)

    def hears(self, message: Json) -> bool:
        """[features]: commands for it, replies to it, and service messages; nothing else."""
        if "text" not in message and "reply_to_message" not in message and "photo" not in message:
            return True
        if message.get("reply_to_message", {}).get("from", {}).get("id") == self.bot.id:
            return True
        command = re.match(r"/\w+(?:@(\w+))?", message.get("text", ""))
        if command is None:
            return False
        return command[1] == self.bot.username if command[1] else self.last_bot

    def happens(self, content: Json, who: Json) -> Json:
        """A message of somebody, or of Telegram itself."""
        number = self.bot.next_message()
        message: Json = {
            "message_id": number, "from": who, "chat": self.as_json, "date": self.bot.server.seconds(),
        } | content  # fmt: skip
        self.messages[number] = message
        if self.hears(message):
            self.bot.happened("message", message, self.id)
        return message

    def upgraded(self, number: int) -> "Group":
        """It becomes a supergroup with another number: [tba] messageChatUpgradeTo, messageChatUpgradeFrom."""
        new = Group(self.bot, number, self.first_name)
        self.bot.chats[number] = new
        who = {"id": 1, "is_bot": False, "first_name": "Owner"}
        self.happens({"migrate_to_chat_id": number}, who)
        new.happens({"migrate_from_chat_id": self.id}, who)
        self.moved_to = number
        return new

    def inside(self, is_in: bool) -> None:
        """The bot is put out, or let in again: [api] my_chat_member."""
        self.blocked = not is_in
        told = {"id": self.bot.id, "is_bot": True, "first_name": "Bot"}
        out: Json = {"status": "kicked", "user": told, "until_date": 0}
        member: Json = {"status": "member", "user": told}
        old, new = (out, member) if is_in else (member, out)
        owner = {"id": 1, "is_bot": False, "first_name": "Owner"}
        body = {
            "chat": self.as_json, "from": owner, "date": self.bot.server.seconds(), "old_chat_member": old,
            "new_chat_member": new,
        }  # fmt: skip
        self.bot.happened("my_chat_member", body, self.id)


@dataclass
class Member:
    """Somebody in a group."""

    group: Group
    id: int
    name: str

    @property
    def as_json(self) -> Json:
        return {"id": self.id, "is_bot": False, "first_name": self.name}

    def writes(self, text: str, reply_to: int = 0, **content: object) -> int:
        """They write, perhaps in reply to a message; the number of theirs."""
        body: Json = ({"text": text} if text else {}) | content
        if reply_to:
            body["reply_to_message"] = as_replied(self.group.messages[reply_to])
        if text.startswith("/"):
            length = len(text.split(maxsplit=1)[0])
            body["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        return int(self.group.happens(body, self.as_json)["message_id"])

    def press(self, number: int, data: str) -> str:
        """They press a button; the id of the query."""
        bot = self.group.bot
        query = bot.server.next_id()
        bot.queries[query], self.group.queries[query] = self.group, self
        message = {name: value for name, value in self.group.messages[number].items() if not name.startswith("_")}
        body = {"id": query, "from": self.as_json, "chat_instance": "1", "data": data, "message": message}
        bot.happened("callback_query", body, -self.group.id)
        return query

    @property
    def told(self) -> list[str]:
        """What answers to their presses said to them alone."""
        answers = [each for each in self.group.answered if self.group.queries[str(each["callback_query_id"])] == self]
        return [str(each["text"]) for each in answers if each.get("text")]


def as_replied(message: Json) -> Json:
    """[api] Message: "reply_to_message: the Message object in this field will not contain further fields"."""
    return {name: value for name, value in message.items() if name != "reply_to_message" and name[0] != "_"}
