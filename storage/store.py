"""The store: where the project keeps everything, on SQLite or Postgres behind the same lines."""

import asyncio
import fcntl
import hmac
import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy.exc import OperationalError, SQLAlchemyError

from storage import key_file, leases, schema, sqlite
from storage.errors import (
    Burned,
    DatabaseInUse,
    KeyFileMissing,
    KeysMissing,
    NeedsMigration,
    NotReached,
    StorageUnavailable,
    StoreClosed,
    WrongKey,
)
from storage.leases import Lease
from storage.postgres import Pool
from storage.sqlite import Clock
from storage.transaction import Transaction
from storage.vault import Vault
from storage.writer import Writer, Writes

T = TypeVar("T")

KEY_CHECK = "key check"
"""The setting that tells a wrong key file: the blind index of its own name."""


class Store:
    """One database and its keys. Made by `Store.open`."""

    def __init__(self, url: str, vault: Vault, clock: Clock, lock: int | None, writer: Writes = Writer) -> None:
        self._url = url
        self._writer = writer
        self._vault = vault
        self._clock = clock
        self._lock = lock
        self._path = schema.sqlite_path(url)
        self._backend: Writer | Pool | None = None

    def now(self) -> datetime:
        """What the clock shows: aware UTC."""
        return self._clock()

    @classmethod
    async def open(cls, url: str, key: Path, *, clock: Clock, alone: bool = True, writer: Writes = Writer) -> "Store":
        """Opens a database, `sqlite:///FILE` or `postgresql://…`, with its key file.

        An empty database gets its tables, and a key file where there is none; an SQLite one is migrated. `clock`
        gives the present as aware UTC. An SQLite database belongs to one process; with alone=False, for commands beside
        a running bot, others may have it open too, and all take turns in writing. `writer` is what writes to SQLite: a
        rehearsal has one of its own.

        Raises DatabaseInUse (someone has the SQLite database, or it must be migrated and someone has), NeedsMigration
        (a Postgres that holds data), NewerDatabase, KeyFileMissing, BadKeyFile, WrongKey, OldKeyFile, KeysMissing,
        OtherKeys, Burned, StorageUnavailable; ValueError for another kind of url.
        """
        path = schema.sqlite_path(url)
        lock = None if path is None or not (alone or _unready(path)) else locked(path)
        store = None
        try:
            await asyncio.to_thread(prepare, url, path)
            if lock is not None and not alone:
                os.close(lock)
                lock = None
            vault = await asyncio.to_thread(_vault, url, key)
            store = cls(url, vault, clock, lock, writer)
            await store._start()
            await store.run(store._check_key)
        except BaseException:
            if store is not None:
                await store.close()
            elif lock is not None:
                os.close(lock)
            raise
        return store

    async def run(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Runs a work in a transaction and returns once it is committed, durably.

        The work may be run again, so it must have no other effects; and it may await nothing but its transaction.
        Whatever it raises undoes it, and is raised here. Raises StorageUnavailable when the database could not take
        it, Suspended, StoreClosed. A caller that is cancelled does not take its work back.
        """
        if self._backend is None:
            raise StoreClosed
        return await self._backend.run(work)

    async def read(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Runs a work that only reads, on a connection of its own: it sees one moment, and delays no turn.

        Raises ReadOnly when it writes, else like `run`.
        """
        if self._backend is None:
            raise StoreClosed
        return await self._backend.read(work)

    @asynccontextmanager
    async def lease(self, name: str) -> AsyncIterator[Lease]:
        """Waits until this process alone holds what is called so, and holds it, unless `lost` is set meanwhile.

        A process that is killed frees it at once; one that is frozen, or cut off, within `leases.SILENCE` seconds.
        Raises StorageUnavailable on SQLite; on Postgres it waits until the server is back.
        """
        if self._path is None:
            async with leases.held(self._server(), name, self._clock) as lease:
                yield lease
        else:
            # The database is this process's alone, and so is everything in it.
            yield Lease(name, await self.run(lambda tx: tx.leases.take(name, leases.me())))

    async def newer(self) -> bool:
        """Whether a newer Doorstep has changed the tables meanwhile; this one goes on as long as it fits them.

        Raises NewerDatabase once something did not fit, StorageUnavailable. False on SQLite, which is one process's.
        """
        return isinstance(self._backend, Pool) and await self._backend.newer()

    async def close(self) -> None:
        """Finishes what was begun, and frees the database. A closed store may be closed again."""
        backend, self._backend = self._backend, None
        if backend is not None:
            await backend.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @staticmethod
    async def needs_migration(url: str) -> bool:
        """Whether the tables are missing or of an older version. Raises NewerDatabase, StorageUnavailable."""
        return await asyncio.to_thread(_unavailable(schema.needs_migration), url)

    @staticmethod
    async def migrate(url: str) -> None:
        """Brings the tables to this version: an SQLite database's while no store is open, a Postgres's also beside it.

        Raises NewerDatabase, StorageUnavailable, DatabaseInUse.
        """
        path = schema.sqlite_path(url)
        lock = None if path is None else locked(path)
        try:
            await asyncio.to_thread(_unavailable(schema.migrate), url)
        finally:
            if lock is not None:
                os.close(lock)

    async def _start(self) -> None:
        if self._path is not None:
            writer = self._writer(self._path, self._vault, self._clock)
            await writer.start()
            self._backend = writer
        else:
            pool = Pool(self._vault, self._clock)
            await pool.start(self._server())
            self._backend = pool

    def _server(self) -> str:
        return schema.parsed(self._url).set(drivername="postgresql").render_as_string(hide_password=False)

    async def _check_key(self, tx: Transaction) -> None:
        if await tx.tombstones.burned():
            raise Burned
        mine = self._vault.blind(KEY_CHECK).hex()
        first = await tx.settings.get(KEY_CHECK)
        if first is not None and not hmac.compare_digest(first, mine):
            raise WrongKey
        if await tx.check_keys():
            return
        # Who opens it at the same moment waits here until the mark is there.
        await tx.settings.set(KEY_CHECK, mine)
        if await tx.check_keys():
            return
        if not await tx.people.any_is_readable():
            store = f"`{sqlite.keys_path(self._path).name}` beside it, or " if self._path else ""
            raise KeysMissing(f"{store}restore once more, into an empty database, with `--keys`")
        await tx.mark_keys()


def locked(path: Path) -> int:
    """Takes an SQLite database for this process alone, until the handle is closed. Raises DatabaseInUse."""
    # Kept open for as long as the store is: a killed process frees it at once.
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path.with_name(f"{path.stem}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise DatabaseInUse(path.name) from None
    for file in (path, sqlite.keys_path(path)):
        _shut(file)
    return lock


def _shut(file: Path) -> None:
    """Who else has an account on this machine reads nothing in it. Earlier versions left that to the shell."""
    with suppress(FileNotFoundError, PermissionError):
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & 0o007:
            file.chmod(mode & ~0o007)


def _unready(path: Path) -> bool:
    # An empty file, or none, would be made by looking into it.
    return not path.exists() or _unavailable(schema.needs_migration)(f"sqlite:///{path}")


def prepare(url: str, path: Path | None) -> None:
    """Makes the tables, or brings those of an SQLite database to this version. Raises NeedsMigration."""
    if path is not None:
        sqlite.make_keys_table(path)
    if _unavailable(schema.needs_migration)(url):
        if path is None and not schema.is_empty(url):
            raise NeedsMigration
        _unavailable(schema.migrate)(url)


def _vault(url: str, key: Path) -> Vault:
    try:
        return Vault(key_file.read(key), key)
    except KeyFileMissing:
        if schema.setting(url, KEY_CHECK) is not None:
            raise
    key_file.create(key)
    return Vault(key_file.read(key), key)


def _unavailable(does: Callable[[str], T]) -> Callable[[str], T]:
    def done(url: str) -> T:
        try:
            return does(url)
        except SQLAlchemyError as error:
            connected = not isinstance(error, OperationalError) or error.statement is not None
            kind = StorageUnavailable if connected else NotReached
            raise kind(str(getattr(error, "orig", None) or error).splitlines()[0]) from error

    return done


__all__ = ["Store", "Transaction"]
