"""Sealing what is personal: a key per person, wrapped by the group's key, and blind indexes to look addresses up.

The group's key file holds 32 bytes. Three keys are derived from it and used for nothing else: one wraps the person
keys, one makes blind indexes, one seals what is no person's, so that none tells anything of another.

A sealed field is one byte of version, 12 of nonce, and AES-256-GCM of the text, bound to the table and column it
stands in and to the person it belongs to: moved elsewhere it does not open.
"""

import base64
import binascii
import hmac
import os
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from copy import copy
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from storage.errors import BadKeyFile, KeyDestroyed, KeyFileExists, KeyFileMissing, SealBroken
from storage.session import Session

_VERSION = b"\x01"
_NONCE = 12
_KEY = 32
_REMEMBERED = 200_000
"""Keys of 32 bytes, which take about 250 bytes each with their places here; a turn without must ask for one."""

_AT_HAND = 1_000
"""What opens with a key takes 2.5 kB (measured, cryptography 50), so only those just used are kept ready."""

_HEADER = """\
# Doorstep's key. Whoever loses this file loses every name, address and message in the database: keep a copy
# where the database's copies are not. Whoever has both can read them.
"""


class Vault:
    """The group's keys, and the person keys in use (at most `remembered` of them, the latest).

    common  seals what belongs to no person, like a token
    """

    def __init__(self, group_key: bytes, remembered: int = _REMEMBERED) -> None:
        if len(group_key) != _KEY:
            raise BadKeyFile
        self._wrapping = AESGCM(_derived(group_key, b"doorstep: wraps the person keys"))
        self._index_key = _derived(group_key, b"doorstep: blind indexes")
        self.common = Seal(AESGCM(_derived(group_key, b"doorstep: seals what is no person's")), 0)
        self._known: OrderedDict[int, bytes] = OrderedDict()
        self._at_hand: OrderedDict[int, Seal] = OrderedDict()
        self._remembered = remembered

    @staticmethod
    def create_key_file(path: Path) -> None:
        """Writes a new random key, readable by its owner only. Raises KeyFileExists rather than overwrite one."""
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise KeyFileExists(path.name) from None
        with os.fdopen(handle, "wb") as file:
            file.write(_HEADER.encode() + base64.b64encode(os.urandom(_KEY)) + b"\n")
            file.flush()
            os.fsync(handle)

    @staticmethod
    def read_key_file(path: Path) -> bytes:
        """The 32 bytes. Raises KeyFileMissing or BadKeyFile."""
        try:
            lines = path.read_text("ascii").splitlines()
        except FileNotFoundError:
            raise KeyFileMissing(path.name) from None
        except UnicodeDecodeError:
            raise BadKeyFile(path.name) from None
        try:
            key = base64.b64decode("".join(line for line in lines if not line.startswith("#")), validate=True)
        except binascii.Error:
            raise BadKeyFile(path.name) from None
        if len(key) != _KEY:
            raise BadKeyFile(path.name)
        return key

    def blind(self, *parts: str) -> bytes:
        """What a secret is looked up by: 32 bytes, the same for the same parts, telling nothing of them."""
        return hmac.digest(self._index_key, "\0".join(parts).encode(), "sha256")

    def sibling(self) -> "Vault":
        """The same keys, with no person key open: for a reader, which must not see what was just destroyed."""
        other = copy(self)
        other._known, other._at_hand = OrderedDict(), OrderedDict()
        return other

    async def create(self, session: Session, person_id: int) -> "Seal":
        """A new person's key."""
        wrapped, key = self._made(person_id)
        await session.keep_key(person_id, wrapped)
        return self._remember(person_id, key)

    def made(self, person_id: int) -> tuple[bytes, "Seal"]:
        """A new key for this person, wrapped, and what seals with it; it is kept nowhere."""
        wrapped, key = self._made(person_id)
        return wrapped, Seal(AESGCM(key), person_id)

    def opened(self, person_id: int, wrapped: bytes) -> "Seal":
        """What opens this person's fields. Raises SealBroken where the wrapped key is damaged, or another group's."""
        return Seal(AESGCM(self._unwrapped(person_id, wrapped)), person_id)

    def _made(self, person_id: int) -> tuple[bytes, bytes]:
        key, nonce = os.urandom(_KEY), os.urandom(_NONCE)
        return _VERSION + nonce + self._wrapping.encrypt(nonce, key, b"%d" % person_id), key

    async def of(self, session: Session, person_id: int) -> "Seal":
        """What seals and opens this person's fields. Raises KeyDestroyed once they are forgotten."""
        if (seal := self._at_hand.get(person_id)) is not None:
            return seal
        if (key := self._known.get(person_id)) is not None:
            return self._remember(person_id, key)
        wrapped = await session.wrapped_key(person_id)
        if wrapped is None:
            raise KeyDestroyed(f"person {person_id}")
        return self._remember(person_id, self._unwrapped(person_id, wrapped))

    async def open(self, session: Session, people: Iterable[int]) -> None:
        """Opens the keys of these people together, so that `of` need not ask for each; it says which are damaged."""
        closed = [person_id for person_id in people if person_id not in self._known]
        if len(closed) > 1:
            for person_id, wrapped in await session.wrapped_keys(closed):
                with suppress(SealBroken):
                    self._keep(person_id, self._unwrapped(person_id, wrapped))

    def _unwrapped(self, person_id: int, wrapped: bytes) -> bytes:
        try:
            return self._wrapping.decrypt(wrapped[1 : 1 + _NONCE], wrapped[1 + _NONCE :], b"%d" % person_id)
        except InvalidTag:
            raise SealBroken(f"the key of person {person_id}") from None

    async def forget(self, session: Session, person_id: int) -> None:
        """Destroys a person's key, when the transaction commits: nothing of theirs opens again, in backups neither."""
        await session.destroy_key(person_id)
        self.drop(person_id)

    def drop(self, person_id: int) -> None:
        """Closes a person's key; it is read again when it is next wanted."""
        self._known.pop(person_id, None)
        self._at_hand.pop(person_id, None)

    def drop_all(self) -> None:
        """Closes every key: some of them may belong to rows that were rolled back."""
        self._known.clear()
        self._at_hand.clear()

    def _remember(self, person_id: int, key: bytes) -> "Seal":
        self._keep(person_id, key)
        seal = self._at_hand[person_id] = Seal(AESGCM(key), person_id)
        if len(self._at_hand) > _AT_HAND:
            self._at_hand.popitem(last=False)
        return seal

    def _keep(self, person_id: int, key: bytes) -> None:
        self._known[person_id] = key
        self._known.move_to_end(person_id)
        if len(self._known) > self._remembered:
            self._known.popitem(last=False)


class Seal:
    """Seals and opens one person's fields. `field` is table and column, as in b"outbox.sealed"."""

    __slots__ = ("_key", "_owner")

    def __init__(self, key: AESGCM, person_id: int) -> None:
        self._key = key
        self._owner = b"/%d" % person_id

    def close(self, field: bytes, plain: bytes) -> bytes:
        """The sealed field."""
        nonce = os.urandom(_NONCE)
        return _VERSION + nonce + self._key.encrypt(nonce, plain, field + self._owner)

    def open(self, field: bytes, sealed: bytes) -> bytes:
        """What was sealed. Raises SealBroken when it was damaged or belongs elsewhere."""
        if sealed[:1] == _VERSION:
            try:
                return self._key.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], field + self._owner)
            except (InvalidTag, ValueError):
                pass
        raise SealBroken(f"{field.decode()} of person {self._owner[1:].decode()}")


def _derived(group_key: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), _KEY, None, purpose).derive(group_key)
