"""Dialogs: transcripts that must keep coming true, played against the engine in a time of their own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flows.exchange import Due, Exchange, Incoming, Perform, Reply, Start
from flows.model import NOTHING, Conversation, Did, Facts, Happened, Library, Said, Say, Value
from flows.pages import Page, Path, nearest
from flows.states import AskState
from flows.times import QuietHours, duration
from flows.transcript import LINES, fields, option, read_dialogs
from flows.vocabulary import ACTION, DEEDS, LISTS, PAIR
from flows.words import fold

__all__ = ["Differs", "Played", "Setting", "play", "read_dialogs"]

MONDAY = datetime(2026, 6, 1, 10, tzinfo=UTC)
"""When every dialog begins, in the group's zone."""

NAMELESS = "Your group"
"""What the group is called where there is no configuration."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The group that a dialog is played in."""

    org: Mapping[str, Value] = field(
        default_factory=lambda: {"name": NAMELESS, "bot_name": "Doorstep", "message_days": 30}
    )
    zone: str = "UTC"
    language: str = "en"
    quiet: QuietHours | None = field(default_factory=lambda: QuietHours.read("21:00-08:00"))


@dataclass(frozen=True, slots=True)
class Differs:
    """The first line of a dialog that did not come true: what it says, and what came instead."""

    line: int
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Played:
    """How one dialog went. `differs` is None where every line came true."""

    file: str
    line: int
    name: str
    differs: Differs | None = None


class _Different(Exception):
    def __init__(self, path: Path, expected: str, actual: str) -> None:
        super().__init__(expected)
        self.path, self.expected, self.actual = path, expected, actual


def play(library: Library, page: Page, setting: Setting | None = None) -> Played:
    """Plays one dialog (a page without problems) and tells how it went."""
    name, line = str(page.tree["dialog"]), page.span(("dialog", "")).line
    player = _Player(library, page.tree, setting or Setting())
    try:
        player.play()
    except _Different as different:
        at = page.span(different.path).line
        return Played(page.file, line, name, Differs(at, different.expected, different.actual))
    return Played(page.file, line, name)


class _Player:
    """Plays the lines of one dialog in turn."""

    def __init__(self, library: Library, tree: dict[str, Any], setting: Setting) -> None:
        self.library = library
        self.setting = setting
        self.flow = str(tree["flow"])
        self.lines: list[dict[str, Any]] = tree["talk"]
        self.at = 0
        self.now = MONDAY.replace(tzinfo=ZoneInfo(setting.zone)).astimezone(UTC)
        self.me: dict[str, Value] = fields(tree.get("me"), library.me)
        self.subjects = {
            (what, "1"): fields(tree[what], known)
            for what, known in (("pair", PAIR), ("action", ACTION))
            if what in tree
        }
        self.lists = {name: tuple(map(option, (tree.get("lists") or {}).get(name) or ())) for name in LISTS}
        places = fields(tree.get("places"), NOTHING)
        self.places = {fold(name): could_be for name, could_be in places.items() if isinstance(could_be, tuple)}
        self.conversations: dict[int, Conversation] = {}
        self.due: dict[int, datetime] = {}
        self.ended: str | None = None
        self.ids = 0
        self.open: list[tuple[int, Say]] = []

    def play(self) -> None:
        if self.flow not in self.library.flows:
            near = nearest(self.flow, self.library.flows)
            raise _Different(("flow",), f"flow: {self.flow}", f"there is no such flow ({near})")
        for name in self.me:
            if name not in self.library.me:
                near = nearest(f"me.{name}", [f"me.{known}" for known in self.library.me])
                raise _Different(("me", name, ""), f"me: {name}", f"nothing is known by this name ({near})")
        self._let(Start(self.flow, {what: "1" for what, _ in self.subjects}))
        while self.at < len(self.lines):
            self._line(self.lines[self.at])

    @property
    def _path(self) -> Path:
        return ("talk", str(min(self.at, len(self.lines) - 1)))

    def _line(self, line: dict[str, Any]) -> None:
        if "me" in line:
            self.at += 1
            self._let(self._said(line["me"]))
        elif "later" in line:
            self.at += 1
            self._later(duration(str(line["later"])) or timedelta(0))
        elif "happens" in line:
            self.at += 1
            self._let(Happened(str(line["happens"])))
        elif "ends" in line:
            if self.ended != line["ends"]:
                actual = "the flow goes on" if self.ended is None else f"ends: {self.ended}"
                raise _Different((*self._path, "ends"), f"ends: {line['ends']}", actual)
            self.at += 1
        else:
            raise _Different(self._path, _as_written(line), "nothing more comes here")

    def _said(self, said: Any) -> Said:
        if not isinstance(said, list):
            text = str(said or "")
            return Said(text, places=self.places.get(fold(text), ()))
        for number, asked in reversed(self.open):
            keys = {shown.label: shown.key for shown in asked.choices}
            if set(said) <= set(keys) and (asked.many or len(said) == 1):
                chosen = tuple(keys[label] for label in said)
                return Said(choice=chosen if asked.many else chosen[0], question=asked.question, conversation=number)
        self.at -= 1
        labels = [shown.label for _, asked in self.open[-1:] for shown in asked.choices]
        actual = f"one of these can be pressed: {_list(labels)}" if labels else "there is no button to press"
        raise _Different((*self._path, "me"), f"me: {_list(said)}", actual)

    def _later(self, length: timedelta) -> None:
        end = self.now + length
        while True:
            allowed = {each: self._allowed(due) for each, due in self.due.items()}
            each = min(allowed, key=lambda one: (allowed[one], one), default=None)
            if each is None or allowed[each] > end:
                break
            self.now = max(self.now, allowed[each])
            self._let(Due(each))
        self.now = end

    def _allowed(self, due: datetime) -> datetime:
        return self.setting.quiet.next_allowed(due, self.setting.zone) if self.setting.quiet else due

    def _facts(self) -> Facts:
        language = str(self.me.get("language") or self.setting.language)
        return Facts(1, self.me, self.setting.org, self.subjects, self.lists, self.setting.zone, language)

    def _let(self, incoming: Incoming) -> None:
        """One exchange, each message and each `do` compared with the next line as it comes."""
        exchange = Exchange(self.library, self.conversations.values(), self._facts(), self.now)
        playing = exchange.play(incoming)
        reply: Reply | None = None
        try:
            while True:
                request = playing.send(reply) if reply is not None else next(playing)
                self._heard(exchange)
                if isinstance(request, Perform):
                    self.me.update(exchange.saves)
                    reply = (self._done(request), self._facts())
                else:
                    self.ids += 1
                    reply = (self.ids, self._facts())
        except StopIteration:
            self._heard(exchange)
        self._keep(exchange)

    def _keep(self, exchange: Exchange) -> None:
        self.me.update(exchange.saves)
        self.due = {**self.due, **{n: due for n, due in exchange.next_due.items() if due is not None}}
        for number in exchange.changed:
            if exchange.next_due[number] is None or number in exchange.ended:
                self.due.pop(number, None)
        self.conversations = {n: c for n, c in exchange.conversations.items() if n not in exchange.ended}
        for number, outcome in exchange.ended.items():
            conversation = exchange.conversations[number]
            begun_with = conversation.callers[0].flow if conversation.callers else conversation.flow
            if begun_with == self.flow:
                self.ended = outcome
        still = {(n, c.question) for n, c in self.conversations.items()}
        self.open = [(n, say) for n, say in self.open if (n, say.question) in still and self._asks(n)]

    def _asks(self, number: int) -> bool:
        conversation = self.conversations[number]
        return isinstance(self.library.flows[conversation.flow].states.get(conversation.state), AskState)

    def _heard(self, exchange: Exchange) -> None:
        for number, say in exchange.said:
            line = self.lines[self.at] if self.at < len(self.lines) else {}
            if "bot" not in line:
                wanted = _as_written(line) if line else "the dialog is over"
                raise _Different(self._path, wanted, f"bot: {_short(say.text)}")
            if not _matches(str(line["bot"] or ""), say.text):
                raise _Different((*self._path, "bot"), f"bot: {_short(line['bot'])}", f"bot: {_short(say.text)}")
            self._compare(line, say)
            self.at += 1
            if say.question is not None:
                self.open = [one for one in self.open if one[0] != number] + [(number, say)]
        exchange.said.clear()

    def _compare(self, line: Mapping[str, Any], say: Say) -> None:
        """What stands beside the words of a message, where the dialog says anything of it."""
        labels = [choice.label for choice in say.choices]
        wanted = line.get("choices", labels)
        if len(wanted) != len(labels) or not all(_matches(str(a), b) for a, b in zip(wanted, labels, strict=True)):
            at = next((n for n, label in enumerate(labels) if wanted[n : n + 1] != [label]), len(labels))
            path = (*self._path, "choices", str(at)) if at < len(wanted) else (*self._path, "choices", "")
            raise _Different(path, f"choices: {_list(wanted)}", f"choices: {_list(labels)}")
        attach = line.get("attach", say.attach)
        if isinstance(attach, dict):
            attach = f"picture:{attach.get('picture')}"
        if attach != say.attach:
            raise _Different((*self._path, "attach"), f"attach: {attach}", f"attach: {say.attach or 'nothing'}")

    def _compare_arguments(self, wanted: Mapping[str, str] | None, request: Perform) -> None:
        known = DEEDS[request.do.name].arguments
        given = {name: _argument(value) for name, value in request.do.arguments.items() if name in known}
        told = {name: _argument(value) for name, value in (wanted or {}).items()}
        if wanted is not None and (
            told.keys() != given.keys() or not all(_matches(told[name], given[name]) for name in told)
        ):
            raise _Different((*self._path, "with"), f"with: {_pairs(told)}", f"with: {_pairs(given)}")

    def _done(self, request: Perform) -> Did:
        deed = DEEDS[request.do.name]
        line = self.lines[self.at] if self.at < len(self.lines) else {}
        if line.get("does") == request.do.name:
            self._compare_arguments(line.get("with"), request)
            self.at += 1
            outcome = str(line.get("then") or deed.outcomes[0])
        elif len(deed.outcomes) == 1:
            outcome = deed.outcomes[0]
        else:
            wanted = _as_written(line) if line else "the dialog is over"
            raise _Different(
                self._path, wanted, f"does: {request.do.name} (with `then:` one of {', '.join(deed.outcomes)})"
            )
        consented = tuple(self.me.get("consented") or ())  # type: ignore[arg-type]
        to = str(request.do.arguments.get("to", "keep"))
        if request.do.name == "record_consent":
            self.me["consented"] = (*consented, to)
        elif request.do.name == "withdraw_consent":
            self.me["consented"] = tuple(each for each in consented if each != to)
        # An action that is found is the one in the dialog's head.
        found = {name: "1" if name == "action" else f"https://example.org/{name}" for name in deed.answers}
        return Did(outcome, found or NOTHING)


def _argument(value: Any) -> str:
    """An argument of a `do`, as a dialog writes it and as a flow gives it."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def _matches(pattern: str, text: str) -> bool:
    """Whether a text is what the line says; `...` stands for any text, and white space counts as one space."""
    told = " ".join(text.split())
    first, *rest = (" ".join(part.split()) for part in pattern.split("..."))
    if not rest:
        return told == first
    *middle, last = rest
    if not told.startswith(first):
        return False
    at = len(first)
    for part in middle:
        found = told.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return told.endswith(last) and len(told) - len(last) >= at


def _as_written(line: Mapping[str, Any]) -> str:
    kind = next((key for key in line if key in LINES), "")
    return f"{kind}: {_list(line[kind]) if isinstance(line[kind], list) else _short(line[kind])}"


def _short(text: Any) -> str:
    return " ".join(str(text).split())[:300]


def _list(labels: list[str]) -> str:
    return f"[{', '.join(map(str, labels))}]"


def _pairs(given: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name}: {_short(value)}" for name, value in given.items()) + "}"
