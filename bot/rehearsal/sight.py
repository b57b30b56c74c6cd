"""The database as an observer sees it: on a connection of its own, by what is stored, with none of the bot's code."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

_STATE = (
    "SELECT id, language, role, status, district, sealed, load, capacity, waiting_since FROM people",
    "SELECT id, state, sealed, entered_at, next_due, ended_at FROM conversations",
    "SELECT id, state, supporter_wrote_at, buddy_wrote_at, supporter_met, buddy_met FROM pairs",
    "SELECT action_id, person_id, kind, state, checked_in_at FROM signups",
    "SELECT id, state FROM cards",
    "SELECT count(*), max(id) FROM outbox",
    "SELECT count(*), max(id) FROM inbox",
    "SELECT count(*), max(id) FROM ledger",
)


class Sight:
    """Reads a database that somebody else writes."""

    def __init__(self, path: Path, keys: Path) -> None:
        self._path, self._keys = path, keys
        self._connection = _reader(path)

    def close(self) -> None:
        """Looks no longer."""
        self._connection.close()

    def rows(self, query: str, *arguments: Any) -> Sequence[Any]:
        """All rows."""
        return self._connection.execute(query, arguments).fetchall()

    def one(self, query: str, *arguments: Any) -> Any:
        """The first column of the first row; None where there is none."""
        row = self._connection.execute(query, arguments).fetchone()
        return None if row is None else row[0]

    def state(self) -> str:
        """Where everybody and everything stands: another text as soon as anything of it has changed."""
        return "\n".join(str(self.rows(query)) for query in _STATE)

    def key(self, person_id: int) -> bytes | None:
        """Somebody's wrapped key."""
        with closing(_reader(self._keys)) as keys:
            row = keys.execute("SELECT wrapped FROM person_keys WHERE person_id = ?", (person_id,)).fetchone()
        return None if row is None else bytes(row[0])

    def key_files(self) -> bytes:
        """All that is on the disk of the person keys."""
        return b"".join(file.read_bytes() for file in sorted(self._keys.parent.glob(f"{self._keys.name}*")))

    def plain(self) -> str:
        """Every text in the database that is not sealed, but the flows and what an action is called."""
        texts = []
        for (table,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"):
            if table in ("libraries", "actions"):
                continue
            columns = [f'"{row[1]}"' for row in self.rows(f"PRAGMA table_info({table})") if row[2].upper() == "TEXT"]
            if columns:
                texts += ["\n".join(map(str, row)) for row in self.rows(f"SELECT {','.join(columns)} FROM {table}")]
        return "\n".join(texts)

    def sealed(self) -> list[tuple[str, str]]:
        """Every column that is sealed, with the column that says whose it is: (table, owner)."""
        found = []
        for (table,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"):
            columns = {row[1] for row in self.rows(f"PRAGMA table_info({table})")}
            if "sealed" in columns:
                owner = "person_id" if "person_id" in columns else "supporter_id" if table == "pairs" else "id"
                found.append((table, owner))
        return found


def _reader(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)
