"""The organizer's own phone, to try a flow on before others get it: who writes a one-time word to the bot has it."""

import hmac
import re
import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from storage.transaction import Transaction

GOOD_FOR = timedelta(hours=1)
"""How long the word can be written."""

_PHONE, _WORD = "own phone", "own phone word"
_WRITTEN = re.compile(r"\s*me\s+([0-9a-f]{10})\s*", re.IGNORECASE)


def new_word() -> str:
    """What is to be written: "me" and ten signs, too many to guess within the hour."""
    return f"me {secrets.token_hex(5)}"


async def person(tx: Transaction) -> int | None:
    """Whose phone it is; None where nobody has written the word yet."""
    number = await tx.settings.get(_PHONE)
    return int(number) if number else None


async def expect(tx: Transaction, word: str) -> None:
    """From now on this word is waited for, and no other; only its digest is stored."""
    until = (tx.now + GOOD_FOR).isoformat()
    await tx.settings.set(_WORD, f"{_digest(word.removeprefix('me '))} {until}")


async def claim(tx: Transaction, text: str, person_id: int) -> bool:
    """Whether a message is the word that is waited for: then the phone is this person's, and the word is used up."""
    written = _WRITTEN.fullmatch(text)
    waited = await tx.settings.get(_WORD) if written else None
    if written is None or not waited:
        return False
    digest, _, until = waited.partition(" ")
    if not hmac.compare_digest(digest, _digest(written[1].lower())) or datetime.fromisoformat(until) <= tx.now:
        return False
    await tx.settings.set(_WORD, "")
    await tx.settings.set(_PHONE, str(person_id))
    return True


def _digest(signs: str) -> str:
    return sha256(signs.encode()).hexdigest()
