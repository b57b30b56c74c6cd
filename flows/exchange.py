"""What one thing that reaches a person brings about, over all their conversations. Pure, like the engine it drives.

`Exchange.play` is a generator: it asks whoever drives it (a turn on a database, a dialog in a file) for the two
things it cannot know, a new conversation's id and what became of a `do`; and it is done when it returns.
"""

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from flows import phrases
from flows.answers import Answer, Fit, OutOfRange, fold
from flows.engine import advance
from flows.model import (
    NOTHING,
    Again,
    Back,
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
    Save,
    Say,
    Started,
    Turn,
    Value,
    Word,
    nothing,
)
from flows.questions import reading
from flows.scene import Scene
from flows.states import AskState, State

MOST_DEEDS = 50
"""`do`s in one exchange. A checked library stays far below; beyond it the conversation is let go."""

FIRST_OF_ALL = ("stop", "forget me")
"""These words beat everything, an open question too."""

_ENDS_ALL = frozenset({"stop", "forget_me"})

SILENT_ENDS = frozenset({*_ENDS_ALL, "begun anew"})
"""Outcomes after which no other question is asked again."""


@dataclass(frozen=True, slots=True)
class Begin:
    """A new conversation is needed: answer with its id."""

    flow: str


@dataclass(frozen=True, slots=True)
class Perform:
    """Something is to be done: answer with (Did, the facts as they are now). `saves` so far are to be kept first."""

    conversation: Conversation
    do: Do


Request = Begin | Perform
Reply = int | tuple[Did, Facts]
Playing = Generator[Request, Reply, None]


@dataclass(frozen=True, slots=True)
class Start:
    """A flow begins for this person, about something perhaps: a moment, a link, a coordinator's wish."""

    flow: str
    about: Mapping[str, str] = field(default_factory=nothing)


@dataclass(frozen=True, slots=True)
class Due:
    """Time has come for one conversation."""

    conversation: int


Incoming = Said | Happened | Start | Due


def word_in(library: Library, text: str) -> Word | None:
    """What a whole message means wherever it is written, if it is such a word."""
    if len(text) > 100:
        return None
    return library.words.get(fold(text)) or library.words.get(text.strip().casefold())


class Exchange:
    """One person's exchange in the making.

    conversations   theirs, by id, as they are now; those in `ended` are over, with this outcome
    changed         the ids that are not what they were
    next_due        of each changed one
    said            every message to them, with the conversation it belongs to (0: none)
    saves           what became known of them
    """

    def __init__(
        self, library: Library, conversations: Iterable[Conversation], facts: Facts, now: datetime, first: bool = False
    ) -> None:
        self.library = library
        self.conversations = {each.id: each for each in conversations}
        self.facts = facts
        self.now = now
        self.first = first
        self.changed: dict[int, None] = {}
        self.next_due: dict[int, datetime | None] = {}
        self.ended: dict[int, str] = {}
        self.said: list[tuple[int, Say]] = []
        self.saves: dict[str, Value] = {}
        self._deeds = 0

    def play(self, incoming: Incoming) -> Playing:
        """Lets it happen. The results stand in the attributes afterwards."""
        if isinstance(incoming, Said):
            yield from self._hear(incoming)
        elif isinstance(incoming, Happened):
            for conversation in self._newest_first():
                if _concerns(incoming, conversation):
                    yield from self._advance(conversation, incoming)
        elif isinstance(incoming, Start):
            yield from self._begin(incoming.flow, incoming.about)
        elif incoming.conversation in self.conversations:
            yield from self._advance(self.conversations[incoming.conversation], Elapsed())
        yield from self._ask_again()

    # --- what was said ---

    def _hear(self, said: Said) -> Playing:
        if said.choice is not None and said.conversation is not None:
            yield from self._press(said)
            return
        word = word_in(self.library, said.text)
        if word and word.anytime in FIRST_OF_ALL:
            yield from self._begin(word.flow)
            return
        best, fit = self._best(said)
        if best is not None and fit >= Fit.NEAR:
            yield from self._advance(best, said)
        elif word and self._counts(word, said):
            yield from self._obey(word, said)
        elif best is not None:
            yield from self._advance(best, said)
        else:
            yield from self._wonder(said)

    def _press(self, said: Said) -> Playing:
        conversation = self.conversations.get(said.conversation or 0)
        if conversation is None:
            self._tell(phrases.ALREADY_OVER)
        elif conversation.question != said.question or not isinstance(self._state(conversation), AskState):
            self._tell(phrases.ALREADY_ANSWERED)
            yield from self._repeat(self._open())
        else:
            yield from self._advance(conversation, said)

    def _best(self, said: Said) -> tuple[Conversation | None, Fit]:
        """The newest open question that understands it."""
        for conversation in self._open():
            fit = self._fit(conversation, said)
            if fit > Fit.NOT:
                return conversation, fit
        return None, Fit.NOT

    def _fit(self, conversation: Conversation, said: Said) -> Fit:
        state = self._state(conversation)
        if not isinstance(state, AskState):
            return Fit.NOT
        read = reading(self.library, state, conversation, said, self.facts, self.now)
        return read.fit if isinstance(read, Answer) else Fit.TYPE if isinstance(read, OutOfRange) else Fit.NOT

    def _counts(self, word: Word, said: Said) -> bool:
        """Whether a word is meant as one: while any text is taken, a word that starts a flow needs its slash."""
        if word.anytime or said.text.lstrip().startswith("/"):
            return True
        newest = next(iter(self._open()), None)
        state = self._state(newest) if newest else None
        return not (isinstance(state, AskState) and state.expect == "text")

    def _obey(self, word: Word, said: Said) -> Playing:
        if word.anytime == "back":
            newest = next(iter(self._open()), None)
            if newest is None:
                self._tell(phrases.NOTHING_BEFORE)
            else:
                yield from self._advance(newest, Back())
        elif word.anytime == "skip":
            yield from self._skip(said)
        else:
            yield from self._begin(word.flow)

    def _skip(self, said: Said) -> Playing:
        for conversation in self._open():
            state = self._state(conversation)
            if isinstance(state, AskState) and "skip" in state.on:
                yield from self._advance(conversation, said)
                return
        yield from self._wonder(said)

    def _wonder(self, said: Said) -> Playing:
        """Nothing understands it: a first contact, a question to explain, or a kind word."""
        first = next((flow.name for flow in self.library.flows.values() if flow.starts.first_contact), None)
        newest = next(iter(self._open()), None)
        if newest is not None:
            yield from self._advance(newest, said)
        elif first and self.first:
            yield from self._begin(first)
        else:
            self._tell(phrases.NOT_UNDERSTOOD)

    # --- conversations ---

    def _state(self, conversation: Conversation) -> State | None:
        flow = self.library.flows.get(conversation.flow)
        return flow.states.get(conversation.state) if flow else None

    def _newest_first(self) -> list[Conversation]:
        live = [each for each in self.conversations.values() if each.id not in self.ended]
        return sorted(live, key=lambda each: (each.entered_at, each.id), reverse=True)

    def _open(self) -> list[Conversation]:
        """Those with an open question, newest first."""
        return [each for each in self._newest_first() if isinstance(self._state(each), AskState)]

    def _begin(self, flow: str, about: Mapping[str, str] = NOTHING) -> Playing:
        if flow not in self.library.flows:
            self._tell(phrases.NOT_UNDERSTOOD)
            return
        for conversation in self._newest_first():
            outermost = conversation.callers[0].flow if conversation.callers else conversation.flow
            if outermost == flow and conversation.about == about:
                self._end(conversation, "begun anew")
        number = yield Begin(flow)
        assert isinstance(number, int), "a Begin is answered with the conversation's id"
        begun = Conversation(number, flow, self.library.version, "", self.now, about=about)
        self.conversations[number] = begun
        yield from self._advance(begun, Started())

    def _advance(self, conversation: Conversation, event: Event) -> Playing:
        turn = advance(self.library, conversation, event, self.facts, self.now)
        self._take(turn)
        while turn.pending is not None:
            self._deeds += 1
            if self._deeds > MOST_DEEDS:
                self._end(turn.conversation, "lost")
                return
            reply = yield Perform(turn.conversation, turn.pending)
            assert isinstance(reply, tuple), "a Perform is answered with (Did, Facts)"
            did, self.facts = reply
            if turn.pending.name in _ENDS_ALL:
                for other in self._newest_first():
                    if other.id != conversation.id:
                        self._end(other, turn.pending.name)
            turn = advance(self.library, turn.conversation, did, self.facts, self.now)
            self._take(turn)

    def _take(self, turn: Turn) -> None:
        conversation = turn.conversation
        self.conversations[conversation.id] = conversation
        self.changed[conversation.id] = None
        self.next_due[conversation.id] = turn.next_due
        for effect in turn.effects:
            if isinstance(effect, Say):
                self.said.append((conversation.id, effect))
            elif isinstance(effect, Save):
                self.saves[effect.field] = effect.value
            elif isinstance(effect, Ended):
                self.ended[conversation.id] = effect.outcome

    def _end(self, conversation: Conversation, outcome: str) -> None:
        self.changed[conversation.id] = None
        self.next_due[conversation.id] = None
        self.ended[conversation.id] = outcome

    def _ask_again(self) -> Playing:
        """When a flow that asked something has ended, the newest question still open is asked again."""
        asked = any(self.conversations[each].question and why not in SILENT_ENDS for each, why in self.ended.items())
        if asked and not any(each.id in self.changed for each in self._open()):
            yield from self._repeat(self._open())

    def _repeat(self, conversations: list[Conversation]) -> Playing:
        if conversations:
            yield from self._advance(conversations[0], Again())

    def _tell(self, sentence: str) -> None:
        """Something that belongs to no flow."""
        nobody = Conversation(0, "", self.library.version, "", self.now)
        self.said.append((0, Say(Scene(self.library, nobody, self.facts, self.now).words(sentence))))


def _concerns(event: Happened, conversation: Conversation) -> bool:
    """Whether a happening about one pair or action is this conversation's own."""
    about = conversation.about
    return all(about[what] == str(event.data[what]) for what in about if what in event.data)
