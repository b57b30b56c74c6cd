"""The people and the conversations of a workspace on the stand-in, and what people do there."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.bot.standins.slack_rules import Json

if TYPE_CHECKING:
    from tests.bot.standins.slack_app import AppAccount


@dataclass
class Conversation:
    """A channel, or the direct messages of one person with the app.

    messages   by their `ts`, as Slack's `message` (deleted ones are gone)
    ephemeral  what only one person saw: (user, message)
    members    the people of a channel
    """

    id: str
    name: str = ""
    person: str = ""
    messages: dict[str, Json] = field(default_factory=dict)
    ephemeral: list[tuple[str, Json]] = field(default_factory=list)
    members: set[str] = field(default_factory=set)

    @property
    def kind(self) -> str:
        return "im" if self.person else "channel"

    def sent(self, bot: str) -> list[Json]:
        """What the bot wrote, oldest first."""
        return [message for message in self.messages.values() if message.get("bot_id") == bot]


@dataclass
class Person:
    """A member of the workspace.

    views  the modals that are open for them, the newest last; `home` their home tab
    warned what they pressed or handed in, and nobody took: Slack shows them a warning
    """

    app: "AppAccount"
    id: str
    name: str
    locale: str = "en-US"
    deleted: bool = False
    is_bot: bool = False
    views: list[Json] = field(default_factory=list)
    home: Json = field(default_factory=dict)
    warned: list[Json] = field(default_factory=list)

    @property
    def dm(self) -> Conversation:
        """Their direct messages with the app."""
        return self.app.direct(self)

    @property
    def sent(self) -> list[Json]:
        """What the app wrote to them directly, oldest first."""
        return self.dm.sent(self.app.bot_id)

    @property
    def as_json(self) -> Json:
        profile = {"display_name": self.name, "real_name": self.name}
        return {
            "id": self.id, "team_id": self.app.team, "name": self.name.lower(), "real_name": self.name,
            "deleted": self.deleted, "is_bot": self.is_bot, "profile": profile, "locale": self.locale, "tz": "Etc/UTC",
        }  # fmt: skip

    # --- messages

    def say(self, text: str, where: Conversation | None = None, thread: str = "", **more: Any) -> str:
        """They write; the message's `ts`. A slash in front is a command, so people write a blank before it."""
        return self.post(_escaped(text).strip(), where, thread, **more)

    def post(self, text: str, where: Conversation | None = None, thread: str = "", **more: Any) -> str:
        """They write what their app makes `text` of, with whatever else a message has."""
        where = where or self.dm
        message: Json = {
            "type": "message", "user": self.id, "text": text, "ts": self.app.stamp(),
            **({} if "subtype" in more else {"team": self.app.team}),
            **({"thread_ts": thread} if thread else {}), **more,
        }  # fmt: skip
        where.messages[message["ts"]] = message
        self.app.event(message | {"channel": where.id, "channel_type": where.kind, "event_ts": message["ts"]})
        return str(message["ts"])

    def edit(self, ts: str, text: str, where: Conversation | None = None) -> None:
        """They change what they wrote."""
        where = where or self.dm
        before = where.messages[ts]
        now = self.app.stamp()
        after = before | {"text": _escaped(text), "edited": {"user": self.id, "ts": now}}
        where.messages[ts] = after
        self.app.changed(where, before, after)

    def send_file(self, file_id: str, mimetype: str, text: str = "") -> str:
        """They send a file to the app."""
        kind = mimetype.partition("/")[2]
        file = {
            "id": file_id, "created": int(float(self.app.stamp())), "name": "a file", "title": "a file",
            "mimetype": mimetype, "filetype": kind, "pretty_type": kind.upper(), "user": self.id, "editable": False,
            "size": 4096, "mode": "hosted", "is_external": False, "external_type": "", "is_public": False,
            "public_url_shared": False, "display_as_bot": False, "username": "", "channels": [], "groups": [],
            "url_private": "https://files.slack.com/x", "permalink": "https://neighbours.slack.com/x",
        }  # fmt: skip
        return self.say(text, subtype="file_share", files=[file], upload=False)

    def open_home(self) -> None:
        """They open the app's home tab."""
        event = {"type": "app_home_opened", "user": self.id, "channel": self.dm.id, "tab": "home"}
        self.app.event(event | {"event_ts": self.app.stamp(), **({"view": self.home} if self.home else {})})

    # --- presses

    def press(self, ts: str, action_id: str, where: Conversation | None = None, **chosen: Any) -> "asyncio.Task[Any]":
        """They press a button, or choose (`selected_options=…`), in a message. The answer, once there is one."""
        where = where or self.dm
        message = where.messages[ts]
        block, element = _element(message["blocks"], action_id)
        payload = self.app.interaction("block_actions", self) | {
            "container": {"type": "message", "message_ts": ts, "channel_id": where.id, "is_ephemeral": False},
            "channel": {"id": where.id, "name": "directmessage" if where.person else where.name},
            "message": {name: value for name, value in message.items() if not name.startswith("_")},
            "actions": [self._action(block, element, chosen)],
        }  # fmt: skip
        if "selected_options" in chosen:
            message.setdefault("_ticks", {})[block["block_id"], action_id] = chosen["selected_options"]
        payload["state"] = {"values": state_of(message)}
        return self.app.interact(payload, self)

    def press_in_view(self, view: Json, action_id: str, **chosen: Any) -> "asyncio.Task[Any]":
        """They press something in a modal or in the home tab."""
        block, element = _element(view["blocks"], action_id)
        payload = self.app.interaction("block_actions", self) | {
            "container": {"type": "view", "view_id": view["id"]}, "view": view,
            "actions": [self._action(block, element, chosen)],
        }  # fmt: skip
        return self.app.interact(payload, self)

    def submit(self, values: Json, view: Json | None = None) -> "asyncio.Task[Any]":
        """They hand in the newest modal, with `values` as `view.state.values` has them."""
        view = view or self.views[-1]
        payload = self.app.interaction("view_submission", self) | {
            "view": view | {"state": {"values": values}}, "response_urls": [],
        }  # fmt: skip
        return self.app.interact(payload, self)

    def command(self, command: str, text: str = "", where: Conversation | None = None) -> "asyncio.Task[Any]":
        """They write a slash command."""
        where = where or self.dm
        payload = {
            "command": command, "text": text, "user_id": self.id, "user_name": self.name.lower(),
            "channel_id": where.id, "channel_name": where.name or "directmessage", "team_id": self.app.team,
            "team_domain": "neighbours", "api_app_id": self.app.id, "trigger_id": self.app.trigger(),
            "response_url": self.app.response_url(where, self), "is_enterprise_install": "false", "token": "old",
        }  # fmt: skip
        return self.app.interact(payload, self, kind="slash_commands")

    def _action(self, block: Json, element: Json, chosen: Json) -> Json:
        known: Json = {name: element[name] for name in ("text", "value") if name in element}
        return {
            "type": element["type"], "action_id": element["action_id"], "block_id": block["block_id"],
            "action_ts": self.app.stamp(), **known, **chosen,
        }  # fmt: skip


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _element(blocks: list[Json], action_id: str) -> tuple[Json, Json]:
    for block in blocks:
        for element in [*(block.get("elements") or []), block.get("accessory"), block.get("element")]:
            if isinstance(element, dict) and element.get("action_id") == action_id:
                return block, element
    raise AssertionError(f"nothing here is called {action_id!r}")


def state_of(message: Json) -> Json:
    """`state.values`: what is ticked in each element of a message, whether or not the app has shown it since.

    A tick belongs to its block_id and action_id: it outlives an update that keeps both.
    """
    values: Json = {}
    ticks = message.get("_ticks", {})
    for block in message["blocks"]:
        for element in block.get("elements") or []:
            if isinstance(element, dict) and element.get("type") == "checkboxes":
                first = element.get("initial_options") or []
                held = list(ticks.get((block["block_id"], element["action_id"]), first))
                named = {"type": "checkboxes", "selected_options": held}
                values.setdefault(block["block_id"], {})[element["action_id"]] = named
    return values
