"""From files to a library: flows, `anytime` words and translations, and every problem of form on the way."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from pathlib import Path as FilePath
from typing import Any

from babel.messages.pofile import PoFileError, read_po
from pydantic import BaseModel, Field, ValidationError

from flows.answers import fold
from flows.model import Anytime, Flow, Library, Moment, Starts, Word
from flows.names import saved_about_people, saved_in_conversations
from flows.pages import Page, Path, Problem, Refused, nearest, pages, read_text
from flows.states import KINDS, After, AnyState, Branch, Choice, Part, State, Wording
from flows.times import offset
from flows.vocabulary import ANYTIME, HAPPENINGS, WHO

STARTER = FilePath(__file__).parent
"""The folder of the flows that come with Doorstep."""


class StartsPart(Part):
    """`starts`, as it is written."""

    first_contact: bool = False
    words: list[str] = []
    link: str = ""
    moment: str | None = None
    offset: str | None = None
    who: str | None = None
    until: str | None = None


class FlowPart(Part):
    """The head of a flow file, as it is written; each state is read by its own kind."""

    flow: str
    about: str = ""
    starts: StartsPart = StartsPart()
    urgent: bool = False
    moved: dict[str, str] = {}
    start: str = ""
    states: dict[str, Any]


class AnytimePart(Part):
    """One word of `anytime`, as it is written."""

    words: list[str] = Field(min_length=1)
    run: str = ""


_NESTED: Mapping[str, type[BaseModel]] = {
    "choices": Choice,
    "after": After,
    "decide": Branch,
    "try": Wording,
    "starts": StartsPart,
}
_SHAPES = {
    "dict_type": "names with values under it",
    "model_type": "names with values under it",
    "model_attributes_type": "names with values under it",
    "list_type": "a list",
    "string_type": "a text",
    "float_parsing": "a number",
    "float_type": "a number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_too_short": "a text that is not empty",
    "too_short": "at least one entry",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: the library (flows that could not be read are missing from it), pages, files and problems.

    files   every file by its path in the folder, as it stood there: what storage keeps of a library
    pages   the page of each flow, by its name
    given   flows that the folder does not have and Doorstep's own `anytime` words need
    """

    library: Library
    pages: Mapping[str, Page]
    files: Mapping[str, str]
    problems: tuple[Problem, ...]
    given: frozenset[str] = frozenset()


def read_folder(folder: FilePath) -> Reading:
    """The library in a folder that holds `library/` (and perhaps `languages/`). Raises FileNotFoundError."""
    if not (folder / "library").is_dir():
        raise FileNotFoundError(f"{folder} holds no folder `library`")
    files: dict[str, str] = {}
    problems = []
    for file in sorted([*(folder / "library").glob("*.y*ml"), *(folder / "languages").glob("*.po")]):
        name = file.relative_to(folder).as_posix()
        try:
            files[name] = read_text(file, name)
        except Refused as refused:
            problems.append(refused.problem)
    return read_files(files, problems)


def read_files(files: Mapping[str, str], problems: Iterable[Problem] = ()) -> Reading:
    """The library in these files: {"library/welcome.yaml": its text, "languages/es.po": its text}."""
    found = list(problems)
    flows: dict[str, Flow] = {}
    where: dict[str, Page] = {}
    anytime: dict[str, Anytime] = {}
    for name, text in files.items():
        if not name.startswith("library/"):
            continue
        page, flow, words, complaints = _read_page(name, text)
        found += complaints
        anytime.update(words)
        if flow is not None and page is not None:
            if flow.name in flows:
                what = f"`{flow.name}` is the name of {flows[flow.name].file} too"
                found.append(page.problem("bad-name", what, ("flow",), "give one of them another name"))
                continue
            flows[flow.name], where[flow.name] = flow, page
    translations, bad_translations = _translations(files)
    found += bad_translations
    given = _complete(flows, anytime)
    library = Library(
        flows=flows,
        anytime=anytime,
        translations=translations,
        me=saved_about_people(flows.values()),
        answers=saved_in_conversations(flows),
        words=_words(flows, anytime, translations),
    )
    return Reading(library, where, dict(files), tuple(sorted(found)), given)


def _complete(flows: dict[str, Flow], anytime: dict[str, Anytime]) -> frozenset[str]:
    """Adds Doorstep's own `anytime` words where the folder has none of that name, with the flows they run."""
    given = set()
    for name, built_in in _built_in().anytime.items():
        word = anytime.setdefault(name, built_in)
        if word is built_in and word.run and word.run not in flows:
            flows[word.run] = _built_in().flows[word.run]
            given.add(word.run)
    return frozenset(given)


@lru_cache(maxsize=1)
def _built_in() -> Library:
    flows: dict[str, Flow] = {}
    anytime: dict[str, Anytime] = {}
    for file in sorted((STARTER / "library").glob("*.yaml")):
        _, flow, words, _ = _read_page(file.name, file.read_text("utf-8"))
        anytime.update(words)
        if flow is not None:
            flows[flow.name] = flow
    return Library(flows, anytime)


def _words(
    flows: Mapping[str, Flow], anytime: Mapping[str, Anytime], translations: Mapping[str, Mapping[str, str]]
) -> dict[str, Word]:
    found: dict[str, Word] = {}
    meanings = [(word, Word(flow=flow.name)) for flow in flows.values() for word in flow.starts.words]
    meanings += [(word, Word(name, entry.run)) for name, entry in anytime.items() for word in entry.words]
    for word, meaning in meanings:
        spellings = [word, *(sentences[word] for sentences in translations.values() if word in sentences)]
        for spelling in spellings:
            found[fold(spelling) or spelling.strip().casefold()] = meaning
    return found


@lru_cache(maxsize=512)
def _read_page(name: str, text: str) -> tuple[Page | None, Flow | None, dict[str, Anytime], tuple[Problem, ...]]:
    try:
        documents = pages(text, name)
        page, doubles = documents[0] if documents else (Page(name, text, None, {}), [])
        if len(documents) > 1:
            mend = "one file is one flow: put the second into a file of its own"
            raise Refused(Problem(name, 1, 1, "not-a-flow", "this file holds several documents", mend))
    except Refused as refused:
        return None, None, {}, (refused.problem,)
    if isinstance(page.tree, dict) and "anytime" in page.tree and "flow" not in page.tree:
        words, problems = _read_anytime(page)
        return page, None, words, (*doubles, *problems)
    flow, problems = _read_flow(page)
    return page, flow, {}, (*doubles, *problems)


def _read_anytime(page: Page) -> tuple[dict[str, Anytime], list[Problem]]:
    words, problems = {}, []
    problems += [
        page.problem("unknown-key", f"`{key}` is not known here", (key, ""), "this file has only `anytime:`")
        for key in page.tree
        if key != "anytime"
    ]
    entries = page.tree["anytime"]
    if not isinstance(entries, dict):
        return {}, [
            *problems,
            page.problem("not-a-flow", "`anytime` should be names with words under it", ("anytime",)),
        ]
    for name, entry in entries.items():
        path = ("anytime", name)
        if name not in ANYTIME:
            problems.append(
                page.problem("unknown-key", f"`{name}` is not known here", (*path, ""), nearest(name, ANYTIME))
            )
            continue
        try:
            part = AnytimePart.model_validate(entry)
            words[name] = Anytime(tuple(part.words), part.run)
        except ValidationError as error:
            problems += _explained(page, error, path, AnytimePart)
    return words, problems


def _read_flow(page: Page) -> tuple[Flow | None, list[Problem]]:
    tree = page.tree
    if (
        not isinstance(tree, dict)
        or "flow" not in tree
        or not isinstance(tree.get("states"), dict)
        or not tree["states"]
    ):
        missing = "`flow:`" if not isinstance(tree, dict) or "flow" not in tree else "`states:` with a state under it"
        mend = f"a flow file begins with `flow: name` and has `start:` and `states:`; {missing} is missing"
        return None, [page.problem("not-a-flow", "this is not a flow", (), mend)]
    try:
        part = FlowPart.model_validate(tree)
    except ValidationError as error:
        problems = _explained(page, error, (), FlowPart)
        part = FlowPart.model_construct(**_usable(tree, error))
    else:
        problems = []
    states: dict[str, State] = {}
    for name, written in part.states.items():
        state, complaints = _read_state(page, name, written)
        problems += complaints
        if state is not None:
            states[name] = state
    starts, complaints = _starts(page, part.starts)
    flow = Flow(part.flow, part.start, states, part.about, starts, part.urgent, part.moved, page.file)
    return flow, [*problems, *complaints]


def _usable(tree: dict[str, Any], error: ValidationError) -> dict[str, Any]:
    """The head of a flow without what was wrong in it, so that its states are read all the same."""
    wrong = {str(detail["loc"][0]) for detail in error.errors(include_url=False)}
    usable = {key: value for key, value in tree.items() if key in FlowPart.model_fields and key not in wrong}
    return {**usable, "flow": str(tree["flow"] or ""), "states": tree["states"]}


def _read_state(page: Page, name: str, written: Any) -> tuple[AnyState | None, list[Problem]]:
    path = ("states", name)
    if not isinstance(written, dict):
        mend = "write `say:`, `ask:` or another kind under it"
        return None, [page.problem("no-kind", f"state `{name}` says nothing", path, mend)]
    kinds = [kind for kind in KINDS if kind in written]
    if len(kinds) > 1 and "end" in kinds and {"say", "try"} & set(kinds):
        kinds.remove("end")
    if not kinds:
        guess = next((nearest(key, KINDS) for key in written if nearest(key, KINDS).startswith("did")), "")
        mend = guess or f"give it one of {', '.join(KINDS)}"
        return None, [page.problem("no-kind", f"state `{name}` has no kind", (*path, ""), mend)]
    if len(kinds) > 1:
        what = f"state `{name}` is both `{kinds[0]}` and `{kinds[1]}`"
        return None, [page.problem("two-kinds", what, (*path, kinds[1], ""), "make two states of it")]
    try:
        return KINDS[kinds[0]].model_validate(written), []
    except ValidationError as error:
        return None, _explained(page, error, path, KINDS[kinds[0]])


def _starts(page: Page, part: StartsPart) -> tuple[Starts, list[Problem]]:
    problems: list[Problem] = []
    moment = None
    if part.moment is None:
        for key in ("offset", "who", "until"):
            if getattr(part, key) is not None:
                problems.append(page.problem("bad-moment", f"`{key}` without `moment`", ("starts", key, "")))
    else:
        moment, problems = _moment(page, part)
    return Starts(part.first_contact, tuple(part.words), part.link, moment), problems


def _moment(page: Page, part: StartsPart) -> tuple[Moment | None, list[Problem]]:
    problems = []
    if part.moment not in HAPPENINGS:
        what = f"`{part.moment}` is not a happening"
        problems.append(page.problem("bad-moment", what, ("starts", "moment"), nearest(part.moment or "", HAPPENINGS)))
    if part.who is not None and part.who not in WHO:
        what = f"`{part.who}` is not somebody a moment can be for"
        problems.append(page.problem("bad-moment", what, ("starts", "who"), nearest(part.who, WHO)))
    away, until = offset(part.offset or "0"), offset(part.until or "0")
    if away is None:
        what, mend = f"`{part.offset}` is not an offset", "write it like `-1 day` or `2 hours`"
        problems.append(page.problem("bad-offset", what, ("starts", "offset"), mend))
    if until is None:
        what, mend = f"`{part.until}` is not a time", "write it like `2 hours before`"
        problems.append(page.problem("bad-offset", what, ("starts", "until"), mend))
    if problems or away is None or until is None:
        return None, problems
    if part.until is not None and until.length < away.length:
        what = "`until` lies before `offset`: this would never begin"
        return None, [page.problem("bad-moment", what, ("starts", "until"))]
    end = until.length if part.until is not None else None
    return Moment(part.moment or "", away.days, away.rest, part.who or "", end), []


def _translations(files: Mapping[str, str]) -> tuple[dict[str, Mapping[str, str]], list[Problem]]:
    found: dict[str, Mapping[str, str]] = {}
    problems = []
    for name, text in files.items():
        if name.startswith("languages/"):
            try:
                found[FilePath(name).stem] = translation(text)
            except (PoFileError, ValueError) as error:
                line = int(getattr(error, "lineno", 0) or 0) + 1
                problems.append(Problem(name, line, 1, "bad-text", f"this is not a .po file: {str(error)[:100]}"))
    return found, problems


@lru_cache(maxsize=64)
def translation(text: str) -> Mapping[str, str]:
    """The sentences of a .po file that have a translation nobody marked as fuzzy. Raises PoFileError, ValueError."""
    catalog = read_po(StringIO(text), abort_invalid=True)
    return {str(m.id): str(m.string) for m in catalog if m.id and m.string and not m.fuzzy and isinstance(m.id, str)}


def _explained(page: Page, error: ValidationError, path: Path, part: type[BaseModel]) -> list[Problem]:
    """What pydantic found wrong with the part of a page at `path`, in an organizer's words."""
    return [_one_explained(page, detail, path, part) for detail in error.errors(include_url=False)]


def _one_explained(page: Page, detail: Any, path: Path, part: type[BaseModel]) -> Problem:
    kind, context, steps = str(detail["type"]), detail.get("ctx") or {}, tuple(str(step) for step in detail["loc"])
    where = (*path, *(step for step in steps if step != "[key]"))
    name = where[-1] if where else "this"
    if kind == "extra_forbidden":
        known = _keys(_NESTED.get(steps[0], part) if len(steps) > 1 else part)
        return page.problem("unknown-key", f"`{name}` is not known here", (*where, ""), nearest(name, known))
    if "known" in context:
        return page.problem(kind, str(detail["msg"]), where, nearest(str(detail["input"]), context["known"]))
    if "mend" in context:
        return page.problem(kind, str(detail["msg"]), (*where, "") if "[key]" in steps else where, context["mend"])
    if kind == "missing":
        return page.problem("unknown-key", f"`{name}:` is missing here", where[:-1], f"add `{name}:`")
    if kind == "literal_error":
        what = f"`{name}` cannot be `{detail['input']}`"
        return page.problem("type-mismatch", what, where, f"it is {context['expected']}")
    code = "bad-text" if kind in {"string_type", "string_too_short"} else "type-mismatch"
    return page.problem(code, f"`{name}` should be {_SHAPES.get(kind, str(detail['msg']))}", where)


def _keys(part: type[BaseModel]) -> Iterator[str]:
    return (field.alias or name for name, field in part.model_fields.items())
