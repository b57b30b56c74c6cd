"""What a state can use while it acts: what is known, what to say, what to keep. It lives for one call of `advance`."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zlib import crc32

from flows import questions
from flows.conditions import compiled
from flows.model import Conversation, Do, Effect, Facts, Flow, Kind, Library, Said, Save, Say, Shown, Value
from flows.names import known_names
from flows.states import AskState, Move
from flows.text import Scope, look_up, parse, render
from flows.vocabulary import WITHOUT_CONSENT

_ONE_HOLE = re.compile(r"\s*\{\{[^{}|]*\}\}\s*")


class Scene:
    """One turn in the making. `advance` makes it, and reads `conversation` and `effects` from it at the end."""

    __slots__ = ("_known", "_scope", "conversation", "effects", "facts", "library", "now")

    def __init__(self, library: Library, conversation: Conversation, facts: Facts, now: datetime) -> None:
        self.library = library
        self.conversation = conversation
        self.facts = facts
        self.now = now
        self.effects: list[Effect] = []
        self._scope: dict[str, Mapping[str, Any]] | None = None

    @property
    def flow(self) -> Flow:
        """The flow they are in."""
        return self.library.flows[self.conversation.flow]

    @property
    def language(self) -> str:
        """What they read, also when they chose it a moment ago."""
        return str(self.scope["me"].get("language") or self.facts.language)

    @property
    def scope(self) -> Scope:
        """What names mean now, with what was saved in this very turn."""
        if self._scope is None:
            facts, conversation = self.facts, self.conversation
            self._scope = {
                "me": {**facts.me, **conversation.held},
                "answers": conversation.answers,
                "org": facts.org,
                "pair": self._subject("pair"),
                "action": self._subject("action"),
                "now": {"": self.now},
            }
        return self._scope

    def _subject(self, what: str) -> Mapping[str, Value]:
        which = self.conversation.about.get(what) or self.conversation.answers.get(what)
        return self.facts.subjects.get((what, str(which)), {}) if which else {}

    def translated(self, sentence: str) -> str:
        """A sentence in their language, or as it is where it has no translation."""
        return self.library.translations.get(self.language, {}).get(sentence, sentence)

    def words(self, text: str) -> str:
        """A text of a flow as they read it."""
        return render(self.translated(text), self.scope, self.language, self.facts.zone)

    def say(self, text: str, attach: str = "", tried: str = "") -> None:
        """One message. One that turns out empty is not sent."""
        shown = self.words(text)
        if shown.strip():
            place = f"{self.conversation.flow}/{self.conversation.state}/{tried}" if tried else ""
            self.effects.append(Say(shown, attach=attach, tried=place))

    def ask(self, state: AskState) -> Move:
        """Asks the question of this state; goes on at once where its list is empty."""
        return questions.ask(self, state)

    def answer(self, state: AskState, said: Said) -> Move:
        """What follows from what they said to the question of this state."""
        return questions.answer(self, state, said)

    def show(self, text: str, choices: tuple[Shown, ...], state: AskState, replaces: bool = False) -> None:
        """The open question, in these words."""
        self.effects.append(
            Say(
                text,
                choices=choices,
                question=self.conversation.question,
                many=state.choose == "many",
                picked=self.conversation.picked,
                expect=state.expect or "",
                attach=state.attach,
                replaces=replaces,
            )
        )

    def do(self, name: str, arguments: Mapping[str, str]) -> None:
        """Asks for something to be done. The engine stops after it."""
        given = {key: self._argument(value) for key, value in arguments.items()}
        if name == "record_consent":
            given["words"] = self.conversation.asked
        self.effects.append(Do(name, given))

    def _argument(self, written: str) -> Value:
        if _ONE_HOLE.fullmatch(written):
            (hole,) = (part for part in parse(written.strip()) if not isinstance(part, str))
            return look_up(hole.name, self.scope)
        return render(written, self.scope, self.language, self.facts.zone)

    def save(self, target: str, value: Value) -> None:
        """Keeps an answer: `me.x` with the person (before consent: with the conversation), a bare name here."""
        name = target.removeprefix("me.")
        if name == target:
            self._change(answers={**self.conversation.answers, name: value})
        elif name in WITHOUT_CONSENT or self.facts.me.get("consented"):
            self.effects.append(Save(name, value))
            self._learn("me", {name: value})
        else:
            self._change(held={**self.conversation.held, name: value})

    def keep_held(self) -> None:
        """They consented: what waited for it moves to the person."""
        held = self.conversation.held
        self.effects.extend(Save(name, value) for name, value in held.items())
        self._change(held={})
        self._learn("me", held)

    def learn(self, facts: Mapping[str, Mapping[str, Value]]) -> None:
        """What became known by choosing one of a list: {"action": {…}}."""
        for subject, fields in facts.items():
            self._learn(subject, fields)

    def _learn(self, subject: str, fields: Mapping[str, Any]) -> None:
        scope = dict(self.scope)
        scope[subject] = {**scope.get(subject, {}), **fields}
        self._scope = scope

    def _change(self, **changes: Any) -> None:
        """Changes the conversation, and what names mean with it; what was learnt in this turn stays."""
        self.conversation = self.conversation.with_(**changes)
        if self._scope is not None:
            self._learn("answers", self.conversation.answers)
            self._learn("me", self.conversation.held)

    def holds(self, condition: str) -> bool:
        """Whether a condition of this flow is true now."""
        return compiled(condition, self.known()).holds(self.scope)

    def known(self) -> Mapping[str, Kind]:
        """The dotted names of this flow, each with its type."""
        return known_names(self.library, self.conversation.flow)

    def draw(self, names: tuple[str, ...]) -> str:
        """One of these, the same each time for this person in this state."""
        lot = crc32(f"{self.facts.person}/{self.conversation.flow}/{self.conversation.state}".encode())
        return names[lot % len(names)]
