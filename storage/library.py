"""Versions of the flow files, and which of them is in force for all processes."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import BigInteger, cast, select

from storage.errors import NotFound
from storage.session import Session
from storage.settings import Settings
from storage.statements import Statement, constant, given
from storage.tables import LIBRARIES, SETTINGS, moment

_SETTING = "library"
_L = LIBRARIES.c

IN_FORCE = select(cast(SETTINGS.c.value, BigInteger)).where(SETTINGS.c.key == constant(_SETTING)).scalar_subquery()
"""The number of the version in force, inside another statement; NULL where none ever was."""

_ACTIVE = Statement(select(_L.id, _L.files).where(_L.id == IN_FORCE))
_SINCE = Statement(select(_L.created_at).where(_L.id == IN_FORCE))
_FILES = Statement(select(_L.files).where(_L.id == given("number")), "number")
_BY_DIGEST = Statement(select(_L.id).where(_L.digest == given("digest")), "digest")
_ADD = Statement(
    lambda insert: (
        insert(LIBRARIES)
        .values(digest=given("digest"), created_at=given("at"), files=given("files"))
        .on_conflict_do_nothing(index_elements=["digest"])
    ),
    "digest",
    "at",
    "files",
)


class Library:
    """The library versions, in one transaction."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    async def active(self) -> tuple[int, dict[str, str]] | None:
        """The version in force: its number, and {relative path: text}. None where there never was one."""
        row = await self._session.row(_ACTIVE)
        return None if row is None else (row[0], json.loads(row[1]))

    async def since(self) -> datetime:
        """Since when the version in force is known (aware UTC); now, where none ever was."""
        row = await self._session.row(_SINCE)
        return self._session.now if row is None else moment(row[0])

    async def files(self, library_id: int) -> dict[str, str]:
        """The files of a version, {relative path: text}. Raises NotFound."""
        row = await self._session.row(_FILES, library_id)
        if row is None:
            raise NotFound(f"library {library_id}")
        files: dict[str, str] = json.loads(row[0])
        return files

    async def activate(self, files: Mapping[str, str]) -> int:
        """Puts these files in force for all processes; the same files always have the same number."""
        text = json.dumps(dict(files), sort_keys=True, ensure_ascii=False)
        digest = hashlib.sha256(text.encode()).hexdigest()
        await self._session.change(_ADD, digest, self._session.now_micros, text)
        row = await self._session.row(_BY_DIGEST, digest)
        assert row is not None
        await Settings(self._session).set(_SETTING, str(row[0]))
        return int(row[0])
