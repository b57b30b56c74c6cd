"""The world of `doorstep try`, and the files it leaves."""

import os
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.group import Group
from bot.places import Places
from bot.world import World
from flows.model import Value


def world_here(address: str) -> World:
    """This machine's zone, and English and Spanish spoken. `address` is where people reach the page; "": not known.

    There are no quiet hours, so that somebody who tries it at night is answered; a jump of the clock keeps them.
    """
    zone = _zone_here()
    org: dict[str, Value] = {"name": "Your group", "bot_name": "Doorstep", "time_zone": zone, "message_days": 30}
    places = Places(zone=zone)
    places.begin()
    return World(Group(org, zone, ("en", "es"), None), address=address, places=places)


def _zone_here() -> str:
    """The IANA name of this machine's zone; UTC where it does not say."""
    named = os.environ.get("TZ", "").removeprefix(":")
    linked = Path("/etc/localtime").resolve().as_posix().partition("zoneinfo/")[2]
    for zone in filter(None, (named, linked)):
        with suppress(ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo(zone).key
    return "UTC"


def forget(folder: Path) -> None:
    """Deletes what a trial kept in this folder."""
    for file in folder.glob("try.*"):
        file.unlink()
