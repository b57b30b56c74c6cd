"""The code that a host says aloud: another one every hour, made from an action's secret. Pure but for new secrets."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from flows import answers
from storage.actions import Action

HERE = "here"
"""The link under which a code is sent by whoever reads it off the host's telephone: `here-4712`."""

GOOD_FOR = timedelta(hours=24)
"""How long a code is good: until then it can be typed late, but not handed on for ever."""

_HOUR = timedelta(hours=1)


def new_secret() -> str:
    """128 random bits, as text."""
    return secrets.token_hex(16)


def code(action: Action, at: datetime) -> str:
    """The code of the hour in which `at` (aware) lies: four digits, the first not 0, so that none is misheard as fewer.

    It changes on the half hours after the start, so that it does not while people arrive; until then it is the first.
    """
    hour = max(0, (at - action.starts_at + _HOUR / 2) // _HOUR)
    digest = hmac.digest(action.secret.encode(), str(hour).encode(), hashlib.sha256)
    return str(int.from_bytes(digest[:8], "big") % 9000 + 1000)


def is_good(action: Action, heard: str, now: datetime, for_: timedelta = GOOD_FOR) -> bool:
    """Whether what somebody typed or sent is the code of this hour, or was one in the time `for_` before."""
    meant = plain(heard)
    hours = range(for_ // _HOUR + 1)
    return any(hmac.compare_digest(code(action, now - hour * _HOUR), meant) for hour in hours)


def plain(heard: str) -> str:
    """A code as it is compared: what was typed around it is gone, and letters that look like digits are digits."""
    meant = answers.code(heard)
    kept = str(meant.value) if meant else "".join(filter(str.isalnum, heard)).upper()
    return "".join(filter(str.isascii, kept)).translate(str.maketrans("OIL", "011"))
