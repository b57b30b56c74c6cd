"""The kinds of state, one class each: how it is written, where it leads, and what it does when someone is there.

To add a kind: write its class, and name it in `AnyState` at the bottom. A state never does anything by itself: it tells
the `Scene` what to say, and answers with where to go next.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from flows.model import Did, Happened, Said
from flows.moves import End, Go, Move, Run
from flows.parts import (
    After,
    Attachment,
    Awaited,
    Bound,
    Branch,
    Choice,
    DeedName,
    Duration,
    Expected,
    Happening,
    ListName,
    Part,
    Wording,
    Words,
)

if TYPE_CHECKING:
    from flows.scene import Scene

__all__ = [
    "KINDS", "After", "AnyState", "AskState", "Branch", "Choice", "DecideState", "DoState", "EndState", "Exit", "Part",
    "Pausing", "RunState", "SayState", "State", "TryState", "WaitState", "Wording",
]  # fmt: skip

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exit:
    """One way on: `label` says when, `target` where to, `path` where in the state it is written."""

    label: str
    target: str
    path: Path


class State(Part):
    """What every kind of state can do. The defaults are those of a state that nobody ever stands in."""

    kind: ClassVar[str] = ""

    def exits(self) -> Iterator[Exit]:
        """Every way on, as it is written."""
        target = getattr(self, "go", None)
        if target is not None:
            yield Exit("", target, ("go",))
        for outcome, on_target in getattr(self, "on", {}).items():
            yield Exit(outcome, on_target, ("on", outcome))
        for length, entry in getattr(self, "after", {}).items():
            if entry.go is not None:
                yield Exit(length, entry.go, ("after", length, "go"))

    def texts(self) -> Iterator[tuple[Path, str]]:
        """Every text that a person reads, with where it stands."""
        for length, entry in getattr(self, "after", {}).items():
            if entry.say is not None:
                yield ("after", length, "say"), entry.say

    def labels(self) -> Iterator[tuple[Path, str]]:
        """Every label of a choice, with where it stands."""
        return iter(())

    def waits(self) -> bool:
        """Whether someone can stand here until something comes: a message, a happening, or time."""
        return False

    def enter(self, scene: "Scene") -> Move:
        """They have come into this state."""
        raise AssertionError(f"nobody enters a {self.kind}")

    def hear(self, scene: "Scene", said: Said) -> Move:
        """They said something while they are here."""
        return None

    def happened(self, scene: "Scene", event: Happened) -> Move:
        """Something happened while they are here."""
        return None

    def did(self, scene: "Scene", event: Did) -> Move:
        """What this state asked for was done."""
        return None

    def returned(self, scene: "Scene", outcome: str) -> Move:
        """The flow that this state ran has ended."""
        return None


class Pausing(State):
    """A state in which time can pass."""

    after: dict[Duration, After] = {}


class SayState(Pausing):
    """Says something and goes on; without a `go`, it stays until an `after` leads on."""

    kind: ClassVar[str] = "say"
    say: Words
    attach: Attachment = ""
    go: str | None = None
    end: Words | None = None

    def texts(self) -> Iterator[tuple[Path, str]]:
        yield ("say",), self.say
        yield from super().texts()

    def waits(self) -> bool:
        return self.go is None and self.end is None

    def enter(self, scene: "Scene") -> Move:
        scene.say(self.say, attach=self.attach)
        if self.end is not None:
            return End(self.end)
        return Go(self.go) if self.go is not None else None


class AskState(Pausing):
    """Asks something, and stays until there is an answer. What an answer means is in `flows/questions.py`."""

    kind: ClassVar[str] = "ask"
    ask: Words
    choose: Literal["one", "many"] = "one"
    choices: dict[str, Choice] | None = None
    choices_from: ListName | None = None
    expect: Expected | None = None
    least: Bound | None = None
    most: Bound | None = None
    save: str | None = None
    attach: Attachment = ""
    on: dict[str, str] = {}
    go: str | None = None

    def exits(self) -> Iterator[Exit]:
        for key, choice in (self.choices or {}).items():
            if choice.go is not None:
                yield Exit(choice.label, choice.go, ("choices", key, "go"))
        yield from super().exits()

    def texts(self) -> Iterator[tuple[Path, str]]:
        yield ("ask",), self.ask
        yield from super().texts()

    def labels(self) -> Iterator[tuple[Path, str]]:
        for key, choice in (self.choices or {}).items():
            yield ("choices", key), choice.label

    def waits(self) -> bool:
        return True

    def enter(self, scene: "Scene") -> Move:
        return scene.ask(self)

    def hear(self, scene: "Scene", said: Said) -> Move:
        return scene.answer(self, said)


class DoState(State):
    """Has something done, and goes where its outcome leads."""

    kind: ClassVar[str] = "do"
    do: DeedName
    with_: dict[str, str] = Field(default={}, alias="with")
    on: dict[str, str] = {}
    go: str | None = None

    def enter(self, scene: "Scene") -> Move:
        scene.do(self.do, self.with_)
        return None

    def did(self, scene: "Scene", event: Did) -> Move:
        target = self.on.get(event.outcome, self.go)
        return Go(target) if target is not None else None


class DecideState(State):
    """Goes the first way whose condition holds."""

    kind: ClassVar[str] = "decide"
    decide: list[Branch]

    def exits(self) -> Iterator[Exit]:
        for number, branch in enumerate(self.decide):
            if branch.go is not None:
                yield Exit(branch.when or "", branch.go, ("decide", str(number), "go"))
            if branch.else_ is not None:
                yield Exit("else", branch.else_, ("decide", str(number), "else"))

    def enter(self, scene: "Scene") -> Move:
        for branch in self.decide:
            if branch.else_ is not None:
                return Go(branch.else_)
            if branch.when and branch.go and scene.holds(branch.when):
                return Go(branch.go)
        return None


class WaitState(Pausing):
    """Waits for a happening, or for so much time."""

    kind: ClassVar[str] = "wait"
    wait: Awaited
    go: str | None = None

    def waits(self) -> bool:
        return True

    def enter(self, scene: "Scene") -> Move:
        return None

    def happened(self, scene: "Scene", event: Happened) -> Move:
        return Go(self.go) if event.name == self.wait and self.go is not None else None


class RunState(State):
    """Runs another flow and comes back."""

    kind: ClassVar[str] = "run"
    run: str
    on: dict[str, str] = {}
    go: str | None = None

    def enter(self, scene: "Scene") -> Move:
        return Run(self.run)

    def returned(self, scene: "Scene", outcome: str) -> Move:
        target = self.on.get(outcome, self.go)
        return Go(target) if target is not None else None


class TryState(State):
    """Says one of several wordings: each person stays with one, and `goal` is what counts them."""

    kind: ClassVar[str] = "try"
    try_: dict[str, Wording] = Field(alias="try", min_length=1)
    goal: Happening = "pair.met"
    go: str | None = None
    end: Words | None = None

    def texts(self) -> Iterator[tuple[Path, str]]:
        for name, wording in self.try_.items():
            yield ("try", name, "say"), wording.say

    def enter(self, scene: "Scene") -> Move:
        name = scene.draw(tuple(self.try_))
        wording = self.try_[name]
        scene.say(wording.say, attach=wording.attach, tried=name)
        return End(self.end) if self.end is not None else Go(self.go) if self.go is not None else None


class EndState(State):
    """The flow is over."""

    kind: ClassVar[str] = "end"
    end: Words

    def enter(self, scene: "Scene") -> Move:
        return End(self.end)


AnyState = SayState | AskState | DoState | DecideState | WaitState | RunState | TryState | EndState
KINDS: Mapping[str, type[AnyState]] = {
    "say": SayState,
    "ask": AskState,
    "do": DoState,
    "decide": DecideState,
    "wait": WaitState,
    "run": RunState,
    "try": TryState,
    "end": EndState,
}
"""Which key makes which kind of state. `end` alone is a kind; beside a `say` or `try` it is how that one goes on."""
