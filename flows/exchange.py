"""What one thing that reaches a person brings about, over all their conversations. Pure, like the engine it drives.

`Exchange.play` is a generator: it asks whoever drives it (a turn on a database, a dialog in a file) for the two
things it cannot know, a new conversation's id and what became of a `do`; and it is done when it returns.

Nobody who writes is met with silence, but where the flow itself says nothing: a `wait` or an `end` right after an
answer. What is not understood is explained, and a press that comes too late is answered.
"""

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flows import phrases
from flows.agreement import greets
from flows.answers import Answer, Fit
from flows.beginnings import beginnings, first_answer
from flows.engine import LOST, advance, answered, begun, concerns, state_of
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
    subject_of,
)
from flows.prepared import prepared
from flows.questions import Read, reading
from flows.states import AskState, WaitState
from flows.words import fold

MOST_DEEDS = 50
"""`do`s in one exchange. A checked library stays far below; beyond it the conversation is let go."""

LONGEST_WORD = 100
"""Characters of a message that can be a word understood anywhere."""

FRESH = timedelta(hours=1)
"""How long someone who writes most likely answers the question that was asked, and has it before their eyes."""

START = "/start"
"""What platforms write for someone who opens a chat, with a link's payload behind it where there was one."""

FIRST_OF_ALL = frozenset({"stop", "forget me"})
"""These words beat everything, an open question too."""

_ENDS_ALL = frozenset({"stop", "forget_me"})

_TO_PEOPLE = frozenset({"hand_over", "report"})
"""Who is with people now is not asked by the bot what it asked before: what they write next is for those."""

SILENT_ENDS = frozenset({*_ENDS_ALL, "begun anew"})
"""Outcomes after which no other question is asked again."""


@dataclass(frozen=True, slots=True)
class Begin:
    """A new conversation is needed: answer with (its id, the facts with what this flow and subject want to know)."""

    flow: str
    about: Mapping[str, str] = field(default_factory=nothing)
    answers: Mapping[str, Value] = field(default_factory=nothing)


@dataclass(frozen=True, slots=True)
class Perform:
    """Something is to be done: answer with (Did, the facts as they are now). `saves` so far are to be kept first."""

    conversation: Conversation
    do: Do


Request = Begin | Perform
Reply = tuple[int | Did, Facts]
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


Incoming = Said | Happened | Start | Due | Again
"""`Again`: the newest open question is asked once more."""


def word_in(library: Library, text: str, role: str = "") -> Word | None:
    """What a whole message means wherever it is written, if it is such a word; for whom has this role, where it is
    told."""
    if not text or len(text) > LONGEST_WORD:
        return None
    if text.startswith(f"{START} "):
        # what stands behind it is a link's payload that nobody knows any more
        text = START
    word = library.words.get(fold(text)) or library.words.get(text.strip().casefold())
    flow = library.flows.get(word.flow) if word and role else None
    return None if flow is not None and not flow.starts.obeys(role) else word


def returns(text: str) -> bool:
    """Whether they write what who has said *stop* is told to write, in a library too where it starts nothing."""
    return len(text) <= LONGEST_WORD and fold(text) == fold(START)


class Exchange:
    """One person's exchange in the making.

    conversations   theirs, by id, as they are now; those in `ended` are over, with this outcome
    changed         the ids that are not what they were
    next_due        of each changed one
    said            every message to them, with the conversation it belongs to (0: none)
    saves           what became known of them
    relayed         what they wrote to the person they were introduced to, for no open question understood it
    unsure          it may as well have been meant for the bot
    heard           what they wrote to the people of the group, for no question newer than that understood it

    `relays` says that there is such a person, and `pair` which pair it is, where there is only one: a flow that they
    begin themselves, and that names a pair, is about that one. `human` is when they and the people of the group last
    wrote to each other, while those are there for them; else None.
    """

    def __init__(
        self,
        library: Library,
        conversations: Iterable[Conversation],
        facts: Facts,
        now: datetime,
        first: bool = False,
        relays: bool = False,
        pair: str = "",
        human: datetime | None = None,
    ) -> None:
        self.library = library
        self.conversations = {each.id: each for each in conversations}
        self.facts = facts
        self.now = now
        self.first = first
        self.relays = relays
        self.pair = pair
        self.relayed = ""
        self.unsure = False
        self.human = human
        self.heard = ""
        self.changed: dict[int, None] = {}
        self.next_due: dict[int, datetime | None] = {}
        self.ended: dict[int, str] = {}
        self.said: list[tuple[int, Say]] = []
        self.saves: dict[str, Value] = {}
        self._asked: set[int] = set()
        self._deeds = 0
        self._handed = False

    def play(self, incoming: Incoming) -> Playing:
        """Lets it happen. The results stand in the attributes afterwards."""
        before = dict(self.conversations)
        if isinstance(incoming, Said):
            yield from self._hear(incoming)
        elif isinstance(incoming, Happened):
            for conversation in self._newest_first():
                state = state_of(self.library, conversation)
                waits = isinstance(state, WaitState) and state.wait == incoming.name
                if waits and conversation.id not in self.ended and concerns(incoming, conversation):
                    yield from self._advance(conversation, incoming)
        elif isinstance(incoming, Start):
            if flow := self.library.flows.get(incoming.flow):
                if flow.starts.moment and flow.starts.moment.happening == "action.cancelled":
                    self.forget_action(incoming.about.get("action", ""), but=0, off=True)
                yield from self._begin(incoming.flow, incoming.about)
        elif isinstance(incoming, Again):
            for conversation in self._open()[:1]:
                yield from self._advance(conversation, incoming)
        elif incoming.conversation in before:
            yield from self._advance(before[incoming.conversation], Elapsed())
        if self.ended and (self.said or isinstance(incoming, Said) or self._interrupted(before)):
            yield from self._ask_again()

    def forget_pairs(self, pairs: Iterable[str], but: int) -> None:
        """What began about one of these pairs is over, but this conversation: nobody is asked, or reminded, about
        somebody who is looked after by others."""
        over = set(pairs)
        for conversation in self.conversations.values():
            if conversation.about.get("pair") in over and conversation.id not in {but, *self.ended}:
                self._end(conversation, "past")

    def forget_greeting(self, but: int) -> None:
        """What the greeting of newcomers asks is no question any more, of who has told all of it elsewhere."""
        for conversation in self.conversations.values():
            greets = conversation.flow == prepared(self.library).first_contact
            if greets and conversation.question is not None and conversation.id not in {but, *self.ended}:
                self._end(conversation, "past")

    def forget_action(self, action: str, but: int, *, off: bool = False) -> None:
        """Whether they come to this action is no question any more: they have said so. Where they do not, or it is
        `off`, neither is when they leave home for it, or what they bring."""
        for conversation in list(self.conversations.values()):
            mine = subject_of(conversation, "action") if off else conversation.about.get("action")
            asks = conversation.id not in {but, *self.ended} and self._asks(conversation)
            if mine == action and asks and prepared(self.library).signs_up(conversation.flow):
                self._end(conversation, "past")

    # --- what was said ---

    def _hear(self, said: Said) -> Playing:
        if said.choice is not None and said.conversation is not None:
            yield from self._press(said)
            return
        flow, more = prepared(self.library).link(said.text)
        if flow:
            yield from self._begin(flow, answers={"linked": more} if more else NOTHING)
            return
        word = word_in(self.library, said.text, self._role)
        if word and word.anytime in FIRST_OF_ALL and word.flow in self.library.flows:
            yield from self._begin(word.flow)
            return
        opened = self._open()
        best, fit, read = self._best(opened, said)
        begins, rest = ("", "") if word or fit >= Fit.NEAR else self._beginning(said, opened)
        if begins:
            yield from self._begin(begins, rest=rest)
        elif best is not None and (word is None or fit >= Fit.NEAR or not _counts(word, said, self._newest(opened))):
            yield from self._go_on(answered(self.library, best, said, read, self.facts, self.now))
        elif word and _counts(word, said, self._newest(opened)):
            yield from self._obey(word, said, opened)
        else:
            yield from self._wonder(said, opened)

    def _press(self, said: Said) -> Playing:
        conversation = self.conversations.get(said.conversation or 0)
        opened = self._open()
        if conversation and conversation.question == said.question and self._asks(conversation):
            yield from self._advance(conversation, said)
        elif conversation and opened:
            self._tell(phrases.ALREADY_ANSWERED)
            yield from self._advance(opened[0], Again())
        else:
            self._tell(phrases.ALREADY_OVER)

    def _best(self, opened: list[Conversation], said: Said) -> tuple[Conversation | None, Fit, Read]:
        """The newest open question that understands it, and how."""
        for conversation in opened:
            state = self._asks(conversation)
            read = reading(self.library, state, conversation, said, self.facts, self.now) if state else None
            if read is None:
                continue
            fit = read.fit if isinstance(read, Answer) else Fit.TYPE
            if fit >= Fit.NEAR or not self._with_people(conversation):
                return conversation, fit, read
        return None, Fit.NOT, None

    def _beginning(self, said: Said, opened: list[Conversation]) -> tuple[str, str]:
        """The flow that this begins and what of it answers that flow's first question; ("", "") where there is none."""
        for flow, rest in beginnings(self.library, said.text):
            if not self.library.flows[flow].starts.obeys(self._role):
                continue
            new = Conversation(0, flow, self.library.version, "", self.now, about=self._about(flow))
            read = first_answer(self.library, new, rest, self.facts, self.now)
            if read is not None and (read.fit > Fit.ANYTHING or _counts(Word(), said, self._newest(opened))):
                return flow, rest
        return "", ""

    @property
    def _role(self) -> str:
        """What they are; whoever is no buddy is a supporter."""
        return str(self.facts.me.get("role") or "supporter")

    def _obey(self, word: Word, said: Said, opened: list[Conversation]) -> Playing:
        if word.anytime == "back":
            if opened:
                yield from self._advance(opened[0], Back())
            else:
                self._tell(phrases.NOTHING_BEFORE)
        elif word.anytime == "skip":
            skipping = [each for each in opened if (state := self._asks(each)) and "skip" in state.on]
            if skipping:
                yield from self._advance(skipping[0], said)
            else:
                yield from self._explain(said, opened)
        elif word.flow in self.library.flows:
            yield from self._begin(word.flow)
        else:
            yield from self._explain(said, opened)

    def _wonder(self, said: Said, opened: list[Conversation]) -> Playing:
        """Nothing understands it: it is for the person they were introduced to, or for nobody.

        What may be an answer to the bot is not for others to read: while a question is fresh, or in a flow that is
        about the other, it is explained, and passed on only if they say so.
        """
        if self.human is not None and said.text:
            self.heard = said.text
            if not opened or self._with_people(opened[0]):
                return
        elif self.relays and said.text:
            self.relayed = said.text
            self.unsure = any(self._private(conversation) for conversation in opened)
        if not self.relayed or self.unsure:
            yield from self._explain(said, opened)

    def _with_people(self, conversation: Conversation) -> bool:
        """Whether they talk with people of the group since a question was asked: then not everything answers it."""
        return self.human is not None and conversation.entered_at < self.human

    def _private(self, conversation: Conversation) -> bool:
        return self._is_fresh(conversation) or prepared(self.library).about_the_other(conversation.flow)

    def _is_fresh(self, conversation: Conversation) -> bool:
        return self.now - conversation.entered_at < FRESH

    def _explain(self, said: Said, opened: list[Conversation]) -> Playing:
        """A question to explain, a first contact or another hello, or a kind word."""
        first = prepared(self.library).first_contact
        if opened:
            yield from self._advance(opened[0], said)
        elif first and (self.first or greets(said.text) or returns(said.text)):
            yield from self._begin(first)
        else:
            self._tell(phrases.NOT_UNDERSTOOD)

    # --- conversations ---

    def _asks(self, conversation: Conversation) -> AskState | None:
        state = state_of(self.library, conversation)
        return state if isinstance(state, AskState) else None

    def _newest(self, opened: list[Conversation]) -> AskState | None:
        return self._asks(opened[0]) if opened else None

    def _newest_first(self) -> list[Conversation]:
        live = [each for each in self.conversations.values() if each.id not in self.ended]
        if len(live) > 1:
            live.sort(key=lambda each: (each.entered_at, each.id), reverse=True)
        return live

    def _open(self) -> list[Conversation]:
        """Those with an open question, newest first."""
        return [each for each in self._newest_first() if self._asks(each)]

    def _interrupted(self, before: Mapping[int, Conversation]) -> bool:
        """Whether what ended without a word had come between the newest open question and its answer, a while ago: the
        question was fresh then, and is no more. Who left it unanswered before that is not to read it again and again,
        and nobody twice within the hour."""
        for asked in self._open()[:1]:
            began = [before[each].entered_at - asked.entered_at for each in self.ended if each in before]
            return not self._is_fresh(asked) and any(timedelta(0) < each <= FRESH for each in began)
        return False

    def _about(self, flow: str) -> Mapping[str, str]:
        """What a flow is about that they begin themselves."""
        return {"pair": self.pair} if self.pair and prepared(self.library).names_pair(flow) else NOTHING

    def _begin(
        self, flow: str, about: Mapping[str, str] = NOTHING, answers: Mapping[str, Value] = NOTHING, rest: str = ""
    ) -> Playing:
        """Begins a flow; `rest` is what they have said already to its first question."""
        about = about or self._about(flow)
        for conversation in self._newest_first():
            outermost = conversation.callers[0].flow if conversation.callers else conversation.flow
            # Who begins it by a word, and names nothing, means what that flow asked them about already.
            if outermost == flow and (conversation.about == about or not about):
                self._end(conversation, "begun anew")
        number, self.facts = yield Begin(flow, about, answers)
        assert isinstance(number, int), "a Begin is answered with the conversation's id"
        new = Conversation(number, flow, self.library.version, "", self.now, answers=answers, about=about)
        self.conversations[number] = new
        read = first_answer(self.library, new, rest, self.facts, self.now) if rest else None
        if read is not None:
            yield from self._go_on(begun(self.library, new, read, self.facts, self.now))
        else:
            yield from self._advance(new, Started())

    def _advance(self, conversation: Conversation, event: Event) -> Playing:
        yield from self._go_on(advance(self.library, conversation, event, self.facts, self.now))

    def _go_on(self, turn: Turn) -> Playing:
        """Has everything done that a turn asks for, until there is nothing more."""
        self._take(turn)
        while (do := turn.pending) is not None:
            self._deeds += 1
            if self._deeds > MOST_DEEDS:
                self._end(turn.conversation, LOST)
                return
            did, self.facts = yield Perform(turn.conversation, do)
            self._handed = self._handed or do.name in _TO_PEOPLE
            assert isinstance(did, Did), "a Perform is answered with what it came to"
            if do.name in _ENDS_ALL:
                for other in self._newest_first():
                    if other.id != turn.conversation.id:
                        self._end(other, do.name)
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
                if effect.question is not None:
                    self._asked.add(conversation.id)
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
        asked = asked and not self._handed
        opened = self._open() if asked else []
        if opened and not any(each.id in self._asked for each in opened):
            yield from self._advance(opened[0], Again())

    def _tell(self, sentence: str) -> None:
        """Something that belongs to no flow."""
        language = str(self.facts.me.get("language") or self.facts.language)
        self.said.append((0, Say(self.library.translations.get(language, NOTHING).get(sentence, sentence))))


def _counts(word: Word, said: Said, newest: AskState | None) -> bool:
    """Whether a word is meant as one: while any text is taken, a word that starts a flow needs its slash."""
    takes_text = newest is not None and newest.expect == "text"
    return bool(word.anytime) or said.text.lstrip().startswith("/") or not takes_text
