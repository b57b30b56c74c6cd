"""The whole state machine: one event in, a changed conversation and effects out. Pure: no clock, no I/O, no chance."""

from collections.abc import Iterator
from datetime import datetime

from flows import phrases, questions
from flows.answers import Answer
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
    Flow,
    Happened,
    Library,
    Said,
    Started,
    Turn,
    subject_of,
)
from flows.moves import End, Go, Move, Run
from flows.questions import Read
from flows.scene import Scene, Standing
from flows.states import AskState, DoState, Pausing, RunState, State, WaitState
from flows.times import duration

MOST_STEPS = 1000
"""States passed through in one call; more messages than anybody reads. Whoever gets here is let go."""

MOST_CALLERS = 20
"""Flows running one inside the other. Deeper, a `run` no longer comes back."""

LOST = "lost"
"""The outcome of a conversation that the library no longer has a place for."""

SUBJECTS = ("pair", "action")
"""What a conversation can be about."""


def advance(library: Library, conversation: Conversation, event: Event, facts: Facts, now: datetime) -> Turn:
    """What follows from one event, for one conversation.

    The same arguments always give the same `Turn`. Nothing is raised for anything a person can write or a library that
    passed `check` can hold. It stops at every `Do`, and is to be called with `Did` and fresh facts; what it saved
    itself it sees at once. `now` is aware.
    """
    return _played(Scene(library, conversation, facts, now), event)


def answered(library: Library, conversation: Conversation, said: Said, read: Read, facts: Facts, now: datetime) -> Turn:
    """`advance` with something said that `questions.reading` has read already, as `read`."""
    return _played(Scene(library, conversation, facts, now, (read,)), said)


def begun(library: Library, conversation: Conversation, read: Answer, facts: Facts, now: datetime) -> Turn:
    """`advance` with `Started`, where the first question was answered by what began the conversation, as `read`."""
    return _played(Scene(library, conversation, facts, now, (read,)), Started())


def state_of(library: Library, conversation: Conversation | Standing) -> State | None:
    """The state that someone stands in, in the flow as it is now; None where the library has none for them."""
    flow = library.flows.get(conversation.flow)
    if flow is None:
        return None
    return flow.states.get(conversation.state) or flow.states.get(flow.moved.get(conversation.state, ""))


def concerns(event: Happened, conversation: Conversation | Standing) -> bool:
    """Whether a happening about one pair or action is this conversation's own."""
    for what in SUBJECTS:
        mine = subject_of(conversation, what)
        if mine and what in event.data and mine != str(event.data[what]):
            return False
    return True


def _played(scene: Scene, event: Event) -> Turn:
    _follow(scene, _placed(scene, event))
    return Turn(scene.here.settled(), tuple(scene.effects), _next_due(scene))


def _placed(scene: Scene, event: Event) -> Move:
    """Finds the state they stand in, in the flow as it is now, and gives it the event."""
    here, flow = scene.here, scene.library.flows.get(scene.here.flow)
    here.version = scene.library.version
    if flow is None:
        return _ended(scene, LOST)
    if isinstance(event, Started):
        return Go(flow.start)
    state = flow.states.get(here.state)
    if state is None:
        move = _moved(flow, here.state)
        state = flow.states.get(move.target)
        stays = isinstance(state, WaitState) or (isinstance(state, AskState) and questions.is_same(scene, state))
        if state is None or not stays:
            return move
        here.state = move.target
    elif not state.waits() and not isinstance(event, Did):
        # it was edited into a state that nobody stays in
        return Go(here.state)
    return _given(scene, state, event)


def _moved(flow: Flow, state: str) -> Go:
    """Where someone goes whose state is gone."""
    target = flow.moved.get(state, "")
    return Go(target if target in flow.states else flow.start)


def _given(scene: Scene, state: State, event: Event) -> Move:
    if isinstance(event, Said):
        return state.hear(scene, event)
    if isinstance(event, Did):
        return _did(scene, state, event)
    if isinstance(event, Happened):
        return _happened(scene, state, event)
    if isinstance(event, Elapsed):
        return _elapsed(scene, state)
    if isinstance(event, Back):
        return _back(scene)
    if isinstance(event, Again) and isinstance(state, AskState):
        return questions.ask_again(scene, state)
    return None


def _follow(scene: Scene, move: Move) -> None:
    """Goes from state to state until one waits, asks for something to be done, or the conversation is over."""
    for _ in range(MOST_STEPS):
        if move is None:
            return
        if isinstance(move, Go):
            move = _entered(scene, move.target)
        elif isinstance(move, Run):
            move = _called(scene, move.flow)
        else:
            move = _ended(scene, move.outcome)
    if move is not None:
        scene.effects.append(Ended(LOST))


def _entered(scene: Scene, target: str) -> Move:
    state = scene.flow.states.get(target)
    if state is None:
        return End(LOST)
    here = scene.here
    here.state, here.entered_at, here.fired, here.misses, here.picked = target, scene.now, (), 0, ()
    move = state.enter(scene)
    return End(LOST) if move is None and not state.waits() and not isinstance(state, DoState) else move


def _called(scene: Scene, flow: str) -> Move:
    here = scene.here
    if flow not in scene.library.flows:
        return End(LOST)
    if len(here.callers) < MOST_CALLERS:
        here.callers = (*here.callers, Caller(here.flow, here.state))
    here.flow = flow
    return Go(scene.flow.start)


def _ended(scene: Scene, outcome: str) -> Move:
    """Back to the flow that ran this one, or over."""
    here = scene.here
    if not here.callers:
        scene.effects.append(Ended(outcome))
        return None
    *callers, caller = here.callers
    here.flow, here.state, here.callers = caller.flow, caller.state, tuple(callers)
    flow = scene.library.flows.get(caller.flow)
    if flow is None:
        return End(outcome)
    state = state_of(scene.library, here)
    if isinstance(state, RunState):
        return state.returned(scene, outcome) or End(LOST)
    return Go(caller.state) if caller.state in flow.states else _moved(flow, caller.state)


def _did(scene: Scene, state: State, event: Did) -> Move:
    if event.data:
        scene.keep(event.data)
    if isinstance(state, DoState):
        if state.do == "record_consent":
            scene.keep_held()
        return state.did(scene, event) or End(LOST)
    return _then(scene, state)


def _then(scene: Scene, state: State) -> Move:
    """The way on of the `after` entry that fired last."""
    fired = scene.here.fired[-1:]
    if isinstance(state, Pausing) and fired and fired[0] in state.after:
        target = state.after[fired[0]].go
        return Go(target) if target is not None else None
    return None


def _happened(scene: Scene, state: State, event: Happened) -> Move:
    """A happening leads on, and the conversation is about its pair or action from then on."""
    move = state.happened(scene, event) if concerns(event, scene.here) else None
    if move is not None:
        new = [what for what in SUBJECTS if what in event.data and not subject_of(scene.here, what)]
        if new:
            scene.keep({what: str(event.data[what]) for what in new})
    return move


def _elapsed(scene: Scene, state: State) -> Move:
    """Fires the one entry that is due first; the caller comes back for the next."""
    here = scene.here
    due = min(_dues(here, state), default=None)
    if due is None or due[0] > scene.now:
        return None
    _, name = due
    if isinstance(state, WaitState) and name == "":
        return Go(state.go) if state.go is not None else End(LOST)
    here.fired = (*here.fired, name)
    entry = state.after[name] if isinstance(state, Pausing) else None
    if entry is None:
        return None
    if entry.say is not None:
        scene.say(entry.say)
    if entry.do is not None:
        scene.do(entry.do, entry.with_)
        return None
    return Go(entry.go) if entry.go is not None else None


def _back(scene: Scene) -> Move:
    """To the last question on the trail that is still there, inside the flows that ran it."""
    here = scene.here
    outermost = here.callers[0].flow if here.callers else here.flow
    trail = here.trail
    while trail:
        first = next((at for at in range(len(trail) - 1, -1, -1) if trail[at].flow == outermost), None)
        if first is None:
            break
        *callers, question = trail[first:]
        trail = trail[:first]
        flow = scene.library.flows.get(question.flow)
        if flow is not None and isinstance(flow.states.get(question.state), AskState):
            here.flow, here.callers, here.trail = question.flow, tuple(callers), trail
            return Go(question.state)
    scene.say(phrases.NOTHING_BEFORE)
    return None


def _dues(here: Standing, state: State) -> Iterator[tuple[datetime, str]]:
    """When each thing that time brings in this state is due; "" is the wait itself."""
    if isinstance(state, WaitState) and (length := duration(state.wait)):
        yield here.entered_at + length, ""
    if isinstance(state, Pausing):
        for written in state.after:
            length = duration(written)
            if length is not None and written not in here.fired:
                yield here.entered_at + length, written


def _next_due(scene: Scene) -> datetime | None:
    if scene.effects and isinstance(scene.effects[-1], Ended | Do):
        return None
    state = state_of(scene.library, scene.here)
    return min([due for due, _ in _dues(scene.here, state)], default=None) if state else None
