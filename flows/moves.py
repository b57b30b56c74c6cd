"""What a state answers when something comes to it: where to go next."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Go:
    """On to another state of this flow."""

    target: str


@dataclass(frozen=True, slots=True)
class End:
    """This flow is over."""

    outcome: str


@dataclass(frozen=True, slots=True)
class Run:
    """Into another flow, to come back to this state when it ends."""

    flow: str


Move = Go | End | Run | None
"""What a state answers: where to next; None: stay here and wait."""
