"""Everything that can be wrong with a library, found before anybody meets it: one `Problem` for each mistake."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from flows.check_questions import openings, questions, saves
from flows.check_texts import decisions, names, texts, untranslated
from flows.check_ways import arguments, changes, entries, outcomes_taken, paths, start, ways_on
from flows.model import Flow
from flows.openings import lead
from flows.pages import Page, Path, Problem, near, nearest
from flows.reader import REMEMBERED, Reading
from flows.states import AskState, DecideState, DoState, RunState, State
from flows.translate import faults, lines
from flows.vocabulary import WITHOUT_CONSENT
from flows.ways import silent_loops
from flows.words import fold

_DEED = re.compile(r"\bdo\s*:[ \t]*['\"]?(\w+)")
_NEEDS_CONSENT = frozenset({"find_buddy", "become_buddy", "share_contact"})

_RULES: tuple[Callable[[Reading, Flow, Page], Iterator[Problem]], ...] = (
    names,
    start,
    ways_on,
    entries,
    outcomes_taken,
    arguments,
    questions,
    openings,
    saves,
    decisions,
    texts,
    changes,
    untranslated,
)


@lru_cache(maxsize=REMEMBERED)
def check(reading: Reading) -> tuple[Problem, ...]:
    """Every problem of a library, in the order of files and lines."""
    found = list(reading.problems)
    for name, page in reading.pages.items():
        flow = reading.library.flows[name]
        mistakes = [problem for rule in _RULES for problem in rule(reading, flow, page)]
        known = [*mistakes, *(problem for problem in reading.problems if problem.file == page.file)]
        found += [*mistakes, *paths(reading, flow, page, known)]
    for everywhere in (
        _loops,
        _urgent,
        _never_started,
        _without_consent,
        _words_written_twice,
        _anytime_flows,
        _mistranslated,
        _pictures,
    ):
        found += everywhere(reading)
    wrong = {(problem.file, problem.line, problem.column) for problem in found if not problem.warning}
    # a warning about what is wrong anyway says nothing new
    told = {each for each in found if not each.warning or (each.file, each.line, each.column) not in wrong}
    return tuple(sorted(told))


def _flows(reading: Reading) -> Iterator[tuple[Flow, Page]]:
    return ((reading.library.flows[name], page) for name, page in reading.pages.items())


def _pictures(reading: Reading) -> Iterator[Problem]:
    if reading.beside is None:
        return
    for _, page in _flows(reading):
        for path in page.spans:
            name = _picture(page, path) if path[-1:] == ("attach",) else ""
            if name and name not in reading.beside:
                what = f"there is no picture `{name}` beside this file: the message goes without it"
                yield page.problem("missing-picture", what, path, "put it into the same folder", warning=True)


def _picture(page: Page, path: Path) -> str:
    """The name of the picture that is attached there; "" where it is something else."""
    value = page.tree
    for key in path:
        value = value[key]
    if isinstance(value, Mapping):
        return str(value.get("picture") or "")
    written = str(value)
    return written.removeprefix("picture:").strip() if written.startswith("picture:") else ""


def _loops(reading: Reading) -> Iterator[Problem]:
    for way in silent_loops(reading.library, reading.pages):
        of, name = way[0]
        shown = " → ".join(state if flow == of else f"{flow}/{state}" for flow, state in (*way, way[0]))
        what = f"`{name}` leads back to itself and nobody is waited for: {shown}"
        mend = "put an `ask` or a `wait` on the way"
        yield reading.pages[of].problem("silent-loop", what, ("states", name, ""), mend)


def _urgent(reading: Reading) -> Iterator[Problem]:
    for flow, page in _flows(reading):
        if flow.urgent:
            what = "`urgent` breaks quiet hours and the weekly cap"
            yield page.problem("urgent-used", what, ("urgent", ""), "keep it for what cannot wait", warning=True)


def _never_started(reading: Reading) -> Iterator[Problem]:
    run = {entry.run for entry in reading.library.anytime.values()}
    for flow in reading.library.flows.values():
        run |= {state.run for state in flow.states.values() if isinstance(state, RunState)}
    if reading.unread or any(reading.shaky.values()):
        # what could not be read may well run it
        run |= {name for name in reading.pages if any(f"run: {name}" in text for text in reading.files.values())}
    for flow, page in _flows(reading):
        if not flow.starts and flow.name not in run and not _tries_to_start(reading, page):
            mend = "add `starts:`, or run it from another flow"
            what = f"nothing starts `{flow.name}`"
            yield page.problem("never-started", what, ("flow", ""), mend, warning=True)


def _tries_to_start(reading: Reading, page: Page) -> bool:
    """Whether `starts` is written with a mistake in it."""
    begins = page.span(("starts", "")).begins if ("starts", "") in page.spans else None
    if begins is None:
        return any(p.file == page.file and "`starts`" in p.mend for p in reading.problems)
    first = page.span(("starts", "")).line
    last = first + page.text[begins : page.span(("starts",)).ends].count("\n")
    return any(p.file == page.file and first <= p.line <= last for p in reading.problems)


def _without_consent(reading: Reading) -> Iterator[Problem]:
    flows = reading.library.flows
    asked = {flow.name for flow in flows.values() if any(map(_records_consent, flow.states.values()))}
    if reading.unread or any(reading.shaky.values()):
        asked |= {"" for text in reading.files.values() if near("record_consent", _DEED.findall(text))}
    for flow, page in _flows(reading):
        at = _first_unconsented(flow, asked)
        if at is not None:
            name, what = at
            mend = "ask for it, then `do: record_consent`"
            yield page.problem("no-consent", what, ("states", *name), mend, warning=True)


def _records_consent(state: State) -> bool:
    return isinstance(state, DoState) and state.do == "record_consent"


def _first_unconsented(flow: Flow, asked: set[str]) -> tuple[Path, str] | None:
    """Where something happens that needs consent: anywhere if no flow asks for it, else on a newcomer's way."""
    reached = flow.states if not asked else dict(_before_consent(flow, asked)) if flow.starts.first_contact else {}
    for name, state in reached.items():
        if isinstance(state, DoState) and state.do in _NEEDS_CONSENT:
            return (name, "do"), f"`{state.do}` without anybody's consent"
        if not asked and isinstance(state, AskState) and _kept(state.save or ""):
            return (name, "save"), f"`{state.save}` is kept, and nobody was asked for consent"
    return None


def _kept(save: str) -> bool:
    return save.startswith("me.") and save.removeprefix("me.") not in WITHOUT_CONSENT


def _before_consent(flow: Flow, asked: set[str]) -> Mapping[str, State]:
    """The states that a newcomer can come to before they have consented."""
    reached: dict[str, State] = {}
    waiting = [flow.start]
    while waiting:
        name = waiting.pop()
        state = flow.states.get(name)
        if state is None or name in reached:
            continue
        reached[name] = state
        consents = _records_consent(state) or (isinstance(state, RunState) and (state.run in asked or "" in asked))
        knows = isinstance(state, DecideState) and any("consented" in (branch.when or "") for branch in state.decide)
        if not consents and not knows:
            waiting += [way.target for way in state.exits()]
    return {name: state for name, state in flow.states.items() if name in reached}


def _words_written_twice(reading: Reading) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    own = {entry for page in reading.anytime for entry in page.tree["anytime"]}
    for name, entry in reading.library.anytime.items():
        if name not in own:
            taken.update({_claim(word): f"is `{name}`, understood everywhere" for word in entry.words})
    for page in reading.anytime:
        yield from _words_of_anytime(reading, page, taken)
    for flow, page in _flows(reading):
        starts, claims = flow.starts, list[tuple[str, str, Path]]()
        for number, word in enumerate(starts.words):
            claims.append((_claim(word), f"`{word}`", ("starts", "words", str(number))))
        if starts.first_contact:
            claims.append(("first contact", "the first contact", ("starts", "first_contact")))
        if starts.link:
            claims.append((f"link {starts.link}", f"the link `{starts.link}`", ("starts", "link")))
        for claim, written, path in claims:
            if claim in taken and not (written.startswith("`/") and taken[claim] == f"already starts `{flow.name}`"):
                yield page.problem("duplicate-words", f"{written} {taken[claim]}", path, "keep it in one place")
            taken.setdefault(claim, f"already starts `{flow.name}`")


def _words_of_anytime(reading: Reading, page: Page, taken: dict[str, str]) -> Iterator[Problem]:
    for name in page.tree["anytime"]:
        entry = reading.library.anytime.get(name)
        mine = f"is `{name}`, understood everywhere"
        for number, word in enumerate(entry.words if entry else ()):
            if taken.setdefault(_claim(word), mine) != mine:
                path = ("anytime", name, "words", str(number))
                what = f"`{word}` {taken[_claim(word)]}, already"
                yield page.problem("duplicate-words", what, path, "keep it in one place")


def _claim(word: str) -> str:
    dots = " ..." if lead(word) is not None else ""
    return f"word {fold(word) or word.strip().casefold()}{dots}"


def _anytime_flows(reading: Reading) -> Iterator[Problem]:
    flows = reading.library.flows
    for page in reading.anytime:
        for name in page.tree["anytime"]:
            entry = reading.library.anytime.get(name)
            if entry is None or entry.run in flows or entry.run in reading.unread:
                continue
            if entry.run or name not in {"back", "skip"}:
                what = f"`{name}` runs `{entry.run}`, which is not a flow" if entry.run else f"`{name}` runs no flow"
                path = ("anytime", name, "run") if entry.run else ("anytime", name, "")
                yield page.problem("missing-flow", what, path, nearest(entry.run, flows))


def _mistranslated(reading: Reading) -> Iterator[Problem]:
    for language, sentences in reading.library.translations.items():
        file = f"languages/{language}.po"
        wrong = faults(sentences)
        where = lines(reading.files[file]) if wrong else {}
        for sentence, fault in wrong:
            what = f"the translation of `{sentence[:60]}` reads other names: {fault[:120]}"
            yield Problem(file, where.get(sentence, 1), 1, "bad-text", what, "write the same {{ names }} in it")
