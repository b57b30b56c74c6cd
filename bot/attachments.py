"""What messages have attached, made when it is asked for, for the one who asks."""

import asyncio
from pathlib import Path

from bot.actions import facts_of
from bot.calendar import calendar_file
from bot.channels.web_files import File
from bot.codes import HERE, code
from bot.do.base import Turn
from bot.qr import qr_code
from bot.reach import invitation, start_of
from bot.world import World
from flows.model import Library
from flows.words import tidy
from storage.actions import PROPOSED, Action
from storage.people import FORGOTTEN
from storage.store import Store
from storage.transaction import Transaction

LARGEST_PICTURE = 5 * 2**20
"""Bytes. WhatsApp takes no larger image (developers.facebook.com, Cloud API, Media: 5 MB), Telegram up to 10 MB."""

_PICTURES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
_LONGEST_NAME = 60


class StoredFiles:
    """Files about what is stored, for the people of one account of a channel.

    calendar  an action as an .ics file, with what this person may know of it: where exactly, only if they come
    qr        as a QR code (drawn for a page, in dots for a platform): the link with which others come by this person's
              invitation; of an action that they host, the one that checks people in with the present code
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
                return File(media_type, qr_code(await _shown(turn, about), picture))
            return await _calendar(turn, about) if kind == "calendar" else None

        return await self._store.read(work)

    async def image(self, name: str) -> File | None:
        """As `bot.channels.web_files.Files` has it. Nothing but pictures that lie in the folder itself is ever read."""
        folder, media_type = self._world.pictures, _PICTURES.get(Path(name).suffix.lower())
        if folder is None or media_type is None or Path(name).name != name:
            return None
        content = await asyncio.to_thread(_read, folder, name)
        return None if content is None else File(media_type, content)


def _read(folder: Path, name: str) -> bytes | None:
    try:
        file = (folder / name).resolve(strict=True)
        # A link could lead out of the folder.
        inside = file.parent == folder.resolve() and file.is_file() and file.stat().st_size <= LARGEST_PICTURE
        return file.read_bytes() if inside else None
    except (OSError, ValueError):
        return None


async def _shown(turn: Turn, action_id: int) -> str:
    action = await turn.tx.actions.get(action_id) if action_id else None
    if action is None or action.host_id != turn.person.id:
        return await invitation(turn.tx, turn.world, turn.person)
    start = await start_of(turn.tx, turn.world, turn.person.channel, turn.person.account)
    return f"{start}{HERE}-{code(action, turn.tx.now)}"


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
