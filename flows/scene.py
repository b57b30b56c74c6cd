"""What a state can use while it acts: what is known, what to say, what to keep. It lives for one call of `advance`."""

import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any

from flows import phrases, questions
from flows.model import (
    NOTHING,
    Conversation,
    Do,
    Effect,
    Facts,
    Flow,
    Kind,
    Library,
    Said,
    Save,
    Say,
    Shown,
    Value,
    subject_of,
)
from flows.moves import Move
from flows.names import known_names
from flows.prepared import prepared
from flows.states import AskState
from flows.text import BadText, Scope, begun, look_up, parse, render
from flows.vocabulary import WITHOUT_CONSENT

_ONE_HOLE = re.compile(r"\s*\{\{[^{}|]*\}\}\s*")


class Standing:
    """Where someone stands while a turn is made: a `Conversation` that can still be changed."""

    __slots__ = (
        "about", "answers", "asked", "callers", "entered_at", "fired", "flow", "held", "id", "misses", "offered",
        "picked", "question", "state", "trail", "version",
    )  # fmt: skip

    def __init__(self, conversation: Conversation) -> None:
        (
            self.id, self.flow, self.version, self.state, self.entered_at, self.question, self.asked, self.answers,
            self.offered, self.picked, self.misses, self.fired, self.callers, self.held, self.trail, self.about,
        ) = conversation  # fmt: skip

    def settled(self) -> Conversation:
        """As it is now, for good."""
        return Conversation(
            self.id, self.flow, self.version, self.state, self.entered_at, self.question, self.asked, self.answers,
            self.offered, self.picked, self.misses, self.fired, self.callers, self.held, self.trail, self.about,
        )  # fmt: skip


class Scene:
    """One turn in the making. `advance` makes it, and reads `here` and `effects` from it at the end.

    here    where they stand
    read    what was said as an answer to the open question, or to the first one that comes, where somebody has read it
            already: (reading,)
    """

    __slots__ = ("_learnt", "_scope", "_sentences", "effects", "facts", "here", "language", "library", "now", "read")

    def __init__(
        self,
        library: Library,
        conversation: Conversation,
        facts: Facts,
        now: datetime,
        read: "tuple[questions.Read] | None" = None,
    ) -> None:
        self.library = library
        self.here = Standing(conversation)
        self.facts = facts
        self.now = now
        self.read = read
        self.effects: list[Effect] = []
        self._learnt: dict[str, dict[str, Any]] = {}
        self._scope: Scope | None = None
        self._speak(str(facts.me.get("language") or facts.language))

    def _speak(self, language: str) -> None:
        self.language = language
        self._sentences: Mapping[str, str] = self.library.translations.get(language, NOTHING)

    @property
    def flow(self) -> Flow:
        """The flow they are in."""
        return self.library.flows[self.here.flow]

    @property
    def scope(self) -> Scope:
        """What names mean now, with what was saved in this very turn."""
        if self._scope is None:
            self._scope = {
                "me": self._with_learnt("me", {**self.facts.me, **self.here.held} if self.here.held else self.facts.me),
                "answers": self.here.answers,
                "org": self.facts.org,
                "pair": self._with_learnt("pair", self._subject("pair")),
                "action": self._with_learnt("action", self._subject("action")),
                "now": {"": self.now},
            }
        return self._scope

    def _subject(self, what: str) -> Mapping[str, Value]:
        which = subject_of(self.here, what)
        return self.facts.subjects.get((what, which), NOTHING) if which else NOTHING

    def _with_learnt(self, name: str, fields: Mapping[str, Value]) -> Mapping[str, Value]:
        learnt = self._learnt.get(name)
        return {**fields, **learnt} if learnt else fields

    def translated(self, sentence: str) -> str:
        """A sentence in their language, or as it is where it has no translation."""
        return self._sentences.get(sentence, sentence)

    def words(self, text: str) -> str:
        """A text of a flow as they read it."""
        sentence = self._sentences.get(text, text)
        if "{" not in sentence:
            return sentence.strip()
        try:
            return self._rendered(sentence)
        except BadText:
            # a slip in a translation must not keep anybody from going on
            return "" if sentence is text else self._rendered(text)

    def say(self, text: str, attach: str = "", tried: str = "") -> None:
        """One message. One that turns out empty is not sent."""
        shown = self.words(text)
        if shown or attach:
            place = f"{self.here.flow}/{self.here.state}/{tried}" if tried else ""
            self.effects.append(Say(shown, attach=attach, tried=place))

    def ask(self, state: AskState) -> Move:
        """Asks the question of this state; goes on at once where its list is empty."""
        return questions.ask(self, state)

    def answer(self, state: AskState, said: Said) -> Move:
        """What follows from what they said to the question of this state."""
        return questions.answer(self, state, said)

    def show(self, text: str, choices: tuple[Shown, ...], state: AskState, replaces: bool = False) -> None:
        """The open question, in these words."""
        many, expect = state.choose == "many", state.expect or ""
        if expect == "place" and choices:
            expect = ""
        picked, question = self.here.picked, self.here.question
        button = phrases.DONE_BUTTON if many else phrases.SHARE_PLACE if expect == "place" else ""
        button = button or (phrases.CHOOSE_BUTTON if choices else "")
        self.effects.append(
            Say(
                text, choices, question, many, picked, expect, state.attach, replaces,
                button=self.translated(button) if button else "",
            )
        )  # fmt: skip

    def do(self, name: str, arguments: Mapping[str, str]) -> None:
        """Asks for something to be done. The engine stops after it."""
        given = {key: self._argument(value) for key, value in arguments.items()}
        if name == "record_consent":
            given["words"] = self.here.asked
        self.effects.append(Do(name, given))

    def _argument(self, written: str) -> Value:
        if "{" not in written:
            return written
        if _ONE_HOLE.fullmatch(written):
            (hole,) = (part for part in parse(written.strip()) if not isinstance(part, str))
            return look_up(hole.name, self.scope)
        return self._rendered(written)

    def _rendered(self, text: str) -> str:
        said = render(text, self.scope, self.language, self.facts.zone, self._spoken)
        return begun(said, self.translated(phrases.NO_NAME))

    def _spoken(self, name: str, value: Value) -> Value:
        """A yes or no in their language; every other value as it is."""
        if isinstance(value, bool):
            agrees = value
        elif value in ("yes", "no") and known_names(self.library, self.here.flow).get(name) is Kind.YES_NO:
            agrees = value == "yes"
        else:
            return value
        return self.translated(phrases.YES_BUTTON if agrees else phrases.NO_BUTTON).lower()

    def save(self, target: str, value: Value) -> None:
        """Keeps an answer: `me.x` with the person (before consent: with the conversation), a bare name here."""
        name = target.removeprefix("me.")
        if name == target:
            self.keep({name: value})
        elif name in WITHOUT_CONSENT or self.facts.me.get("consented"):
            if name in self.here.held:
                self.here.held = {each: kept for each, kept in self.here.held.items() if each != name}
            self.effects.append(Save(name, value))
            self._learn("me", {name: value})
            if name == "language":
                self._speak(str(value))
        else:
            self.here.held = {**self.here.held, name: value}
            self._scope = None

    def keep(self, answers: Mapping[str, Value]) -> None:
        """Adds to the `answers` of this conversation."""
        self.here.answers = {**self.here.answers, **answers}
        self._scope = None

    def keep_held(self) -> None:
        """They consented: what waited for it moves to the person."""
        held = self.here.held
        self.effects.extend(Save(name, value) for name, value in held.items())
        self.here.held = NOTHING
        self._learn("me", held)

    def learn(self, facts: Mapping[str, Mapping[str, Value]]) -> None:
        """What became known by choosing one of a list: {"action": {…}}."""
        for subject, fields in facts.items():
            self._learn(subject, fields)

    def _learn(self, subject: str, fields: Mapping[str, Any]) -> None:
        self._learnt[subject] = {**self._learnt.get(subject, NOTHING), **fields}
        self._scope = None

    def holds(self, condition: str) -> bool:
        """Whether a condition of this flow is true now."""
        return prepared(self.library).condition(self.here.flow, condition).holds(self.scope)

    def draw(self, names: tuple[str, ...]) -> str:
        """One of these, the same each time for this person in this state.

        Each name has a lot of its own and the highest wins, so that a wording more or less moves only those who get
        it or had it.
        """
        place = f"{self.facts.person}/{self.here.flow}/{self.here.state}/"
        return max(names, key=lambda name: blake2b(f"{place}{name}".encode(), digest_size=8).digest())
