"""The nouns of the flow language, all frozen: what is written, where someone stands, what came in, what goes out.

Nothing here does anything: no input or output, no clock, no randomness. Times are aware UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from flows.states import State

NOTHING: Mapping[Any, Any] = MappingProxyType({})
"""The empty mapping, shared by all that have none."""


def nothing() -> Mapping[Any, Any]:
    """The empty mapping, as a dataclass wants its default."""
    return NOTHING


Value = str | int | float | bool | datetime | tuple[str, ...] | None
"""What a field or an answer can hold. In storage a list is a JSON list; a moment in time never goes there."""

DONE = "done!"
"""The key of the button that closes a `choose: many` question. Not a name an organizer can write."""


class Kind(StrEnum):
    """The types of the vocabulary: what a name holds, and so what a condition or filter may do with it."""

    TEXT = "text"
    NUMBER = "number"
    YES_NO = "yes_no"
    LIST = "list"
    MOMENT = "moment"
    DATE = "date"
    TIME = "time"
    ANY = "any"


# --- what is written -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Moment:
    """`starts: {moment: …}`: a flow that begins by itself, some time before or after a happening, for those `who`.

    days    calendar days in the action's own zone; `offset` is the rest (hours, minutes); both negative: before
    until   from the happening: when it no longer makes sense to begin; None: always
    """

    happening: str
    days: int = 0
    offset: timedelta = timedelta(0)
    who: str = ""
    until: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Starts:
    """What begins a flow. `who`: the role of those whose words do, where they do not mean it for others; "" for all."""

    first_contact: bool = False
    words: tuple[str, ...] = ()
    link: str = ""
    moment: Moment | None = None
    who: str = ""

    def __bool__(self) -> bool:
        return bool(self.first_contact or self.words or self.link or self.moment)

    def obeys(self, role: str) -> bool:
        """Whether its words are a beginning when somebody of this role says them."""
        return self.who in ("", role)


@dataclass(frozen=True, slots=True)
class Anytime:
    """A word understood in every state: `run` names the flow it starts; `back` and `skip` have none."""

    words: tuple[str, ...]
    run: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """What a whole message means wherever it is written: an `anytime` word, or one that starts a flow."""

    anytime: str = ""
    flow: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow file: a state machine."""

    name: str
    start: str
    states: Mapping[str, "State"]
    about: str = ""
    starts: Starts = Starts()
    urgent: bool = False
    moved: Mapping[str, str] = field(default_factory=nothing)
    file: str = ""


@dataclass(frozen=True, slots=True)
class Library:
    """All flows in force, with their translations. `version` is the number storage gave it (0: never stored).

    me            the type of each field of a person: the vocabulary's, and those that some flow saves
    answers       for each flow, the type of each answer that it can read
    translations  for each language, {sentence: its translation}
    words         each word that is understood anywhere, folded (`flows.words.fold`), in every language
    """

    flows: Mapping[str, Flow]
    anytime: Mapping[str, Anytime] = field(default_factory=nothing)
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=nothing)
    me: Mapping[str, Kind] = field(default_factory=nothing)
    answers: Mapping[str, Mapping[str, Kind]] = field(default_factory=nothing)
    words: Mapping[str, Word] = field(default_factory=nothing)
    version: int = 0


# --- where someone stands --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Caller:
    """Who called this flow with `run`, and comes next when it ends."""

    flow: str
    state: str


class Conversation(NamedTuple):
    """One person's place in one flow. A person can have several; `callers` is the only stack.

    question   number of the newest question asked here, from 1; a button carries it, so that an old press is known
    asked      the words of that question as the person read them: consent keeps them
    offered    ids of a `choices_from` list as it was shown, so that "2" stays what the person saw; names of places,
               where they were asked which one they mean
    picked     keys chosen so far of a `choose: many`
    misses     answers in a row that were not understood
    fired      the `after` entries that have fired since `entered_at`
    answers    what a bare `save` kept
    held       what was saved to `me` before consent, waiting for `record_consent`
    trail      (flow, state) of questions answered here, oldest first, for *back*
    about      what it concerns, when a moment or another person began it: {"pair": id} or {"action": id}

    A named tuple, because a turn changes it several times and a dataclass would take a sixth of the turn to do so.
    """

    id: int
    flow: str
    version: int
    state: str
    entered_at: datetime
    question: int = 0
    asked: str = ""
    answers: Mapping[str, Value] = NOTHING
    offered: tuple[str, ...] = ()
    picked: tuple[str, ...] = ()
    misses: int = 0
    fired: tuple[str, ...] = ()
    callers: tuple[Caller, ...] = ()
    held: Mapping[str, Value] = NOTHING
    trail: tuple[Caller, ...] = ()
    about: Mapping[str, str] = NOTHING

    def with_(self, **changes: Any) -> "Conversation":
        """The same conversation with these fields changed."""
        return self._replace(**changes)


class Subjects(Protocol):
    """What a conversation, also one that goes on, tells of what it is about."""

    @property
    def answers(self) -> Mapping[str, Value]: ...
    @property
    def about(self) -> Mapping[str, str]: ...


def subject_of(conversation: Subjects, what: str) -> str:
    """The id of the "pair" or "action" a conversation is about: the one chosen in it, else the one that began it."""
    which = conversation.answers.get(what) or conversation.about.get(what)
    return "" if which is None else str(which)


@dataclass(frozen=True, slots=True)
class Option:
    """One line of a `choices_from` list. `facts` is what becomes known when it is chosen: {"action": {…}}; `action`
    is the one whose conversations alone have this line, or "" for all."""

    id: str
    label: str
    facts: Mapping[str, Mapping[str, Value]] = field(default_factory=nothing)
    action: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a flow may know while one turn lasts, gathered before `advance`.

    person    a stable number of theirs: it decides which wording of a `try` they get
    me        their fields, by name; absent means not known yet
    subjects  what conversations are about: {("pair", id): {field: value}, ("action", id): {…}}
    lists     what each `choices_from` list holds for them now
    zone      IANA name of the time zone in which they read times
    language  what they read, as in `me.language` or the group's first language
    """

    person: int = 0
    me: Mapping[str, Value] = field(default_factory=nothing)
    org: Mapping[str, Value] = field(default_factory=nothing)
    subjects: Mapping[tuple[str, str], Mapping[str, Value]] = field(default_factory=nothing)
    lists: Mapping[str, tuple[Option, ...]] = field(default_factory=nothing)
    zone: str = "UTC"
    language: str = "en"


# --- what came in ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Started:
    """The conversation begins: the first state of its flow is entered."""


@dataclass(frozen=True, slots=True)
class Said:
    """They wrote or pressed something.

    choice    the key of a pressed button; a tuple is the whole answer to a `choose: many`; `DONE` closes one
    question  the number the button carried, and `conversation` the one it was asked in; None for typed words
    place     the place that was understood, by its name; "" where there is none of that name, None where nobody looked
    places    the names of those that can be meant, the likeliest first, where it is not clear which
    photo     the channel's reference of a picture
    """

    text: str = ""
    choice: str | tuple[str, ...] | None = None
    question: int | None = None
    conversation: int | None = None
    place: str | None = None
    places: tuple[str, ...] = ()
    photo: str = ""


@dataclass(frozen=True, slots=True)
class Elapsed:
    """Time has passed: what is due by now fires, one `after` entry at a time."""


@dataclass(frozen=True, slots=True)
class Happened:
    """Something in the vocabulary's list of happenings came true for this person."""

    name: str
    data: Mapping[str, Value] = field(default_factory=nothing)


@dataclass(frozen=True, slots=True)
class Did:
    """A `do` was done: its outcome, and what it put into `answers`."""

    outcome: str
    data: Mapping[str, Value] = field(default_factory=nothing)


@dataclass(frozen=True, slots=True)
class Back:
    """They asked for the question before, in this conversation."""


@dataclass(frozen=True, slots=True)
class Again:
    """The open question is asked once more, because something else came between."""


Event = Started | Said | Elapsed | Happened | Did | Back | Again


# --- what goes out ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """One choice as it is shown: its key, and its label in the reader's language."""

    key: str
    label: str


@dataclass(frozen=True, slots=True)
class Say:
    """One message, before a platform renders it.

    question  set where this message asks something: the number its buttons carry
    many      several choices may be picked; `picked` are those ticked now
    expect    what an open question without choices wants (place, photo, …), so that a channel can offer a button
    attach    "", "calendar", "qr", "card" or "picture:FILE"
    replaces  it changes the message that asked this question, instead of standing below it
    tried     "FLOW/STATE/WORDING" where a `try` chose these words
    button    in their language, what stands on the one further button that a platform with buttons can offer here: it
              closes a `many`, opens a list of choices, or shares where they are
    names     the numbers of those whose name or words are in it, besides the reader's
    leave     in their language, what stands on a button that says *stop*; "" where it comes without one
    """

    text: str
    choices: tuple[Shown, ...] = ()
    question: int | None = None
    many: bool = False
    picked: tuple[str, ...] = ()
    expect: str = ""
    attach: str = ""
    replaces: bool = False
    tried: str = ""
    button: str = ""
    names: tuple[int, ...] = ()
    leave: str = ""


@dataclass(frozen=True, slots=True)
class Do:
    """Something to be done in the world; the engine stops here and goes on with `Did`."""

    name: str
    arguments: Mapping[str, Value] = field(default_factory=nothing)


@dataclass(frozen=True, slots=True)
class Save:
    """A field of the person is known now."""

    field: str
    value: Value


@dataclass(frozen=True, slots=True)
class Ended:
    """The outermost flow of the conversation is over."""

    outcome: str


Effect = Say | Do | Save | Ended


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of one event. Where `effects` ends with a `Do`, `advance` waits to be called with `Did`.

    next_due  when to call with `Elapsed`, before quiet hours are thought of; None: only a person or a happening
              moves this on
    """

    conversation: Conversation
    effects: tuple[Effect, ...] = ()
    next_due: datetime | None = None

    @property
    def pending(self) -> Do | None:
        """The `Do` that the engine waits for, if any."""
        last = self.effects[-1] if self.effects else None
        return last if isinstance(last, Do) else None

    @property
    def ended(self) -> bool:
        """Whether the conversation is over."""
        return bool(self.effects) and isinstance(self.effects[-1], Ended)
