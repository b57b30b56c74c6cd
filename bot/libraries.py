"""The library in force: a version in the database, the same for all processes, and edits to its files."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from bot.log import place
from flows.check import check
from flows.model import Flow, Library
from flows.pages import Problem
from flows.reader import Reading, read_files, read_folder
from storage.errors import StorageError
from storage.store import Store
from storage.transaction import Transaction

log = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds until what could not be done is tried again."""

_REMEMBERED = 8


class Stale(Exception):
    """A turn needs a version of the library that this process has not read yet."""

    def __init__(self, version: int) -> None:
        super().__init__(f"library {version}")
        self.version = version


class Libraries:
    """Reads, checks and activates libraries.

    problems  why the files as they are now are not in force; empty where they are
    """

    def __init__(self, store: Store, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder
        self._known: OrderedDict[int, Library] = OrderedDict()
        self._watchers: list[Callable[[], None]] = []
        self.problems: tuple[Problem, ...] = ()
        self._in_force = 0

    def at(self, version: int) -> Library:
        """A version as a turn needs it. Raises Stale: `await load(version)`, and run the turn again."""
        library = self._known.get(version)
        if library is None:
            raise Stale(version)
        self._known.move_to_end(version)
        self._in_force = version
        return library

    @property
    def current(self) -> Library:
        """The version this process last saw in force."""
        return self._known[self._in_force]

    async def load(self, version: int) -> None:
        """Reads a version from the database."""

        async def work(tx: Transaction) -> Mapping[str, str]:
            return await tx.library.files(version)

        self._remember(version, read_files(await self._store.run(work)))

    def _remember(self, version: int, reading: Reading) -> None:
        self._known[version] = replace(reading.library, version=version)
        self._known.move_to_end(version)
        # An edit that is taken back brings the older number into force again.
        self._in_force = version
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    async def begin(self) -> None:
        """At the start: what the folder holds comes into force if it may, else what was in force stays.

        Raises BadLibrary where there is nothing that could be in force.
        """
        await self.refresh()
        if self._known:
            return

        async def work(tx: Transaction) -> tuple[int, Mapping[str, str]] | None:
            return await tx.library.active()

        active = await self._store.run(work)
        if active is None:
            raise BadLibrary(self.problems)
        self._remember(active[0], read_files(active[1]))

    async def refresh(self) -> None:
        """Checks the files, and puts them in force for all processes if they may be."""
        if self._folder is None:
            return
        folder = self._folder
        try:
            reading = await asyncio.to_thread(read_folder, folder)
        except OSError as error:
            self.problems = (Problem(str(folder), 1, 1, "not-a-flow", str(error)),)
            return
        problems = await asyncio.to_thread(check, reading)
        before = self.problems
        self.problems = tuple(problem for problem in problems if not problem.warning)
        if not self.problems:
            await self._activate(reading)
        if self.problems and self.problems != before:
            more = f" (and {len(self.problems) - 1} more: `doorstep check`)" if self.problems[1:] else ""
            log.error("the flow files are not in force, mend them first: %s%s", self.problems[0], more)
        for watcher in list(self._watchers):
            watcher()

    async def _activate(self, reading: Reading) -> None:
        async def work(tx: Transaction) -> int | tuple[Problem, ...]:
            active = await tx.library.active()
            if active is not None and active[1] == reading.files:
                return active[0]
            lost = _would_be_lost(reading, await tx.conversations.standing())
            if lost:
                return lost
            version = await tx.library.activate(reading.files)
            await tx.conversations.look_again(_changed(active[1] if active else {}, reading))
            return version

        outcome = await self._store.run(work)
        if isinstance(outcome, tuple):
            self.problems = outcome
        else:
            self._remember(outcome, reading)
            log.info("library %s is in force", outcome)

    async def watch(self) -> None:
        """Refreshes whenever a file in the folder changes, until cancelled. A replaced folder is found again."""
        if self._folder is None:
            return
        from watchfiles import awatch  # only what runs for long watches

        looked = polling = False
        while True:
            watched = _identity(self._folder)
            watching = awatch(
                self._folder, debounce=200, step=50, rust_timeout=1000, yield_on_timeout=True, force_polling=polling
            )
            try:
                async for changes in watching:
                    # Once without a change: there may have been one since the start, before anybody watched.
                    if changes or not looked:
                        await self._refresh_when_possible()
                        looked = True
                    if _identity(self._folder) != watched:
                        break
            except OSError as error:
                # Too few inotify watches, or a folder that is just being replaced.
                log.warning("the flow files are looked at again and again now, for watching broke: %s", place(error))
                polling = True
            looked = False
            await asyncio.sleep(PAUSE)

    async def _refresh_when_possible(self) -> None:
        while True:
            try:
                return await self.refresh()
            except StorageError as error:
                log.warning("edited flows wait, for the database is away: %s", type(error).__name__)
                await asyncio.sleep(PAUSE)

    def on_change(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Calls `watcher` after each refresh; answers with what ends that."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)


class BadLibrary(Exception):
    """No library can be in force: the files have mistakes, and there was none before."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def _identity(folder: Path) -> list[int]:
    """Which folders these are: one that was replaced by another of the same name is not watched any more."""
    return [each.stat().st_ino if each.exists() else 0 for each in (folder, folder / "library", folder / "languages")]


def _changed(before: Mapping[str, str], reading: Reading) -> list[str]:
    """The flows whose file is not what it was."""
    flows = reading.library.flows.values()
    return [flow.name for flow in flows if before.get(flow.file) != reading.files.get(flow.file)]


def _would_be_lost(reading: Reading, standing: list[tuple[str, str, int]]) -> tuple[Problem, ...]:
    """A problem for each state that is gone without `moved` while people stand in it."""
    lost = []
    for flow_name, state, people in standing:
        flow: Flow | None = reading.library.flows.get(flow_name)
        if flow is not None and (state in flow.states or state in flow.moved or not state):
            continue
        file = flow.file if flow else "library"
        what = f"{people} people stand in `{flow_name}/{state}`, which is gone"
        mend = f"bring it back, or add `moved: {{{state}: a state}}`" if flow else "bring the flow back"
        lost.append(Problem(file, 1, 1, "bad-moved", what, mend))
    return tuple(lost)
