"""What messages have attached, made when it is asked for, for the one who asks."""

from bot.actions import facts_of
from bot.calendar import calendar_file
from bot.channels.web_files import File
from bot.do.actions import invitation
from bot.do.base import Turn
from bot.qr import qr_code
from bot.world import World
from flows.model import Library
from flows.words import tidy
from storage.actions import PROPOSED, Action
from storage.people import FORGOTTEN
from storage.store import Store
from storage.transaction import Transaction

_LONGEST_NAME = 60


class StoredFiles:
    """Files about what is stored, for the people of one account of a channel.

    calendar  an action as an .ics file, with what this person may know of it: where exactly, only if they come
    qr        the link with which others come to the bot by this person's invitation, as a QR code: drawn for a page,
              and in dots for a platform
    """

    def __init__(self, store: Store, world: World, account: str = "web", channel: str = "web") -> None:
        self._store, self._world, self._account, self._channel = store, world, account, channel

    async def file(self, address: str, kind: str, about: int) -> File | None:
        """As `bot.channels.web_files.Files` has it."""

        async def work(tx: Transaction) -> File | None:
            person = await tx.people.by_address(self._channel, self._account, address)
            if person is None or person.status == FORGOTTEN:
                return None
            turn = Turn(tx=tx, world=self._world, library=Library({}), person=person, fields=dict(person.fields))
            if kind == "qr":
                drawn = self._channel == "web"
                picture, media_type = ("svg", "image/svg+xml") if drawn else ("png", "image/png")
                return File(media_type, qr_code(await invitation(turn), picture))
            return await _calendar(turn, about) if kind == "calendar" else None

        return await self._store.read(work)


async def _calendar(turn: Turn, action_id: int) -> File | None:
    action = await turn.tx.actions.get(action_id)
    if action is None or (action.state == PROPOSED and action.host_id != turn.person.id):
        return None
    known = await facts_of(turn, action)
    group, world = str(turn.world.group.org.get("name") or ""), turn.world
    content = calendar_file(action, known, turn.tx.now, group, turn.language, world.address)
    return File("text/calendar; charset=utf-8", content, _name(action))


def _name(action: Action) -> str:
    """A name that every system can keep a file under."""
    plain = "".join(sign if sign.isalnum() or sign in " -_" else " " for sign in tidy(action.title))
    return f"{' '.join(plain.split())[:_LONGEST_NAME].strip() or 'action'}.ics"
