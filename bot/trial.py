"""The stage of `doorstep try`: where people stand in the flows in force, for the page that shows it."""

from collections.abc import Callable

from bot.console.stage import Standing
from bot.libraries import Libraries
from flows.draw import svg
from storage.people import Loaded
from storage.store import Store
from storage.transaction import Transaction


class LiveStage:
    """Reads the store and the library in force. `changed` is to be called after each turn."""

    def __init__(self, store: Store, libraries: Libraries, account: str) -> None:
        self._store = store
        self._libraries = libraries
        self._account = account
        self._callbacks: list[Callable[[], None]] = []
        libraries.on_change(self.changed)

    async def standing(self, address: str) -> tuple[Standing, ...]:
        """Where this visitor stands, newest first."""

        async def work(tx: Transaction) -> Loaded | None:
            person = await tx.people.by_address("web", self._account, address)
            return await tx.people.load(person.id) if person else None

        loaded = await self._store.read(work)
        if loaded is None:
            return ()
        newest_first = sorted(loaded.conversations, key=lambda each: (each.entered_at, each.id), reverse=True)
        return tuple(Standing(each.flow, each.state) for each in newest_first)

    def flow_names(self) -> tuple[str, ...]:
        """Every flow in force, those that start by themselves first."""
        flows = self._libraries.current.flows.values()
        return tuple(flow.name for flow in sorted(flows, key=lambda flow: (not flow.starts.first_contact, flow.name)))

    def picture(self, flow: str) -> str:
        """The flow as an SVG."""
        return svg(self._libraries.current.flows[flow])

    def problems(self) -> tuple[str, ...]:
        """Why an edited file was refused, a line each."""
        return tuple(str(problem) for problem in self._libraries.problems)

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls back after each turn and each change of the library."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def changed(self) -> None:
        """Tells everyone who watches."""
        for callback in list(self._callbacks):
            callback()
