"""What the trial page shows and lets its visitor do, behind one seam: the page knows nothing of storage."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.desks.base import Button
from bot.roles import Who

NEWCOMER, DESK = "newcomer", "desk"
"""Keys of the two phones that are always there: the visitor's own, and the one that shows cards."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Someone is in this state of this flow."""

    flow: str
    state: str


@dataclass(frozen=True, slots=True)
class Phone:
    """One of the phones on the page.

    key     `NEWCOMER`, `DESK`, or the name of a further phone of the web channel, like "buddy"
    title   what kind of person uses it; `name` is what they are called, "" where they have no name
    closed  why nobody can write there yet; "" where one can
    """

    key: str
    title: str
    name: str = ""
    closed: str = ""


@dataclass(frozen=True, slots=True)
class Funnel:
    """How far people came: `steps` are (label, people), each a part of the one before it; `connections` is the aim."""

    steps: tuple[tuple[str, int], ...]
    connections: int


@dataclass(frozen=True, slots=True)
class CardView:
    """A card on the coordinators' desk.

    buttons  what can be pressed while it is `open`
    replies  whether words can be written back, with the first of the buttons
    outcome  what became of it, and by whom; "" while it is open
    """

    id: int
    title: str
    lines: tuple[str, ...]
    buttons: tuple[Button, ...]
    replies: bool
    open: bool
    urgent: bool
    outcome: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Jump:
    """A way to let time pass. `why_not` says in a sentence why it cannot be done now; "" where it can."""

    key: str
    label: str
    why_not: str = ""


class Refused(Exception):
    """What was asked of the stage or the desk cannot be done; the message says why, in a sentence."""


class Quicker(Refused):
    """Someone else acted on the card first."""


class Wrong(Exception):
    """What was written cannot be understood: {field: what is wrong with it, and how to mend it}."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Sight:
    """What coordinators see of their group.

    week     connections of the last seven days
    waiting  people who wait for a buddy; `free` buddies could take one
    open     cards that somebody should act on, the urgent first, then the oldest; `more` where further ones wait
    settled  cards that somebody acted on, the last one first
    coming   cards of the actions of these weeks, the soonest first: who comes, as it is now
    """

    funnel: Funnel
    week: int
    waiting: int
    free: int
    open: tuple[CardView, ...]
    more: bool
    settled: tuple[CardView, ...]
    coming: tuple[CardView, ...] = ()


class Desk(Protocol):
    """The desk of a group. What it says about time is in the group's zone."""

    def sight(self) -> Sight | None:
        """What was seen last; None: nothing yet."""

    async def opened(self, who: Who) -> None:
        """Somebody looks at it from now on: that is in the audit trail, or they may not. Raises Refused."""

    async def act(self, card: int, button: str, text: str, who: Who) -> str:
        """Somebody presses a button of a card, with what was written beside it; what that did, in a sentence. Raises
        Refused, and Quicker where someone else has acted."""

    async def add_action(self, cells: Mapping[str, str], who: Who) -> str:
        """Publishes an action, or a series of them, from texts by `bot.new_actions.COLUMNS` (and `every`, `times`);
        what came of it, in a sentence. Raises Wrong, Refused."""

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls back, in the loop's thread, whenever the sight is another. Answers how to end that.

        As long as nobody watches, nothing is looked at.
        """


class Stage(Protocol):
    """The people, the desk, the clock and the flows of a trial. What it says about time is in the group's zone."""

    def phones(self) -> tuple[Phone, ...]:
        """The phones from left to right."""

    async def standing(self, phone: str, address: str) -> tuple[Standing, ...]:
        """Where the person of this phone stands, one for each of their conversations, the newest first.

        `address` is the visitor's own; it says who the newcomer is.
        """

    async def hint(self, address: str) -> str:
        """What the visitor with this address could do next, in a sentence or two, with *stars* around what is to be
        pressed or written; "" before they have done anything."""

    async def funnel(self) -> Funnel:
        """How far everybody came since the trial began."""

    async def cards(self, limit: int) -> tuple[CardView, ...]:
        """The newest cards, newest first."""

    async def act(self, card: int, button: str, text: str) -> str:
        """Presses a button of a card, with what was written beside it; what that did, in a sentence. Raises Refused."""

    def now(self) -> datetime:
        """The trial's present: aware, in the group's zone."""

    def zone(self) -> str:
        """The group's zone by its IANA name."""

    async def jumps(self, address: str) -> tuple[Jump, ...]:
        """The ways to let time pass for the visitor with this address ("": nobody yet)."""

    async def jump(self, key: str, address: str) -> None:
        """Lets time pass, with all that happens on the way; returns once it has. Raises Refused."""

    async def begin_anew(self) -> None:
        """Forgets everything that happened in the trial. Its pages load themselves again afterwards."""

    def flow_names(self) -> tuple[str, ...]:
        """Every flow in force; the first is shown to a visitor who stands nowhere yet."""

    def picture(self, flow: str) -> str:
        """The flow as an SVG, with no state lit."""

    def problems(self) -> tuple[str, ...]:
        """Why an edited file was refused, a line for each problem; empty: all is well."""

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls back, in the loop's thread, whenever a turn was taken, a card, the clock or the library changed.

        Answers how to end that.
        """
