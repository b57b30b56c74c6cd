"""The file that holds the group's keys: one for each purpose, so that none tells anything of another.

Each stands on a line of its own, as base64 of 32 bytes behind its name and a colon. Files made by earlier versions hold
one key, from which these are derived; they go on working, and `storage.rotation` replaces them.
"""

import base64
import binascii
import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from storage.errors import BadKeyFile, KeyFileExists, KeyFileMissing
from storage.whole import whole

KEY = 32
"""Bytes of each key."""

_HEADER = """\
# Doorstep's key. Whoever loses this file loses every name, address and message in the database: keep a copy
# where the database's copies are not. Whoever has both can read them.
"""


@dataclass(frozen=True, slots=True)
class Keys:
    """The group's keys.

    index     makes blind indexes, by which people are found: for as long as the database lives
    common    seals what is no person's
    wrapping  wraps the person keys, by number; the highest is in force, another is there only while they are rewrapped
    """

    index: bytes
    common: bytes
    wrapping: Mapping[int, bytes]

    @property
    def newest(self) -> int:
        """The number of the wrapping key in force."""
        return max(self.wrapping)

    def with_another(self) -> "Keys":
        """With one more wrapping key, which is in force."""
        return replace(self, wrapping={**self.wrapping, self.newest + 1: os.urandom(KEY)})

    def with_the_newest_alone(self) -> "Keys":
        """Without the wrapping keys that are in force no more."""
        return replace(self, wrapping={self.newest: self.wrapping[self.newest]})


def create(path: Path) -> None:
    """Writes new random keys, readable by their owner only. Raises KeyFileExists rather than overwrite one."""
    keys = Keys(os.urandom(KEY), os.urandom(KEY), {1: os.urandom(KEY)})
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KeyFileExists(path.name) from None
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(_written(keys))
        file.flush()
        os.fsync(handle)


def read(path: Path) -> Keys:
    """The keys in a file. Raises KeyFileMissing or BadKeyFile."""
    try:
        lines = [line for line in path.read_text("ascii").splitlines() if line.strip() and not line.startswith("#")]
    except FileNotFoundError:
        raise KeyFileMissing(path.name) from None
    except UnicodeDecodeError:
        raise BadKeyFile(path.name) from None
    try:
        return _named(lines) if any(":" in line for line in lines) else derived(_decoded("".join(lines)))
    except (binascii.Error, ValueError, KeyError):
        raise BadKeyFile(path.name) from None


def replace_with(path: Path, keys: Keys) -> None:
    """Puts these in the place of those that are there: whoever reads it finds either. Raises OSError."""
    with whole(path) as part:
        part.write_text(_written(keys), "ascii")


def keep_beside(path: Path) -> Path:
    """A copy of the file as it is, which nothing overwrites: `NAME.before-2` before the second wrapping key. Raises
    KeyFileExists where another file has the name."""
    content = path.read_bytes()
    kept = path.with_name(f"{path.name}.before-{read(path).newest + 1}")
    if kept.exists():
        if kept.read_bytes() != content:
            raise KeyFileExists(kept.name)
        return kept
    with whole(kept) as part:
        part.write_bytes(content)
    return kept


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """While it lasts, no other process on this machine that asks for it changes the file."""
    folder = os.open(path.resolve().parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def derived(group_key: bytes) -> Keys:
    """The keys that a file of an earlier version stands for. Raises ValueError where it does not hold 32 bytes."""
    if len(group_key) != KEY:
        raise ValueError
    wraps, finds, seals = (
        HKDF(SHA256(), KEY, None, purpose).derive(group_key)
        for purpose in (
            b"doorstep: wraps the person keys", b"doorstep: blind indexes", b"doorstep: seals what is no person's",
        )
    )  # fmt: skip
    return Keys(finds, seals, {1: wraps})


def _named(lines: list[str]) -> Keys:
    found = {" ".join(name.split()): _decoded(text) for name, _, text in (line.partition(":") for line in lines)}
    wrapping = {int(name.removeprefix("wrapping ")): key for name, key in found.items() if name.startswith("wrapping ")}
    if not wrapping or len(found) != len(lines) or len(found) != len(wrapping) + 2 or min(wrapping) < 1:
        raise ValueError
    return Keys(found["index"], found["common"], wrapping)


def _decoded(text: str) -> bytes:
    key = base64.b64decode(text.strip(), validate=True)
    if len(key) != KEY:
        raise ValueError
    return key


def _written(keys: Keys) -> str:
    named = {"index": keys.index, "common": keys.common}
    named |= {f"wrapping {number}": key for number, key in sorted(keys.wrapping.items())}
    return _HEADER + "".join(f"{name}: {base64.b64encode(key).decode()}\n" for name, key in named.items())
