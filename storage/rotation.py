"""Another wrapping key for the person keys, while the bot runs.

First the key file gets one more key, and a copy of it as it was is kept beside it. Then the key store is marked: from
that moment it takes no key that an earlier one wraps, and whoever tries reads the key file again. Then every person key
is wrapped anew, some at a time. Only then does the earlier key leave the file. Broken off anywhere, everything opens,
and doing it again goes on from there.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import NullPool, bindparam, create_engine, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from storage import key_file, schema, sqlite
from storage.errors import NoDatabase, SealBroken, StorageUnavailable, WrongKey
from storage.key_file import Keys
from storage.snapshot import SLICE, plain, reading
from storage.store import KEY_CHECK
from storage.tables import KEYS_SCHEMA, PERSON_KEYS, SETTINGS, micros
from storage.vault import MARK, Vault

Progress = Callable[[int], None]
"""Told how many keys are done."""

_Row = tuple[int, bytes]
_PLAIN = plain(PERSON_KEYS)
_K = _PLAIN.c

_MARK_SQLITE = """INSERT INTO person_keys (person_id, wrapped, created_at) VALUES (?, ?, ?)
    ON CONFLICT (person_id) DO UPDATE SET wrapped = excluded.wrapped, created_at = excluded.created_at"""
_NEXT_SQLITE = "SELECT person_id, wrapped FROM person_keys WHERE person_id > ? ORDER BY person_id LIMIT ?"
_REWRAP_SQLITE = "UPDATE person_keys SET wrapped = ? WHERE person_id = ? AND wrapped = ?"


def prepare(url: str, file: Path) -> Path:
    """Gives the key file one more wrapping key, unless it has one that was not finished; the copy of it as it was.

    Raises WrongKey, KeyFileMissing, BadKeyFile, KeyFileExists, OldKeyFile, NoDatabase, NeedsMigration,
    StorageUnavailable, OSError.
    """
    with key_file.alone(file):
        keys = key_file.read(file)
        _check(url, keys)
        if len(keys.wrapping) > 1:
            return file.with_name(f"{file.name}.before-{keys.newest}")
        kept = key_file.keep_beside(file)
        key_file.replace_with(file, keys.with_another())
        return kept


def rewrap(url: str, file: Path, *, progress: Progress = lambda _: None) -> int:
    """Wraps every person key with the newest key of the file, and takes the one before out of it; how many there are.

    A key that is damaged stays as it is. Raises as `prepare`; where it does, all goes on with both keys.
    """
    with key_file.alone(file):
        keys = key_file.read(file)
        _check(url, keys)
        path = schema.sqlite_path(url)
        try:
            done = _on_postgres(url, Vault(keys), progress) if path is None else _on_sqlite(path, Vault(keys), progress)
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise StorageUnavailable(str(error)) from error
        key_file.replace_with(file, keys.with_the_newest_alone())
        return done


def _check(url: str, keys: Keys) -> None:
    """Whether it is this database's file, and knows what its keys are wrapped with."""
    vault, settings, path = Vault(keys), plain(SETTINGS), schema.sqlite_path(url)
    with reading(url) as source:
        first = source.execute(select(settings.c.value).where(settings.c.key == KEY_CHECK)).scalar()
        mark = None if path else source.execute(select(_K.wrapped).where(_K.person_id == MARK)).scalar()
    if first is not None and first != vault.blind(KEY_CHECK).hex():
        raise WrongKey
    if path is not None:
        if not sqlite.keys_path(path).exists():
            raise NoDatabase(sqlite.keys_path(path).name)
        with closing(sqlite.connect(sqlite.keys_path(path), writes=False)) as store:
            row = store.execute("SELECT wrapped FROM person_keys WHERE person_id = ?", (MARK,)).fetchone()
            mark = row[0] if row else None
    if mark is not None:
        try:
            vault.opened(MARK, mark)
        except SealBroken:
            # Made elsewhere, from the same file: two keys have the same number, and only one can be in force.
            raise WrongKey("another machine rotates its keys: take its key file") from None


def _anew(vault: Vault, rows: Sequence[_Row]) -> Iterator[tuple[int, bytes, bytes]]:
    """(person, as it is wrapped, as it is to be) of those that another key wraps."""
    for person_id, wrapped in rows:
        try:
            new = vault.rewrapped(person_id, wrapped)
        except SealBroken:
            continue
        if new is not None:
            yield person_id, wrapped, new


def _on_sqlite(path: Path, vault: Vault, progress: Progress) -> int:
    done = after = 0
    with closing(sqlite.connect(sqlite.keys_path(path), writes=True)) as keys:
        sqlite.begin(keys)
        keys.execute(_MARK_SQLITE, (MARK, vault.mark(), _now()))
        keys.execute("COMMIT")
        while rows := keys.execute(_NEXT_SQLITE, (after, SLICE)).fetchall():
            new = [(wrapped, person_id, old) for person_id, old, wrapped in _anew(vault, rows)]
            sqlite.begin(keys)
            # Who was forgotten a moment ago has no row any more, and gets none.
            keys.executemany(_REWRAP_SQLITE, new)
            keys.execute("COMMIT")
            done, after = done + len(rows), rows[-1][0]
            progress(done)
        # Or what the earlier key opens would still be read in the log.
        keys.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return done


def _on_postgres(url: str, vault: Vault, progress: Progress) -> int:
    made = insert(_PLAIN).values(person_id=MARK, wrapped=vault.mark(), created_at=_now())
    with schema.connection(url) as opened:
        opened.execute(
            made.on_conflict_do_update(index_elements=["person_id"], set_={"wrapped": made.excluded.wrapped})
        )
    _wait_for_the_undecided(url)
    rewrapping = update(_PLAIN).values(wrapped=bindparam("new"))
    rewrapping = rewrapping.where(_K.person_id == bindparam("person"), _K.wrapped == bindparam("old"))
    done = after = 0
    while True:
        with schema.connection(url) as opened:
            found = select(_K.person_id, _K.wrapped).where(_K.person_id > after).order_by(_K.person_id).limit(SLICE)
            rows = [(row[0], row[1]) for row in opened.execute(found)]
            new = [{"person": person_id, "old": old, "new": wrapped} for person_id, old, wrapped in _anew(vault, rows)]
            if new:
                opened.execute(rewrapping, new)
        if not rows:
            break
        done, after = done + len(rows), rows[-1][0]
        progress(done)
    engine = create_engine(schema.parsed(url), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with closing(engine.connect()) as opened:
        opened.execute(text(f"VACUUM {KEYS_SCHEMA}.person_keys"))
    return done


def _wait_for_the_undecided(url: str) -> None:
    """Returns once every turn that began before the mark and keeps a key has ended: what it keeps is seen from now on.

    Turns wait behind this for a second at the most.
    """
    for left in reversed(range(schema.ROUNDS)):
        try:
            with schema.connection(url) as opened:
                opened.execute(text(f"SET LOCAL lock_timeout = {int(schema.LOCKED * 1000)}"))
                opened.execute(text(f"LOCK TABLE {KEYS_SCHEMA}.person_keys IN SHARE ROW EXCLUSIVE MODE"))
        except OperationalError:
            if not left:
                raise
        else:
            return
        time.sleep(schema.PAUSE)


def _now() -> int:
    return micros(datetime.now(UTC))
