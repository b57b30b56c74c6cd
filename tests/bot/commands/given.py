"""A configuration, and a store on its database, as commands find them."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from storage.store import Store, Transaction

T = TypeVar("T")

CONFIG = """
[org]
name = "Leeds Neighbours"
time_zone = "Europe/London"
languages = ["en", "es"]
[server]
port = 0
public_url = "https://doorstep.example.org"
"""


def config(folder: Path, more: str = "") -> Path:
    """A configuration file in this folder."""
    file = folder / "config.toml"
    file.write_text(CONFIG + more, "utf-8")
    return file


async def kept(folder: Path, work: Callable[[Transaction], Awaitable[T]], at: datetime | None = None) -> T:
    """Does a work on the database that belongs to the configuration, at this time (now)."""
    url = f"sqlite:///{folder / 'doorstep.db'}"
    store = await Store.open(url, folder / "doorstep.key", clock=lambda: at or datetime.now(UTC), alone=False)
    try:
        return await store.run(work)
    finally:
        await store.close()


def one_line(done: tuple[int, str, str]) -> str:
    """What a command said that was refused: one line, and exit code 2."""
    code, out, err = done
    assert (code, out) == (2, "")
    assert err.startswith("doorstep: ")
    assert err.count("\n") == 1, err
    return err
