"""The people on WhatsApp's side of the stand-in: their telephones, and what they do there."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.bot.standins.whatsapp import WhatsAppServer

Json = dict[str, Any]

_ALIVE = {
    # As mautrix/whatsapp v26.08 finds them: pkg/msgconv/wa-text.go.
    "italic": re.compile(r"(?:^|(?<=[\s>_~*]))_(.+?)_(?![a-zA-Z\d])"),
    "struck": re.compile(r"(?:^|(?<=[\s>_~*]))~(.+?)~(?![a-zA-Z\d])"),
    "code": re.compile(r"(?:^|(?<=[\s>_~*]))`(.+?)`"),
    "block": re.compile(r"```\s*\S.*?```", re.DOTALL),
    "quote": re.compile(r"^> ", re.MULTILINE),
}
_numbers = itertools.count(1)


@dataclass
class Person:
    """Someone with WhatsApp.

    id        what Meta calls them for this business; `number` their telephone's, which webhooks leave out where they
              `hide` it
    open      the 24 hours since they wrote last have not passed
    sent      what we wrote, newest last: what was asked, with "id"
    """

    server: "WhatsAppServer"
    id: str
    number: str
    name: str
    hide: bool = False
    open: bool = True
    sent: list[Json] = field(default_factory=list)

    @property
    def contact(self) -> Json:
        """[ids] contacts."""
        contact: Json = {"profile": {"name": self.name}, "user_id": self.id}
        return contact if self.hide else contact | {"wa_id": self.number}

    @property
    def words(self) -> list[str]:
        """The words of what we wrote, as they are read."""
        return [text_of(message) for message in self.sent]

    def say(self, text: str) -> str:
        """They write; Meta's id of it."""
        return self._message({"type": "text", "text": {"body": text}})

    def press(self, message: Json, title: str) -> str:
        """They press a button, or choose a row."""
        found = next(each for each in buttons(message) if each["title"] == title)
        kind = "button_reply" if message["interactive"]["type"] == "button" else "list_reply"
        reply = {"id": found["id"], "title": title}
        context = {"from": self.server.number, "id": message["id"]}
        return self._message({"type": "interactive", "context": context, "interactive": {"type": kind, kind: reply}})

    def press_template(self, text: str) -> str:
        """They press the quick reply of a template."""
        return self._message({"type": "button", "button": {"payload": text, "text": text}})

    def edit(self, message: str, text: str) -> str:
        """[webhooks/reference/messages/edit]"""
        changed = {"type": "text", "text": {"body": text}}
        return self._message({"type": "edit", "edit": {"original_message_id": message, "message": changed}})

    def post(self, content: Json) -> str:
        """They send anything else."""
        return self._message(content)

    def change_number(self, number: str) -> None:
        """[ids] "regenerated if a user changes their phone number": a system message, and user_id_update."""
        old_id, old = self.id, self.number
        self.id, self.number = f"GB.{int(number):020d}", number
        system = {"body": "User changed", "wa_id": number, "user_id": self.id, "type": "user_changed_user_id"}
        message = {"from": old, "id": message_id(), "timestamp": self.server.now(), "type": "system", "system": system}
        self.server.tell(self, {"messages": [message]})
        update = {"wa_id": number, "detail": "User id has been updated.", "timestamp": self.server.now()}
        ids = {"user_id": {"previous": old_id, "current": self.id}}
        self.server.tell(self, {"user_id_update": [update | ids]}, "user_id_update")

    def want_no_more(self) -> None:
        """[webhooks/reference/user_preferences] They told WhatsApp itself that they want no more offers."""
        about = {"user_id": self.id, "wa_id": self.number, "category": "marketing_messages", "value": "stop"}
        about |= {"detail": "User requested to stop marketing messages", "timestamp": self.server.now()}
        self.server.tell(self, {"contacts": [self.contact], "user_preferences": [about]}, "user_preferences")

    def message_of(self, content: Json) -> Json:
        """A webhook's `messages` entry; they have written."""
        self.open = True
        who: Json = {"from_user_id": self.id} if self.hide else {"from_user_id": self.id, "from": self.number}
        return who | {"id": message_id(), "timestamp": self.server.now()} | content

    def _message(self, content: Json) -> str:
        message = self.message_of(content)
        self.server.tell(self, {"contacts": [self.contact], "messages": [message]})
        return str(message["id"])


def message_id() -> str:
    return f"wamid.HBgL{next(_numbers):08d}"


def buttons(message: Json) -> list[Json]:
    """What can be pressed on a message: each with `id` and `title`."""
    action = (message.get("interactive") or {}).get("action") or {}
    rows = [row for section in action.get("sections") or [] for row in section["rows"]]
    return [button["reply"] for button in action.get("buttons") or []] + rows


def text_of(message: Json) -> str:
    """The words, without what nobody sees."""
    content = message[message["type"]]
    body = content.get("body", content.get("caption", ""))
    text = body["text"] if isinstance(body, dict) else body
    return str(text).replace("\u2060", "")


def alive(message: Json) -> Iterator[str]:
    """The marks that are at work in a message."""
    content = message[message["type"]]
    body = content.get("body", "")
    text = body["text"] if isinstance(body, dict) else body
    yield from (name for name, mark in _ALIVE.items() if mark.search(text))
