"""Sealing what is personal: a key per person, wrapped by the group's key, and blind indexes to look addresses up.

The group's keys are in a file of their own (`storage.key_file`). A sealed field is one byte of version, 12 of nonce,
and AES-256-GCM of the text, bound to the table and column it stands in and to the person it belongs to: moved elsewhere
it does not open. A wrapped person key is the same, bound to the person; where it is not the first wrapping key that
wraps it, its version is 2 and the number of that key follows, in two bytes.
"""

import os
from collections import OrderedDict, deque
from collections.abc import Iterable
from contextlib import suppress
from copy import copy
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from storage import key_file
from storage.errors import KeyDestroyed, OldKeyFile, OtherKeys, SealBroken, StorageError
from storage.key_file import KEY, Keys
from storage.session import Session

_VERSION, _NUMBERED = b"\x01", b"\x02"
_NONCE = 12
"""Bytes: what AES-GCM is made for, NIST SP 800-38D, 8.2."""
_REMEMBERED = 200_000
"""Keys of 32 bytes, which take about 250 bytes each with their places here; a turn without must ask for one."""

_AT_HAND = 1_000
"""What opens with a key takes 2.5 kB (measured, cryptography 50), so only those just used are kept ready."""

MARK = 0
"""Nobody's number: what is kept under it as a person's key tells which wrapping key is in force, and that no key may be
kept any more that an earlier one wraps."""


def generation(wrapped: bytes) -> bytes:
    """As bytes compare, this is not below what the same wrapping key wraps, and below what a later one does."""
    return (wrapped[:3] if wrapped[:1] == _NUMBERED else _VERSION) + b"\xff" * (1 + _NONCE + KEY)


class Vault:
    """The group's keys, and the person keys in use (at most `remembered` of them, the latest).

    common  seals what belongs to no person, like a token
    """

    def __init__(self, keys: Keys, file: Path | None = None, remembered: int = _REMEMBERED) -> None:
        """`file` is where newer keys are found, once there are some."""
        self._ring = _Ring(keys, file)
        # Made once and copied: a new one takes five times as long.
        self._index = HMAC(keys.index, SHA256())
        self.common = Seal(AESGCM(keys.common), 0)
        self._known: OrderedDict[int, bytes] = OrderedDict()
        self._at_hand: OrderedDict[int, Seal] = OrderedDict()
        self._remembered = remembered

    def look(self) -> None:
        """Reads the key file again, where it is another one now."""
        self._ring.look()

    def blind(self, *parts: str) -> bytes:
        """What a secret is looked up by: 32 bytes, the same for the same parts, telling nothing of them."""
        index = self._index.copy()
        index.update("\0".join(parts).encode())
        return index.finalize()

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
        """What opens this person's fields. Raises SealBroken where the wrapped key is damaged, or another group's;
        OldKeyFile."""
        return Seal(AESGCM(self._unwrapped(person_id, wrapped)), person_id)

    def _made(self, person_id: int) -> tuple[bytes, bytes]:
        key = os.urandom(KEY)
        return self._ring.wrap(person_id, key), key

    def rewrapped(self, person_id: int, wrapped: bytes) -> bytes | None:
        """The same key, wrapped by the one in force; None where it is. Raises SealBroken, OldKeyFile."""
        if self._ring.is_newest(wrapped):
            return None
        return self._ring.wrap(person_id, self._unwrapped(person_id, wrapped))

    def mark(self) -> bytes:
        """What is kept under `MARK`: from then on the newest wrapping key is in force."""
        return self._ring.wrap(MARK, os.urandom(KEY))

    async def check(self, session: Session) -> bool:
        """Whether the key store has a mark: then it is this database's. Raises OtherKeys where it is another one's;
        OldKeyFile where the keys are not those in force."""
        wrapped = await session.wrapped_key(MARK)
        if wrapped is None:
            return False
        try:
            self._unwrapped(MARK, wrapped)
        except SealBroken:
            raise OtherKeys from None
        return True

    async def leave_mark(self, session: Session) -> None:
        """Marks the key store: it belongs to this database from now on, even with nobody in it."""
        await session.keep_key(MARK, self.mark())

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
        return self._ring.unwrap(person_id, wrapped)

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
        nonce = _nonce()
        return _VERSION + nonce + self._key.encrypt(nonce, plain, field + self._owner)

    def open(self, field: bytes, sealed: bytes) -> bytes:
        """What was sealed. Raises SealBroken when it was damaged or belongs elsewhere."""
        if sealed[:1] == _VERSION:
            try:
                return self._key.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], field + self._owner)
            except (InvalidTag, ValueError):
                pass
        raise SealBroken(f"{field.decode()} of person {self._owner[1:].decode()}")


class _Ring:
    """The wrapping keys, for a vault and its siblings: they may become more while a process runs."""

    def __init__(self, keys: Keys, file: Path | None) -> None:
        self._keys, self._file = keys, file
        self._wrapping = {number: AESGCM(key) for number, key in keys.wrapping.items()}
        self._stamp: tuple[int, int] | None = None

    def look(self) -> None:
        # It may be on a stick that is not here just now; or half of another group's, while somebody changes it.
        stamp = _stamp(self._file)
        if self._file is None or stamp in (None, self._stamp):
            return
        try:
            keys = key_file.read(self._file)
        except (OSError, StorageError):
            return
        if keys.index == self._keys.index:
            self._keys, self._stamp = keys, stamp
            self._wrapping = {**self._wrapping, **{number: AESGCM(key) for number, key in keys.wrapping.items()}}

    def wrap(self, person_id: int, key: bytes) -> bytes:
        number, nonce = max(self._wrapping), os.urandom(_NONCE)
        if number == 1:
            return _VERSION + nonce + self._wrapping[1].encrypt(nonce, key, b"%d" % person_id)
        begins = _NUMBERED + number.to_bytes(2)
        return begins + nonce + self._wrapping[number].encrypt(nonce, key, begins + b"%d" % person_id)

    def unwrap(self, person_id: int, wrapped: bytes) -> bytes:
        begins = wrapped[:3] if wrapped[:1] == _NUMBERED else b""
        number = int.from_bytes(begins[1:]) if begins else 1
        if number not in self._wrapping:
            self.look()
        if number not in self._wrapping:
            raise OldKeyFile
        at = len(begins) or 1
        try:
            return self._wrapping[number].decrypt(
                wrapped[at : at + _NONCE], wrapped[at + _NONCE :], begins + b"%d" % person_id
            )
        except (InvalidTag, ValueError):
            raise SealBroken(f"the key of person {person_id}") from None

    def is_newest(self, wrapped: bytes) -> bool:
        number = int.from_bytes(wrapped[1:3]) if wrapped[:1] == _NUMBERED else 1
        return number == max(self._wrapping)


def _stamp(file: Path | None) -> tuple[int, int] | None:
    """Another one whenever the file is; None where there is none."""
    try:
        found = None if file is None else file.stat()
    except OSError:
        return None
    return None if found is None else (found.st_ino, found.st_mtime_ns)


_NONCES: deque[bytes] = deque()
"""Read ahead, for reading lets other threads go first: a turn that seals four fields would wait for them four times.
Two threads never take the same. A fork has its own."""
os.register_at_fork(after_in_child=_NONCES.clear)
_AHEAD = 256


def _nonce() -> bytes:
    try:
        return _NONCES.popleft()
    except IndexError:
        read = os.urandom(_NONCE * _AHEAD)
        _NONCES.extend(read[at : at + _NONCE] for at in range(_NONCE, len(read), _NONCE))
        return read[:_NONCE]
