"""What coordinators fill in on Slack: a new action, what changes of one, a buddy's capacity; and who they are there."""

import asyncio
import logging
import time
from typing import Any

from slack_bolt.async_app import AsyncAck

from bot import roles
from bot.console.stage import Refused
from bot.desks import slack_modals as modals
from bot.desks import slack_shown as shown
from bot.desks.changing import GONE, NONE_COMING
from bot.desks.office import Office
from bot.desks.slack_board import SlackBoard
from bot.new_actions import BadCells
from bot.roles import Who
from bot.slack_app import SlackApp
from bot.slack_calls import Lost, NotReached
from bot.slack_calls import Refused as SlackRefused
from flows.limits import Rate
from storage.audit import COORDINATOR

log = logging.getLogger(__name__)

NAMES_LAST = 3600.0
"""Seconds for which somebody's display name is good."""
MEMBERS_LAST, STRANGERS_LAST = 60.0, 2.0
"""Seconds for which it is known who is in the channel, and who is not."""

NO_BUDDIES = "No buddy of that name was approved."
SOMEBODY = "a coordinator"
CHANGE = "Change an action"


class SlackForms(SlackBoard):
    """The modals of a desk in the channel of that id."""

    name = "slack"

    def __init__(self, app: SlackApp, channel: str, pace: Rate | None) -> None:
        super().__init__(app, channel, pace)
        self._office: asyncio.Future[Office] | None = None
        self._names: dict[str, tuple[float, str]] = {}
        self._members: tuple[float, frozenset[str]] = (float("-inf"), frozenset())
        bolt = app.bolt
        bolt.action(shown.NEW_ACTION)(self._on_asked_for_action)
        bolt.action(shown.CHANGE_ACTION)(self._on_asked_for_change)
        bolt.action(shown.BUDDIES)(self._on_asked_for_buddies)
        bolt.view(modals.MAKING)(self._on_making)
        bolt.view(modals.CHOOSING)(self._on_choosing)
        bolt.view(modals.EDITING)(self._on_editing)
        bolt.view(modals.CALLING_OFF)(self._on_calling_off)
        bolt.view(modals.CHANGING)(self._on_changing)

    # --- actions

    async def _on_asked_for_action(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await self._new_action(body)
        await ack()

    async def _new_action(self, body: dict[str, Any]) -> None:
        office = await self._knows()
        if await self._may_not(body, "new action"):
            return
        await self._open(body, modals.making(office.now().date()))

    async def _on_making(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        office = await self._knows()
        try:
            said = await office.add_action(modals.cells(modals.values(view)), await self._who(body))
        except BadCells as bad:
            await ack(response_action="errors", errors=modals.problems(bad.problems))
        except Refused as refused:
            await ack(response_action="errors", errors={"title": str(refused)})
        else:
            await ack(response_action="update", view=modals.told("Create an action", said))

    async def _on_asked_for_change(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await self._which_action(body, "")
        await ack()

    async def _which_action(self, body: dict[str, Any], name: str) -> None:
        office = await self._knows()
        if await self._may_not(body, "actions"):
            return
        found = await office.actions(await self._who(body), name)
        await self._open(body, modals.choosing(found) if found else modals.told(CHANGE, NONE_COMING))

    async def _on_choosing(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        office, given = await self._knows(), modals.values(view)
        try:
            found = await office.actions(await self._who(body))
        except Refused as refused:
            await ack(response_action="update", view=modals.told(CHANGE, str(refused)))
            return
        chosen = next((each for each in found if str(each.id) == given.get("action")), None)
        if chosen is None:
            await ack(response_action="update", view=modals.told(CHANGE, GONE))
            return
        form = modals.calling_off if given.get("what") == modals.CALL_OFF else modals.editing
        await ack(response_action="update", view=form(chosen))

    async def _on_editing(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        office, cells = await self._knows(), modals.cells(modals.values(view))
        try:
            said = await office.change_action(int(view["private_metadata"]), cells, await self._who(body))
        except BadCells as bad:
            await ack(response_action="errors", errors=modals.problems(bad.problems))
        except Refused as refused:
            await ack(response_action="errors", errors={"title": str(refused)})
        else:
            await ack(response_action="update", view=modals.told(CHANGE, said))

    async def _on_calling_off(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        office = await self._knows()
        try:
            said = await office.cancel_action(int(view["private_metadata"]), await self._who(body))
        except Refused as refused:
            said = str(refused)
        await ack(response_action="update", view=modals.told(CHANGE, said))

    # --- buddies

    async def _on_asked_for_buddies(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await self._buddies(body, "")
        await ack()

    async def _buddies(self, body: dict[str, Any], name: str) -> None:
        office = await self._knows()
        if await self._may_not(body, "buddies"):
            return
        buddies = await office.buddies(await self._who(body))
        found = [each for each in buddies if name.casefold() in each.name.casefold()]
        await self._open(body, modals.changing(found) if found else modals.told("Buddies", NO_BUDDIES))

    async def _on_changing(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        office, given = await self._knows(), modals.values(view)
        written = given.get("capacity", "")
        try:
            number = int(written) if written.isascii() and written.isdigit() else -1
            said = await office.set_capacity(int(given["buddy"]), number, await self._who(body))
        except Refused as refused:
            await ack(response_action="errors", errors={"capacity": str(refused)})
        else:
            await ack(response_action="update", view=modals.told("Buddies", said))

    # --- who they are

    async def _open(self, body: dict[str, Any], view: shown.Block) -> None:
        """Opens a modal, within the three seconds for which its trigger lives."""
        given = {"trigger_id": body["trigger_id"], "view": view}
        await self._app.client.api_call("views.open", json=given)

    async def _may_not(self, body: dict[str, Any], what: str) -> bool:
        """Whether somebody may not ask this of a desk; then they are told so."""
        if roles.asks((await self._who(body)).role, what):
            return False
        await self._open(body, modals.told("Doorstep", roles.ONLY_COORDINATORS))
        return True

    async def _who(self, body: dict[str, Any]) -> Who:
        """Who did what Slack tells of."""
        return await self._known(str(body.get("user_id") or body["user"]["id"]))

    async def _known(self, user: str) -> Who:
        inside = await self._is_inside(user)
        return Who(COORDINATOR if inside else roles.STRANGER, await self._name(user))

    async def _is_inside(self, user: str) -> bool:
        """Whether they are in the desk's channel: in a workspace there may be supporters too."""
        read_at, known = self._members
        # Who is not known may just have been let in; whoever was put out may go on for no longer than a minute.
        if time.monotonic() > read_at + (MEMBERS_LAST if user in known else STRANGERS_LAST):
            found = [each async for each in self.pages("conversations.members", "members", channel=self._channel)]
            known = frozenset(map(str, found))
            self._members = time.monotonic(), known
        return user in known

    async def _name(self, user: str) -> str:
        """Their display name; where Slack does not tell, something for the others to read all the same."""
        until, name = self._names.get(user, (float("-inf"), SOMEBODY))
        if time.monotonic() > until:
            try:
                answer = await self._app.client.api_call("users.info", params={"user": user})
            except (SlackRefused, NotReached, Lost) as error:
                log.warning("desk %s: a name could not be read: %s", self.name, error)
                return name
            told = answer["user"]
            profile = told.get("profile") or {}
            name = str(profile.get("display_name") or profile.get("real_name") or told.get("name") or SOMEBODY)
            self._names[user] = time.monotonic() + NAMES_LAST, name
        return name

    def _knows(self) -> "asyncio.Future[Office]":
        """The office, once there is one: what Slack hands over before waits for it."""
        if self._office is None:
            self._office = asyncio.get_running_loop().create_future()
        return self._office
