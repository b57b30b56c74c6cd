"""The one-time codes that are typed on another phone. How they are made, and told from all else that people write."""

import re
import secrets
from datetime import timedelta

from flows.exchange import START
from flows.model import Said

GOOD_FOR = timedelta(hours=1)
"""How long a code can be used; the flow `other_phone` says so."""

_SIGNS = "bcdfghjkmnpqrstvwxz23456789"
"""Nothing that looks like something else, and no vowels, so that no word is taken for a code. Eight of these 27 make
2.8e11 codes: whoever could have 30 guesses a second taken for an hour, while 50 codes are good, would find one of them
once in 50,000 hours."""

_CODE = re.compile(rf"(?:{START}\s+)?\W*([{_SIGNS}]{{4}})[\s-]?([{_SIGNS}]{{4}})\W*", re.IGNORECASE)
_LONGEST = 40


def new_code() -> str:
    """Eight signs."""
    return "".join(secrets.choice(_SIGNS) for _ in range(8))


def shown(code: str) -> str:
    """As people read it: in two groups."""
    return f"{code[:4]}-{code[4:]}"


def read_code(said: Said) -> str:
    """The code that a whole message is, however it is spaced; "" where it is none."""
    match = _CODE.fullmatch(said.text) if said.choice is None and len(said.text) <= _LONGEST else None
    return (match[1] + match[2]).lower() if match else ""
