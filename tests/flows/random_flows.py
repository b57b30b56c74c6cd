"""Random libraries that `check` has nothing against, and random lives lived in them, for Hypothesis."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from textwrap import dedent
from typing import Any

from hypothesis import strategies as st

from flows.check import check
from flows.exchange import Due, Exchange, Incoming, Perform, Reply, Start
from flows.model import DONE, Conversation, Did, Facts, Happened, Library, Option, Said, Say, Value
from flows.reader import read_files
from flows.vocabulary import DEEDS

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)

_LABELS = (
    "Climate",
    "Housing",
    "Bread & roses",
    "🥕 Food",
    "{{ me.name }}",
    "Ja, gerne",
    "עברית",
    "Not now",
    "3",
    "yes",
)
_TEXTS = (
    "Hello {{ me.name }}!",
    "{{ action.starts | when }}",
    "Now it is {{ now | date }}, {{ now | time }}.",
    "You like {{ me.interests | list }} ({{ me.interests | count }})",
    "{{ pair.other | upper }}",
    "مرحبا {{ org.name }}",
    "We meet at {{ action.district }} , {{ me.place }} .",
    "Plain words.",
)
_CONDITIONS = (
    "'food' in me.interests",
    "me.meetings > 1",
    "me.kids >= 2 && me.language == 'es'",
    "me.has_buddy",
    "me.adult == 'yes' || pair.meetings == 0",
    "action.starts > now",
    "me.interests.exists(each, each == 'c1') && me.note != ''",
)
_HAPPENINGS = ("pair.introduced", "pair.met", "action.start", "human.replied")
_EXPECTS = {
    "text": "note", "number": "kids", "place": "place", "date": "day", "time": "hour", "photo": "face", "code": "word",
}  # fmt: skip
_LENGTHS = ("1 hour", "1 day", "3 days", "90 minutes", "2 weeks")
_ENDS = ("done", "parked", "too bad")

Draw = Callable[[st.SearchStrategy[Any]], Any]


@st.composite
def libraries(draw: Draw) -> Library:
    """A library of one to three flows, without an error."""
    return library(json.dumps(draw(trees())))


_FIELDS = """
flow: fields
start: kids
states:
  kids: {ask: How many children?, expect: number, save: me.kids, go: note}
  note: {ask: Anything else?, expect: text, save: me.note, go: over}
  over: {end: over}
"""
"""Where the fields come from that conditions of other flows read."""

_SPANISH = """
msgid "Hello {{ me.name }}!"
msgstr "¡Hola {{ me.name }}!"

msgid "Climate"
msgstr "Clima"
"""


@lru_cache(maxsize=500)
def library(trees: str) -> Library:
    """The library of these flows; raises AssertionError where `check` finds an error."""
    flows = [json.dumps(tree, ensure_ascii=False) for tree in json.loads(trees)]
    return written(_FIELDS, *flows, es=_SPANISH)


def written(*flows: str, **languages: str) -> Library:
    """The library of these flow files; raises AssertionError where `check` finds an error."""
    files = {f"library/{number}.yaml": dedent(flow) for number, flow in enumerate(flows)}
    files.update({f"languages/{language}.po": dedent(po) for language, po in languages.items()})
    reading = read_files(files)
    errors = [problem for problem in check(reading) if not problem.warning]
    assert not errors, errors
    return reading.library


@st.composite
def trees(draw: Draw) -> list[dict[str, Any]]:
    """The flows of a library as they are written."""
    count = draw(st.integers(1, 3))
    made = []
    for number in range(count):
        states = draw(_states(number, tuple(range(number + 1, count))))
        tree: dict[str, Any] = {"flow": f"flow{number}", "start": "s0", "states": states}
        tree["moved"] = {"gone": draw(st.sampled_from(sorted(states)))}
        tree["starts"] = {"words": [f"begin {number}"], "first_contact": number == 0}
        made.append(tree)
    return made


@st.composite
def _states(draw: Draw, flow: int, runnable: tuple[int, ...]) -> dict[str, Any]:
    """States in a row: each leads to the next, silent ones only forward, those that wait anywhere."""
    count = draw(st.integers(1, 6))
    names = [f"s{n}" for n in range(count)] + ["e0", "e1"]
    kinds = ["ask", "ask", "ask", "wait", "pause", "say", "do", "decide", "try", *(["run"] if runnable else [])]
    made: dict[str, Any] = {}
    for at in range(count):
        ahead, onward = names[at + 1 :], names[at + 1]
        kind = draw(st.sampled_from(kinds))
        if kind == "run":
            state: dict[str, Any] = {"run": f"flow{draw(st.sampled_from(runnable))}", "go": onward}
        else:
            state = draw(_KINDS[kind](onward, ahead, names))
        if kind in {"ask", "wait", "pause"}:
            elsewhere = [name for name in names if name != f"s{at}"]
            state["after"] = {**draw(_after(f"flow{flow}/s{at}", elsewhere)), **state.get("after", {})}
        made[f"s{at}"] = state
    made["e0"] = draw(st.sampled_from([{"end": "done"}, {"say": "That was it, {{ me.name }}.", "end": "parked"}]))
    if any('"e1"' in json.dumps(state) for state in made.values()):
        made["e1"] = {"end": draw(st.sampled_from(_ENDS))}
    return made


@st.composite
def _after(draw: Draw, place: str, names: list[str]) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for length in draw(st.lists(st.sampled_from(_LENGTHS), max_size=2, unique=True)):
        kind = draw(st.sampled_from(["say", "go", "do", "do and go"]))
        entry: dict[str, Any] = {"say": f"[{place} {length}]"} if kind != "do" or draw(st.booleans()) else {}
        if "do" in kind:
            entry.update({"do": "tell_coordinators", "with": {"about": "still here: {{ me.name }}"}})
        if "go" in kind:
            entry["go"] = draw(st.sampled_from(names))
        entries[length] = entry
    return entries


def _text() -> st.SearchStrategy[str]:
    return st.sampled_from(_TEXTS)


@st.composite
def _ask(draw: Draw, onward: str, ahead: list[str], names: list[str]) -> dict[str, Any]:
    form = draw(st.sampled_from(["choices", "many", "yes_no", "expect", "list"]))
    state: dict[str, Any] = {"ask": draw(_text()), "go": onward}
    if form in {"choices", "many"}:
        labels = draw(st.lists(st.sampled_from(_LABELS), min_size=1, max_size=4, unique=True))
        state["choices"] = {f"c{at}": {"label": label} for at, label in enumerate(labels)}
        state["save"] = draw(st.sampled_from(["me.pick", "pick"] if form == "choices" else ["me.interests", "picks"]))
    if form == "many":
        state["choose"] = "many"
    elif form == "choices" and draw(st.booleans()):
        state["choices"]["c0"]["go"] = draw(st.sampled_from(names))
    elif form == "yes_no":
        state.update(expect="yes_no", save="me.adult", on={"yes": onward, "no": draw(st.sampled_from(names))})
    elif form == "expect":
        kind = draw(st.sampled_from(sorted(_EXPECTS)))
        state.update(expect=kind, save=draw(st.sampled_from(["me.", ""])) + _EXPECTS[kind])
        state.update({"least": 1, "most": 9} if kind == "number" else {})
    elif form == "list":
        name, save = draw(st.sampled_from([("actions_near_me", "action"), ("languages", "me.language")]))
        state.update(choices_from=name, save=save, on={"none": draw(st.sampled_from(ahead))})
    if draw(st.booleans()):
        state.setdefault("on", {})["skip"] = draw(st.sampled_from(names))
    return state


@st.composite
def _wait(draw: Draw, onward: str, ahead: list[str], names: list[str]) -> dict[str, Any]:
    return {"wait": draw(st.sampled_from((*_HAPPENINGS, *_LENGTHS))), "go": onward}


@st.composite
def _pause(draw: Draw, onward: str, ahead: list[str], names: list[str]) -> dict[str, Any]:
    return {"say": draw(_text()), "after": {"5 days": {"go": onward}}}


@st.composite
def _say(draw: Draw, onward: str, ahead: list[str], names: list[str]) -> dict[str, Any]:
    return {"say": draw(_text()), "go": onward}


@st.composite
def _do(draw: Draw, onward: str, ahead: list[str], names: list[str]) -> dict[str, Any]:
    name = draw(st.sampled_from(["record_consent", "find_buddy", "sign_up", "invite_link", "withdraw_consent"]))
    state: dict[str, Any] = {"do": name, "go": onward}
    if "consent" in name:
        state["with"] = {"to": "keep"}
    if draw(st.booleans()):
        state["on"] = {DEEDS[name].outcomes[0]: draw(st.sampled_from(ahead))}
    return state


@st.composite
def _decide(draw: Draw, onward: str, ahead: list[str], names: list[str]) -> dict[str, Any]:
    conditions = draw(st.lists(st.sampled_from(_CONDITIONS), max_size=2))
    lines = [{"when": each, "go": draw(st.sampled_from(ahead))} for each in conditions]
    return {"decide": [*lines, {"else": onward}]}


@st.composite
def _try(draw: Draw, onward: str, ahead: list[str], names: list[str]) -> dict[str, Any]:
    return {"try": {"warm": {"say": draw(_text())}, "short": {"say": "Plain words."}}, "go": onward}


_KINDS: Mapping[str, Callable[..., st.SearchStrategy[dict[str, Any]]]] = {
    "ask": _ask, "wait": _wait, "pause": _pause, "say": _say, "do": _do, "decide": _decide, "try": _try,
}  # fmt: skip


# --- lives -----------------------------------------------------------------------------------------------------

_ODD = (
    "",
    " ",
    "\0",
    "🎉" * 300,
    "\u202eabc",
    "a" * 5000,
    "{{ me.name }}",
    "we must stop this bill",
    "%s {least}",
    "/",
    "ß\ud800",
)
_WORDS = ("back", "skip", "help", "human", "language", "Begin 0", "/begin 1", "hello", "privacy", "done", "?", "report")
_SENSE = ("1", "1 and 2", "yes", "no", "2", "Leeds", "tomorrow", "18:30", "4711", "climate", "clima", "all", "7")


def typed() -> st.SearchStrategy[str]:
    """What a person may type."""
    known = (*_ODD, *_WORDS, *_SENSE, *_LABELS)
    chosen = st.integers(0, len(known) - 1).map(known.__getitem__)
    return st.one_of(chosen, chosen, st.text(max_size=40))


_AT = st.integers(0, 30)

Step = tuple[str, Any]


def steps() -> st.SearchStrategy[list[Step]]:
    """What comes to a person, in order; each number picks among what there is at that moment."""
    said = st.tuples(st.just("type"), typed())
    return st.lists(
        st.one_of(
            said,
            said,
            st.tuples(st.just("label"), _AT),
            st.tuples(st.just("press"), st.tuples(_AT, _AT)),
            st.tuples(st.just("press"), st.tuples(st.just(0), _AT)),
            st.tuples(st.just("done"), _AT),
            st.tuples(st.just("several"), _AT),
            st.tuples(st.just("forged"), st.tuples(_AT, _AT)),
            st.tuples(st.just("photo"), _AT),
            st.tuples(st.just("place"), _AT),
            st.tuples(st.just("later"), st.sampled_from((0, 1, 5, 24, 49, 120))),
            st.tuples(st.just("happens"), st.tuples(st.sampled_from(_HAPPENINGS), st.sampled_from(["", "1", "2"]))),
            st.tuples(st.just("start"), st.integers(0, 2)),
            st.tuples(st.just("offer"), st.integers(0, 3)),
        ),
        max_size=14,
    )


def lives() -> st.SearchStrategy["Life"]:
    """A person with some conversations behind them."""
    return st.builds(lived, libraries(), steps(), st.integers(0, 5))


def lived(library: Library, events: list[Step], luck: int) -> "Life":
    """A life after these events; each step keeps to what must always hold."""
    life = Life(library, luck)
    life.let(Start("flow0"))
    for event in events:
        life.step(event)
    return life


@dataclass(repr=False)
class Life:
    """One person, their conversations, and a driver that does as a turn does."""

    library: Library
    luck: int = 0
    now: datetime = NOON
    me: dict[str, Value] = field(default_factory=lambda: {"name": "Ana", "meetings": 2, "has_buddy": False})
    conversations: dict[int, Conversation] = field(default_factory=dict)
    due: dict[int, datetime] = field(default_factory=dict)
    shown: list[tuple[int, Say]] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    actions: int = 2
    ids: int = 0
    exchanges: list[tuple[Incoming, Exchange, dict[int, Conversation]]] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<Life in {', '.join(self.library.flows)} with {list(self.conversations.values())}>"

    def facts(self) -> Facts:
        """What a turn would gather."""
        actions = tuple(
            Option(str(n), f"Action {n}", {"action": {"title": f"Action {n}"}}) for n in range(1, self.actions + 1)
        )
        languages = (Option("en", "English"), Option("es", "Español"))
        return Facts(
            person=self.luck,
            me=self.me,
            org={"name": "Us"},
            subjects={("action", "1"): {"title": "Action 1", "starts": NOON}, ("pair", "1"): {"other": "Ben"}},
            lists={"actions_near_me": actions, "languages": languages},
            zone="Europe/Berlin",
        )

    def let(self, incoming: Incoming) -> Exchange:
        """One exchange."""
        before = dict(self.conversations)
        exchange = Exchange(self.library, before.values(), self.facts(), self.now)
        playing = exchange.play(incoming)
        reply: Reply | None = None
        try:
            while True:
                request = playing.send(reply) if reply is not None else next(playing)
                self.me.update(exchange.saves)
                if isinstance(request, Perform):
                    reply = (self._done(request), self.facts())
                else:
                    self.ids += 1
                    reply = self.ids
        except StopIteration:
            self.me.update(exchange.saves)
        self.exchanges.append((incoming, exchange, before))
        self.shown += [(number, say) for number, say in exchange.said if say.question is not None]
        self.ends += exchange.ended.values()
        self.conversations = {n: each for n, each in exchange.conversations.items() if n not in exchange.ended}
        self.due = {n: due for n, due in {**self.due, **exchange.next_due}.items() if due and n in self.conversations}
        return exchange

    def _done(self, request: Perform) -> Did:
        name, outcomes = request.do.name, DEEDS[request.do.name].outcomes
        if name in {"record_consent", "withdraw_consent"}:
            self.me["consented"] = ("keep",) if name == "record_consent" else ()
        self.luck += 1
        data = {"link": "https://example.org/x"} if name == "invite_link" else {}
        return Did(outcomes[self.luck % len(outcomes)], data)

    def step(self, step: Step) -> None:
        """One event of `steps`."""
        kind, what = step
        if kind == "later":
            self.later(timedelta(hours=what))
        elif kind == "offer":
            self.actions = what
        elif kind == "start":
            self.let(Start(f"flow{what}", {"action": "1"} if what else {}))
        elif kind == "happens":
            name, subject = what
            self.let(Happened(name, {name.partition(".")[0]: subject} if subject else {}))
        else:
            self.let(self._said(kind, what))

    def _said(self, kind: str, what: Any) -> Said:
        if kind == "type":
            return Said(what)
        if kind in {"photo", "place"}:
            return Said(photo="file:1") if kind == "photo" else Said(place="Leeds")
        at, other = what if isinstance(what, tuple) else (0, what)
        if kind == "forged" or not self.shown:
            return Said(choice=f"c{at % 4}", conversation=at % 5, question=other % 5)
        number, asked = self.shown[-1 - at % len(self.shown)]
        keys = [shown.key for shown in asked.choices] or ["yes"]
        if kind == "label":
            labels = [shown.label for shown in asked.choices] or ["yes"]
            return Said(labels[other % len(labels)])
        choice: str | tuple[str, ...] = {"done": DONE, "several": tuple(keys)}.get(kind, keys[other % len(keys)])
        return Said(choice=choice, conversation=number, question=asked.question)

    def later(self, length: timedelta) -> None:
        """Time passes, and what falls due is let happen at its time."""
        end = self.now + length
        for _ in range(1000):
            number = min(self.due, key=lambda each: (self.due[each], each), default=None)
            if number is None or self.due[number] > end:
                break
            self.now = max(self.now, self.due[number])
            self.let(Due(number))
        else:
            raise AssertionError("something falls due for ever")
        self.now = end


def answers_to(conversation: Conversation, say: Say | None) -> Iterator[Said]:
    """What would be understood by one or another question."""
    yield from (Said(choice=shown.key) for shown in (say.choices if say else ()))
    yield from (Said(choice=(shown.key,)) for shown in (say.choices if say else ()))
    yield from (Said("hello there"), Said("5"), Said("2027-01-01"), Said("18:30"), Said("4711"), Said(photo="file:1"))
