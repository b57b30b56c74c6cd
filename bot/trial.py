"""The stage of `doorstep try`: where people stand in the flows in force, for the page that shows it."""

from collections.abc import Callable
from datetime import datetime

from bot.console.stage import DESK, NEWCOMER, CardView, Funnel, Jump, Phone, Refused, Standing
from bot.libraries import Libraries
from bot.sender import utc_now
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

    def phones(self) -> tuple[Phone, ...]:
        """The newcomer's and the desk; the buddy's is nobody's yet."""
        closed = "A volunteer lives near you as soon as the newcomer says where that is."
        return (Phone(NEWCOMER, "A newcomer"), Phone("buddy", "A buddy", closed=closed), Phone(DESK, "The desk"))

    async def standing(self, phone: str, address: str) -> tuple[Standing, ...]:
        """Where the newcomer stands, newest first."""
        if phone != NEWCOMER:
            return ()

        async def work(tx: Transaction) -> Loaded | None:
            person = await tx.people.by_address("web", self._account, address)
            return await tx.people.load(person.id) if person else None

        loaded = await self._store.read(work)
        if loaded is None:
            return ()
        newest_first = sorted(loaded.conversations, key=lambda each: (each.entered_at, each.id), reverse=True)
        return tuple(Standing(each.flow, each.state) for each in newest_first)

    async def funnel(self) -> Funnel:
        """Nothing is counted yet."""
        return Funnel((), 0)

    async def cards(self, limit: int) -> tuple[CardView, ...]:
        """No cards yet."""
        return ()

    async def act(self, card: int, button: str, text: str) -> str:
        """There is nothing to act on."""
        raise Refused("This card is gone.")

    def now(self) -> datetime:
        """The present."""
        return utc_now()

    def zone(self) -> str:
        """The zone of the clock."""
        return "UTC"

    async def jumps(self, address: str) -> tuple[Jump, ...]:
        """The clock stays."""
        return ()

    async def jump(self, key: str, address: str) -> None:
        """The clock stays."""
        raise Refused("The clock stays.")

    async def begin_anew(self) -> None:
        """Everything stays."""

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
