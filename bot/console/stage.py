"""What the trial page shows, behind one seam."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Standing:
    """Someone is in this state of this flow."""

    flow: str
    state: str


class Stage(Protocol):
    """Where people stand, and the flows in force."""

    async def standing(self, address: str) -> tuple[Standing, ...]:
        """Where this visitor stands, one for each of their conversations, the newest first."""

    def flow_names(self) -> tuple[str, ...]:
        """Every flow in force; the first is shown to a visitor who stands nowhere yet."""

    def picture(self, flow: str) -> str:
        """The flow as an SVG, with no state lit."""

    def problems(self) -> tuple[str, ...]:
        """Why an edited file was refused, a line for each problem; empty: all is well."""

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls back, in the loop's thread, whenever a turn was taken or the library changed; answers how to end it."""
