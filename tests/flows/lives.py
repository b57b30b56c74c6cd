"""Random lives lived in random libraries, one person each, driven as a turn drives them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from flows.exchange import Due, Exchange, Incoming, Perform, Reply, Start
from flows.model import DONE, Conversation, Did, Facts, Happened, Library, Option, Said, Say, Value
from flows.vocabulary import DEEDS
from tests.flows.random_flows import HAPPENINGS, LABELS, NOON, libraries

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
    known = (*_ODD, *_WORDS, *_SENSE, *LABELS)
    chosen = st.integers(0, len(known) - 1).map(known.__getitem__)
    return st.one_of(chosen, chosen, st.text(max_size=40))


_AT = st.integers(0, 30)

Step = tuple[str, Any]


def steps() -> st.SearchStrategy[list[Step]]:
    """What comes to a person, in order; each number picks among what there is at that moment."""
    said = st.tuples(st.just("type"), typed())
    pressed = st.tuples(st.just("press"), st.tuples(st.just(0), _AT))
    return st.lists(
        st.one_of(
            said,
            said,
            st.tuples(st.just("label"), _AT),
            st.tuples(st.just("press"), st.tuples(_AT, _AT)),
            pressed,
            pressed,
            pressed,
            st.tuples(st.just("done"), _AT),
            st.tuples(st.just("several"), _AT),
            st.tuples(st.just("forged"), st.tuples(_AT, _AT)),
            st.tuples(st.just("photo"), _AT),
            st.tuples(st.just("place"), _AT),
            st.tuples(st.just("later"), st.sampled_from((0, 1, 5, 24, 49, 120))),
            st.tuples(st.just("happens"), st.tuples(st.sampled_from(HAPPENINGS), st.sampled_from(["", "1", "2"]))),
            st.tuples(st.just("start"), st.integers(0, 2)),
            st.tuples(st.just("offer"), st.integers(0, 3)),
        ),
        min_size=4,
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
                    reply = (self.ids, self.facts())
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
