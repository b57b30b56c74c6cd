"""Several inserts and updates as one statement: on Postgres each round trip costs more than what it carries."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple


class Part(NamedTuple):
    """One insert, update or delete as asyncpg runs it; `otherwise(about)` is raised where it touches no row."""

    text: str
    arguments: Sequence[Any]
    otherwise: type[Exception] | None = None
    about: str = ""


MOST = 8
"""How many are merged. Each mixture is a statement of its own that every connection prepares once."""

_CHANGES = re.compile(r"(INSERT INTO|UPDATE|DELETE FROM) (\S+)")
_PARAMETER = re.compile(r"\$(\d+)")


def fits(parts: Sequence[Part], part: Part) -> bool:
    """Whether this one may be run together with those before it.

    All parts of one statement see the tables as they were before it, and Postgres runs them in no certain order
    (manual, 7.8.4): so each table is changed by one of them alone.
    """
    table = _table(part.text)
    return len(parts) < MOST and all(_table(each.text) != table for each in parts)


def merged(parts: Sequence[Part]) -> tuple[str, list[Any]]:
    """One statement and its arguments; its row holds how many rows each part touched."""
    return _merged(tuple([each.text for each in parts])), [value for each in parts for value in each.arguments]


@lru_cache(maxsize=1024)
def _table(text: str) -> str:
    changes = _CHANGES.match(text)
    assert changes is not None, text
    return changes[2]


@lru_cache(maxsize=1024)
def _merged(texts: tuple[str, ...]) -> str:
    parts, before = [], 0
    for place, text in enumerate(texts):
        shifted = _PARAMETER.sub(lambda found, before=before: f"${int(found[1]) + before}", text)  # type: ignore[misc]
        returning = "" if "RETURNING" in text else " RETURNING 1"
        parts.append(f"part{place} AS ({shifted}{returning})")
        before += max((int(number) for number in _PARAMETER.findall(text)), default=0)
    counts = ", ".join(f"(SELECT count(*) FROM part{place})" for place in range(len(texts)))  # noqa: S608
    return f"WITH {', '.join(parts)} SELECT {counts}"
