"""From files to a library: flows, `anytime` words and translations, and every problem of form on the way."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from io import StringIO
from itertools import chain
from pathlib import Path as FilePath

from babel.messages.pofile import PoFileError, read_po

from flows.forms import FlowForm, read_anytime, read_flow, scalars
from flows.model import Anytime, Flow, Library, Word, nothing
from flows.names import saved_about_people, saved_in_conversations
from flows.openings import lead
from flows.pages import Page, Problem, Refused, pages, read_text
from flows.words import fold

STARTER = FilePath(__file__).parent
"""The folder of the flows that come with Doorstep."""

KEPT = frozenset({"stop", "forget me"})
"""Words that no flow may take for itself."""

REMEMBERED = 8
"""Libraries that are read and checked once however often somebody begins with them: a rehearsal is born anew at each
crash, tests by the thousand."""

_FLOW = re.compile(r"^[ \t\ufeff]*flow\s*:[ \t]*['\"]?([\w-]+)", re.MULTILINE)
_UNCLOSED = re.compile(r'^(?:msg\w+(?:\[\d+\])?[ \t]*)?"(?:[^"\\\n]|\\.)*$', re.MULTILINE)
"""A line of a .po file with a text that does not end: babel reads it without its last letter, and says nothing."""
_SAVE = re.compile(r"\bsave\s*:[ \t]*['\"]?([a-z_][\w.]*)")


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What was read: the library (flows that could not be read are missing from it), pages, files and problems.

    The same files are the same reading, and nothing else is: what was worked out of it is remembered with it.

    files    every file by its path in the folder, as it stood there: what storage keeps of a library
    pages    the page of each flow, by its name
    anytime  the pages that name words understood everywhere
    shaky    for each flow, its states with a mistake of form in them: what follows from it is no second mistake
    unread   the names of flows whose files could not be read, as far as one can tell
    given    flows that the folder does not have and Doorstep's own `anytime` words need
    beside   the names of all else that lies in `library/`, pictures among it; None where no folder was read
    """

    library: Library
    pages: Mapping[str, Page]
    files: Mapping[str, str]
    problems: tuple[Problem, ...]
    anytime: tuple[Page, ...] = ()
    shaky: Mapping[str, frozenset[str]] = field(default_factory=nothing)
    unread: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    beside: frozenset[str] | None = None


def read_folder(folder: FilePath) -> Reading:
    """The library in a folder that holds `library/` (and perhaps `languages/`).

    Raises OSError: FileNotFoundError where there is none, PermissionError where it cannot be looked into.
    """
    if not (folder / "library").is_dir():
        raise FileNotFoundError(f"{folder} holds no folder `library`")
    languages = (folder / "languages").iterdir() if (folder / "languages").is_dir() else ()
    found = [
        *(file for file in (folder / "library").iterdir() if _is_one(file, ".yaml", ".yml")),
        *(file for file in languages if _is_one(file, ".po")),
    ]
    files: dict[str, str] = {}
    problems = []
    for file in sorted(found):
        name = file.relative_to(folder).as_posix()
        try:
            files[name] = read_text(file, name)
        except Refused as refused:
            problems.append(refused.problem)
    beside = frozenset(file.name for file in (folder / "library").iterdir())
    return _reading(tuple(files.items()), tuple(problems), beside)


def _is_one(file: FilePath, *endings: str) -> bool:
    """Whether it is a file of this kind, also as Windows writes it; what editors and systems hide beside one is not."""
    return file.suffix.lower() in endings and not file.name.startswith(".")


def read_files(files: Mapping[str, str], problems: Iterable[Problem] = ()) -> Reading:
    """The library in these files: {"library/welcome.yaml": its text, "languages/es.po": its text}."""
    return _reading(tuple(files.items()), tuple(problems), None)


@lru_cache(maxsize=REMEMBERED)
def _reading(
    pieces: tuple[tuple[str, str], ...], problems: tuple[Problem, ...], beside: frozenset[str] | None
) -> Reading:
    files = dict(pieces)
    sheets = [_read_sheet(name, text) for name, text in files.items() if name.startswith("library/")]
    found = [*problems, *chain.from_iterable(sheet.problems for sheet in sheets)]
    unread = {FilePath(problem.file).stem for problem in problems}
    forms: dict[str, Sheet] = {}
    for sheet in sheets:
        unread |= sheet.unread
        if sheet.form is not None and sheet.page is not None:
            name = sheet.form.flow.name
            if name in forms:
                what = f"`{name}` is the name of {forms[name].form.flow.file} too"  # type: ignore[union-attr]
                found.append(sheet.page.problem("bad-name", what, ("flow",), "give one of them another name"))
            forms.setdefault(name, sheet)
    anytime = {name: words for sheet in sheets for name, words in sheet.anytime.items()}
    translations, bad_translations = _translations(files)
    library, given = _library({n: s.form.flow for n, s in forms.items() if s.form}, anytime, translations, sheets)
    return Reading(
        library,
        {name: sheet.page for name, sheet in forms.items() if sheet.page},
        files,
        tuple(sorted([*found, *bad_translations])),
        tuple(sheet.page for sheet in sheets if sheet.page and sheet.form is None and sheet.anytime),
        {name: sheet.form.shaky for name, sheet in forms.items() if sheet.form},
        frozenset(unread),
        given,
        beside,
    )


def _library(
    flows: dict[str, Flow],
    anytime: dict[str, Anytime],
    translations: Mapping[str, Mapping[str, str]],
    sheets: Iterable["Sheet"],
) -> tuple[Library, frozenset[str]]:
    given = _complete(flows, anytime)
    guessed = frozenset(chain.from_iterable(sheet.saves for sheet in sheets))
    library = Library(
        flows=flows,
        anytime=anytime,
        translations=translations,
        me=saved_about_people(flows.values(), guessed),
        answers=saved_in_conversations(flows, guessed),
        words=_words(flows, anytime, translations),
    )
    return library, given


def _complete(flows: dict[str, Flow], anytime: dict[str, Anytime]) -> frozenset[str]:
    """Adds Doorstep's own `anytime` words where the folder has none of that name, and its own flows they run."""
    taken = {fold(word) for flow in flows.values() for word in flow.starts.words if lead(word) is None}
    for name, own in _own_words().items():
        if name not in anytime:
            # a flow of the folder keeps its words; what people write to be left alone belongs to nobody
            free = tuple(word for word in own.words if name in KEPT or word == name or fold(word) not in taken)
            anytime[name] = Anytime(free, own.run)
        elif name in KEPT and name not in map(fold, anytime[name].words):
            # the button that says it in every language writes this word, and so do platforms
            anytime[name] = replace(anytime[name], words=(*anytime[name].words, name))
    given = {run: flow for run in _runs(anytime) if run not in flows and (flow := _own_flow(run)) is not None}
    flows.update(given)
    return frozenset(given)


def _runs(anytime: Mapping[str, Anytime]) -> list[str]:
    return sorted({entry.run for entry in anytime.values() if entry.run})


@cache
def _own_words() -> Mapping[str, Anytime]:
    return _own_sheet("always.yaml").anytime


@lru_cache(maxsize=64)
def _own_flow(name: str) -> Flow | None:
    """One file is one flow, and Doorstep's own are called as their files are: only those that are wanted are read."""
    form = _own_sheet(f"{name}.yaml").form if f"{name}.yaml" in _own_files() else None
    return form.flow if form is not None and form.flow.name == name else None


@cache
def _own_files() -> frozenset[str]:
    return frozenset(file.name for file in (STARTER / "library").glob("*.yaml"))


def _own_sheet(file: str) -> "Sheet":
    return _read_sheet(file, (STARTER / "library" / file).read_text("utf-8"))


def _words(
    flows: Mapping[str, Flow], anytime: Mapping[str, Anytime], translations: Mapping[str, Mapping[str, str]]
) -> dict[str, Word]:
    found: dict[str, Word] = {}
    starts = [(word, flow.name) for flow in flows.values() for word in flow.starts.words if lead(word) is None]
    meanings = [(word, Word(flow=flow)) for word, flow in starts]
    meanings += [(word, Word(name, entry.run)) for name, entry in anytime.items() for word in entry.words]
    for word, meaning in meanings:
        spellings = [word, *(sentences[word] for sentences in translations.values() if word in sentences)]
        for spelling in spellings:
            found[fold(spelling) or spelling.strip().casefold()] = meaning
    return found


@dataclass(frozen=True, slots=True)
class Sheet:
    """One file of `library/` as it was read.

    unread  the names its flow seems to have, where it could not be read
    saves   what its parts that could not be read seem to save
    """

    page: Page | None
    form: FlowForm | None
    anytime: Mapping[str, Anytime]
    problems: tuple[Problem, ...]
    unread: frozenset[str] = frozenset()
    saves: frozenset[str] = frozenset()


@lru_cache(maxsize=512)
def _read_sheet(name: str, text: str) -> Sheet:
    try:
        page, doubles = _only(pages(text, name, most=2), name, text)
    except Refused as refused:
        return Sheet(None, None, {}, (refused.problem,), _flow_names(name, text), frozenset(_SAVE.findall(text)))
    if isinstance(page.tree, dict) and "anytime" in page.tree and "flow" not in page.tree:
        words, problems = read_anytime(page)
        return Sheet(page, None, words, (*doubles, *problems))
    form, problems = read_flow(page)
    if form is None:
        return Sheet(page, None, {}, (*doubles, *problems), _flow_names(name, text), frozenset(_SAVE.findall(text)))
    form = replace(form, shaky=form.shaky.union(_states_with(form.page, doubles)))
    parts = [form.page.tree["states"][name] for name in form.shaky]
    saves = frozenset(value for part in parts for key, value in scalars(part) if key == "save")
    return Sheet(form.page, form, {}, (*doubles, *problems), saves=saves)


def _states_with(page: Page, doubles: Iterable[Problem]) -> Iterator[str]:
    """The states in which a key is written twice: of two states run into one, little else can be said."""
    lines = [problem.line for problem in doubles]
    for name in page.tree["states"] if lines else ():
        begins, whole = page.span(("states", name, "")), page.span(("states", name))
        last = begins.line + page.text.count("\n", begins.begins, whole.ends)
        if any(begins.line < line <= last for line in lines):
            yield name


def _only(found: list[tuple[Page, list[Problem]]], name: str, text: str) -> tuple[Page, list[Problem]]:
    if len(found) > 1:
        mend = "one file is one flow: put the second into a file of its own"
        raise Refused(found[1][0].problem("not-a-flow", "this file holds several documents", (), mend))
    return found[0] if found else (Page(name, text, None, {}), [])


def _flow_names(name: str, text: str) -> frozenset[str]:
    return frozenset({FilePath(name).stem, *_FLOW.findall(text)})


def _translations(files: Mapping[str, str]) -> tuple[dict[str, Mapping[str, str]], list[Problem]]:
    found: dict[str, Mapping[str, str]] = {}
    problems = []
    for name, text in files.items():
        if name.startswith("languages/"):
            if unclosed := _UNCLOSED.search(text):
                line = text.count("\n", 0, unclosed.start()) + 1
                problems.append(Problem(name, line, 1, "bad-text", "a text is not closed here", "close the quotes"))
                continue
            try:
                found[FilePath(name).stem] = translation(text)
            except (PoFileError, ValueError) as error:
                line = int(getattr(error, "lineno", 0) or 0) + 1
                why = re.sub(r" on \d+$", "", str(error))[:100]
                problems.append(Problem(name, line, 1, "bad-text", f"this is not a .po file: {why}"))
    return found, problems


@lru_cache(maxsize=64)
def translation(text: str) -> Mapping[str, str]:
    """The sentences of a .po file that have a translation nobody marked as fuzzy. Raises PoFileError, ValueError."""
    catalog = read_po(StringIO(text), abort_invalid=True)
    said = (m for m in catalog if isinstance(m.id, str) and m.id and not m.fuzzy)
    return {str(m.id): str(m.string) for m in said if isinstance(m.string, str) and m.string.strip()}
