"""The whole state machine: one event in, a changed conversation and effects out. Pure: no clock, no I/O, no chance."""

from collections.abc import Iterator
from datetime import datetime

from flows import phrases, questions
from flows.model import (
    Again,
    Back,
    Caller,
    Conversation,
    Did,
    Do,
    Elapsed,
    Ended,
    Event,
    Facts,
    Happened,
    Library,
    Said,
    Started,
    Turn,
)
from flows.scene import Scene
from flows.states import AskState, DoState, End, Go, Move, Pausing, Run, State, WaitState
from flows.times import duration

MOST_STEPS = 200
"""States passed through in one call. `check` refuses flows that could pass more; whoever gets here is let go."""

MOST_CALLERS = 20
"""Flows running one inside the other. Deeper, a `run` no longer comes back."""

LOST = "lost"
"""The outcome of a conversation that the library no longer has a place for."""


def advance(library: Library, conversation: Conversation, event: Event, facts: Facts, now: datetime) -> Turn:
    """What follows from one event, for one conversation.

    The same arguments always give the same `Turn`. Nothing is raised for anything a person can write or a library that
    passed `check` can hold. It stops at every `Do`, and is to be called with `Did` and fresh facts; what it saved
    itself it sees at once. `now` is aware.
    """
    scene = Scene(library, conversation, facts, now)
    move = _placed(scene, event)
    _follow(scene, move)
    return Turn(scene.conversation, tuple(scene.effects), _next_due(scene))


def _state(scene: Scene) -> State | None:
    flow = scene.library.flows.get(scene.conversation.flow)
    return flow.states.get(scene.conversation.state) if flow else None


def _placed(scene: Scene, event: Event) -> Move:
    """Finds the state they stand in, in the flow as it is now, and gives it the event."""
    library, conversation = scene.library, scene.conversation
    if conversation.flow not in library.flows:
        return _ended(scene, LOST)
    scene.conversation = conversation.with_(version=library.version)
    if isinstance(event, Started):
        return Go(scene.flow.start)
    state = _state(scene)
    if state is None:
        moved = scene.flow.moved.get(conversation.state, "")
        return Go(moved if moved in scene.flow.states else scene.flow.start)
    return _given(scene, state, event)


def _given(scene: Scene, state: State, event: Event) -> Move:
    if isinstance(event, Said):
        return state.hear(scene, event)
    if isinstance(event, Did):
        return _did(scene, state, event)
    if isinstance(event, Happened):
        return state.happened(scene, event)
    if isinstance(event, Elapsed):
        return _elapsed(scene, state)
    if isinstance(event, Back):
        return _back(scene)
    if isinstance(event, Again) and isinstance(state, AskState):
        questions.ask_again(scene, state)
    return None


def _follow(scene: Scene, move: Move) -> None:
    """Goes from state to state until one waits, asks for something to be done, or the conversation is over."""
    for _ in range(MOST_STEPS):
        if isinstance(move, Go):
            move = _entered(scene, move.target)
        elif isinstance(move, Run):
            move = _called(scene, move.flow)
        elif isinstance(move, End):
            move = _ended(scene, move.outcome)
        if move is None:
            return
    scene.effects.append(Ended(LOST))


def _entered(scene: Scene, target: str) -> Move:
    state = scene.flow.states.get(target)
    if state is None:
        return End(LOST)
    scene.conversation = scene.conversation.with_(state=target, entered_at=scene.now, fired=(), misses=0, picked=())
    move = state.enter(scene)
    stays = state.waits() or isinstance(state, DoState)
    return End(LOST) if move is None and not stays else move


def _called(scene: Scene, flow: str) -> Move:
    here = scene.conversation
    if flow not in scene.library.flows:
        return End(LOST)
    callers = here.callers if len(here.callers) >= MOST_CALLERS else (*here.callers, Caller(here.flow, here.state))
    scene.conversation = here.with_(flow=flow, callers=callers)
    return Go(scene.flow.start)


def _ended(scene: Scene, outcome: str) -> Move:
    *callers, caller = scene.conversation.callers or (None,)
    if caller is None:
        scene.effects.append(Ended(outcome))
        return None
    scene.conversation = scene.conversation.with_(flow=caller.flow, state=caller.state, callers=tuple(callers))
    flow = scene.library.flows.get(caller.flow)
    if flow is None:
        return End(outcome)
    state = flow.states.get(caller.state)
    if state is None:
        return Go(flow.moved.get(caller.state, flow.start))
    return state.returned(scene, outcome) or End(LOST)


def _did(scene: Scene, state: State, event: Did) -> Move:
    if event.data:
        scene.conversation = scene.conversation.with_(answers={**scene.conversation.answers, **event.data})
    if isinstance(state, DoState):
        if state.do == "record_consent":
            scene.keep_held()
        return state.did(scene, event) or End(LOST)
    return _then(scene, state)


def _then(scene: Scene, state: State) -> Move:
    """The way on of the `after` entry that fired last."""
    fired = scene.conversation.fired[-1:]
    if isinstance(state, Pausing) and fired and fired[0] in state.after:
        target = state.after[fired[0]].go
        return Go(target) if target is not None else None
    return None


def _elapsed(scene: Scene, state: State) -> Move:
    """Fires the one entry that is due first; the caller comes back for the next."""
    due = min(_dues(scene.conversation, state), default=None)
    if due is None or due[0] > scene.now:
        return None
    _, name = due
    if isinstance(state, WaitState) and name == "":
        return Go(state.go) if state.go is not None else End(LOST)
    entry = state.after[name] if isinstance(state, Pausing) else None
    scene.conversation = scene.conversation.with_(fired=(*scene.conversation.fired, name))
    if entry is None:
        return None
    if entry.say is not None:
        scene.say(entry.say)
    if entry.do is not None:
        scene.do(entry.do, entry.with_)
        return None
    return Go(entry.go) if entry.go is not None else None


def _back(scene: Scene) -> Move:
    conversation = scene.conversation
    before = [n for n, step in enumerate(conversation.trail) if step.flow == conversation.flow]
    if not before or conversation.trail[before[-1]].state not in scene.flow.states:
        scene.say(phrases.NOTHING_BEFORE)
        return None
    step = conversation.trail[before[-1]]
    scene.conversation = conversation.with_(trail=conversation.trail[: before[-1]])
    return Go(step.state)


def _dues(conversation: Conversation, state: State) -> Iterator[tuple[datetime, str]]:
    """When each thing that time brings in this state is due; "" is the wait itself."""
    if isinstance(state, WaitState) and (length := duration(state.wait)):
        yield conversation.entered_at + length, ""
    if isinstance(state, Pausing):
        for written in state.after:
            length = duration(written)
            if length is not None and written not in conversation.fired:
                yield conversation.entered_at + length, written


def _next_due(scene: Scene) -> datetime | None:
    if scene.effects and isinstance(scene.effects[-1], Ended | Do):
        return None
    state = _state(scene)
    return min((due for due, _ in _dues(scene.conversation, state)), default=None) if state else None
