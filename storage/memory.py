"""What channels must know again after a restart: short texts, each under a name, both unreadable in the database."""

import base64

from storage.session import Session
from storage.settings import Settings
from storage.vault import Vault

_FIELD = b"settings.value/"


class Memory:
    """The memory of one transaction. Whose it is and what it is called are one name, of which only a blind index is
    kept: it may hold somebody's address."""

    __slots__ = ("_settings", "_vault")

    def __init__(self, session: Session, vault: Vault) -> None:
        self._settings, self._vault = Settings(session), vault

    async def get(self, whose: str, name: str) -> str:
        """The text; "" where nothing was kept. Raises SealBroken where it was damaged."""
        key = self._key(whose, name)
        kept = await self._settings.get(key)
        return "" if kept is None else self._vault.common.open(_field(key), base64.b64decode(kept)).decode()

    async def set(self, whose: str, name: str, text: str) -> None:
        """Keeps it, whatever was kept before."""
        key = self._key(whose, name)
        sealed = self._vault.common.close(_field(key), text.encode())
        await self._settings.set(key, base64.b64encode(sealed).decode())

    def _key(self, whose: str, name: str) -> str:
        return f"memory {self._vault.blind('memory', whose, name).hex()}"


def _field(key: str) -> bytes:
    return _FIELD + key.encode()
