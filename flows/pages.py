"""YAML documents as mappings, lists and texts, with the file, line and column of every part.

Every scalar is read as the text that stands there (`no` is a word, `1.50` is three digits and a point): what a key
wants decides what it is. So nothing depends on YAML's own ideas of what is a number, a date or a truth.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path as FilePath
from typing import Any

from rapidfuzz.distance import DamerauLevenshtein
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

LARGEST = 256 * 1024
"""Bytes. The largest flow file; DESIGN says so, and no organizer ever wrote one of that length."""

MOST_PARTS = 12_000
"""Keys and values of one file: a thousand states or so. To read them takes 0.4 s (measured, ruamel.yaml 0.19)."""

_LONG_TAG = re.compile(r"(?<!\S)!\S{1000}")
"""Nobody's word. A tag of 256 KiB takes ruamel.yaml a second, and is refused only then."""

DEEPEST = 20
"""Levels of nesting. A flow needs seven."""

MOST_NAMED = 16
"""Known words that one line can name."""

Path = tuple[str, ...]
"""Where something stands in a file: ("states", "hello", "say"). The key itself is the path and "" behind it."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that `check` found. `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    code: str
    what: str
    mend: str = ""
    warning: bool = False

    def __str__(self) -> str:
        kind = "warning" if self.warning else "error"
        mend = f" ({self.mend})" if self.mend else ""
        return f"{_one_line(self.file)}:{self.line}:{self.column}: {kind}: {self.what}{mend} [{self.code}]"


@dataclass(frozen=True, slots=True)
class Span:
    """Where something begins (`line`, `column` from 1), and which part of the file's text it is."""

    line: int
    column: int
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class Page:
    """One YAML document: its text, what it says (mappings, lists and texts) and where each part stands."""

    file: str
    text: str
    tree: Any
    spans: Mapping[Path, Span]

    def problem(
        self, code: str, what: str, path: Path, mend: str = "", snippet: str = "", warning: bool = False, skip: int = 0
    ) -> Problem:
        """A complaint about the value at `path`, or about the first `snippet` in it."""
        span = self.span(path)
        line, column = span.line, span.column
        if snippet and (found := self.text.find(snippet, span.begins, max(span.ends, span.begins + 1))) >= 0:
            line, column = _line_and_column(self.text, found + skip)
        return Problem(self.file, line, column, code, _one_line(what), _one_line(mend), warning)

    def span(self, path: Path) -> Span:
        """Where the value at `path` stands, or the nearest thing around it."""
        while path and path not in self.spans:
            path = path[:-1]
        return self.spans.get(path, Span(1, 1, 0, len(self.text)))

    def renamed(self, old: str, new: str) -> "Page":
        """The same page, with what stands under the key `old` at its head found under `new`."""
        spans = {(new, *path[1:]) if path[:1] == (old,) else path: span for path, span in self.spans.items()}
        return replace(self, spans=spans)


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)[:300]


class Refused(Exception):
    """A file that cannot be read at all, with the one problem that says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def near(word: object, known: Iterable[str]) -> str:
    """The known word that was most likely meant, or "" where none is near."""
    written = str(word)[:60].lower()
    best, most = "", 0.6
    for each in sorted(known):
        alike = _alike(written, each.lower())
        if alike > most or (alike == most and not best):
            best, most = each, alike
    return best


def _alike(written: str, known: str) -> float:
    head, dot, rest = known.rpartition(".")
    if dot and written.startswith(head + dot):
        return _alike(written.removeprefix(head + dot), rest)
    if dot and written == rest:
        return 0.95
    if len(written) > 1 and len(known) > 1:
        if sorted(written) == sorted(known):
            return 0.9
        if written.startswith(known) or known.startswith(written):
            return max(0.6, DamerauLevenshtein.normalized_similarity(written, known))
    return DamerauLevenshtein.normalized_similarity(written, known)


def nearest(word: object, known: Iterable[str]) -> str:
    """`did you mean …?` with the nearest known word, or the list of them where none is near."""
    words = sorted(known)
    best = near(word, words)
    if best:
        return f"did you mean `{best}`?"
    group = str(word).partition(".")[0] + "."
    words = [each for each in words if each.startswith(group)] or words
    return f"known are {', '.join(words)}" if 0 < len(words) <= MOST_NAMED else ""


def read_text(file: FilePath, name: str) -> str:
    """The text of a file, called `name` in complaints. Raises Refused: too-large, bad-yaml."""
    try:
        size = file.stat().st_size
        if not file.is_file():
            raise Refused(Problem(name, 1, 1, "bad-yaml", "this is not a file", "flows stand in library/ itself"))
        if size > LARGEST:
            raise Refused(
                Problem(name, 1, 1, "too-large", f"this file has {size:,} bytes", "256 KiB are the most; split it")
            )
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"byte {error.start + 1} is not UTF-8 text"
        raise Refused(Problem(name, 1, 1, "bad-yaml", what, "save the file as UTF-8")) from None
    except OSError as error:
        raise Refused(Problem(name, 1, 1, "bad-yaml", f"the file cannot be read: {error.strerror}")) from None


def pages(text: str, name: str, most: int = 1000) -> list[tuple[Page, list[Problem]]]:
    """The first `most` YAML documents of a text, each with the keys written twice. Raises Refused: bad-yaml, alias,
    too-large."""
    if tag := _LONG_TAG.search(text):
        where = _line_and_column(text, tag.start())
        raise Refused(Problem(name, *where, "bad-yaml", f"tags like {tag[0][:40]} are not read here", "leave it out"))
    try:
        return list(islice(_Composer(text, name).documents(), most))
    except MarkedYAMLError as error:
        raise Refused(_not_yaml(error, text, name)) from None
    except (YAMLError, ValueError, RecursionError) as error:
        what = _one_line(f"this is not YAML: {error}")
        raise Refused(Problem(name, *_unprintable(text), "bad-yaml", what)) from None


_AWRY = "it stands further in than what it belongs with, or less far: as many spaces before each of them"


def _not_yaml(error: MarkedYAMLError, text: str, name: str) -> Problem:
    mark, began = error.problem_mark or error.context_mark, error.context_mark
    context, problem = str(error.context or ""), str(error.problem or "")
    # what was never closed is wrong where it was opened, not where the reader noticed
    if began is not None and mark is not None and mark.line > began.line and not _goes_on(text, began.line):
        mark = began if re.search("flow|quoted|simple key", context) else mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    what = f"this is not YAML: {problem or context or 'it cannot be read'}"
    mend = "close the quotes" if "quoted" in context else _AWRY if "found '<block" in what else _quotes(text, line)
    return Problem(name, line, column, "bad-yaml", _one_line(what), mend)


def _goes_on(text: str, line: int) -> bool:
    """Whether a line that opens `{` or `[` is meant to be closed on another."""
    return text.split("\n")[line].rstrip().endswith(("{", "[", ","))


def _quotes(text: str, line: int) -> str:
    """What most likely went wrong: a text that wants quotes."""
    written = "".join(text.split("\n")[line - 1 : line])
    if "{{" in written:
        return "inside { } a text with {{ }} in it needs quotes around it"
    if "\t" in written:
        return "use spaces, not tabs"
    if written.strip() and not re.search(r":(\s|$)|^\s*-(\s|$)", written):
        return "a line is `key: value` or `- entry`; a text of several lines stands under `|`"
    return "a text with `: ` or ` #` in it, or one that begins with a sign like @ % { [ * &, needs quotes around it"


def _unprintable(text: str) -> tuple[int, int]:
    found = re.search(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    return _line_and_column(text, found.start() if found else 0)


def _line_and_column(text: str, index: int) -> tuple[int, int]:
    return text.count("\n", 0, index) + 1, index - (text.rfind("\n", 0, index) + 1) + 1


class _Composer:
    """Builds mappings, lists and texts from YAML's events, and remembers where each stood."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.events = iter(YAML(typ="safe", pure=True).parse(text))
        self.spans: dict[Path, Span] = {}
        self.problems: list[Problem] = []
        self.parts = 0
        self.lines = [0, *(found.end() for found in re.finditer("\n", text))]

    def documents(self) -> Iterator[tuple[Page, list[Problem]]]:
        for event in self.events:
            if isinstance(event, MappingStartEvent | SequenceStartEvent | ScalarEvent | AliasEvent):
                self.spans, self.problems = {}, []
                tree = self.node(event, ())
                if tree is not None:
                    yield Page(self.name, self.text, tree, self.spans), self.problems

    def node(self, event: Event, path: Path) -> Any:
        self._refuse(event, path)
        if isinstance(event, MappingStartEvent):
            value: Any = self._mapping(event, path)
        elif isinstance(event, SequenceStartEvent):
            value = self._sequence(event, path)
        else:
            value = self._scalar(event)
            self._place(path, event, event.end_mark.index)
        return value

    def _refuse(self, event: Event, path: Path) -> None:
        mark = event.start_mark
        where = (self.name, mark.line + 1, mark.column + 1)
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            mend = "write it out; a text that begins with * or & needs quotes"
            raise Refused(Problem(*where, "alias", "anchors and aliases are not read here", mend))
        tag, implicit = getattr(event, "tag", None), getattr(event, "implicit", True)
        # Of a word it says so twice, plain and quoted; of a list or a mapping once.
        written = not (implicit[0] if isinstance(implicit, tuple) else implicit)
        if tag is not None and str(tag) not in {"", "!"} and written:
            raise Refused(Problem(*where, "bad-yaml", f"tags like {str(tag)[:40]} are not read here", "leave it out"))
        if len(path) > DEEPEST:
            raise Refused(Problem(*where, "bad-yaml", f"more than {DEEPEST} levels inside each other"))

    def _place(self, path: Path, event: Event, ends: int) -> None:
        # counted here: YAML takes some signs inside a text for the end of a line
        begins = event.start_mark.index
        line = bisect_right(self.lines, begins)
        self.parts += 1
        if self.parts > MOST_PARTS:
            what = f"this file has more than {MOST_PARTS:,} keys and texts up to here"
            raise Refused(Problem(self.name, line, 1, "too-large", what, "split it"))
        self.spans[path] = Span(line, begins - self.lines[line - 1] + 1, begins, ends)

    @staticmethod
    def _scalar(event: Any) -> str | None:
        return None if event.value == "" and event.style is None else str(event.value)

    def _mapping(self, start: Event, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in self.events:
            if isinstance(event, MappingEndEvent):
                self._place(path, start, event.end_mark.index)
                return found
            self._refuse(event, path)
            mark = event.start_mark
            if not isinstance(event, ScalarEvent):
                where = (self.name, mark.line + 1, mark.column + 1)
                mend = "a text with {{ }} inside { } needs quotes around it"
                raise Refused(Problem(*where, "bad-yaml", "a key must be a word", mend))
            key = str(event.value)
            self._place((*path, key, ""), event, event.end_mark.index)
            value = self.node(next(self.events), (*path, key))
            if key in found:
                where = (self.name, mark.line + 1, mark.column + 1)
                what = f"`{_one_line(key)}` is written twice here"
                self.problems.append(Problem(*where, "duplicate-key", what, "keep one of the two"))
            found[key] = value
        raise YAMLError("it ends too soon")

    def _sequence(self, start: Event, path: Path) -> list[Any]:
        found: list[Any] = []
        for event in self.events:
            if isinstance(event, SequenceEndEvent):
                self._place(path, start, event.end_mark.index)
                return found
            found.append(self.node(event, (*path, str(len(found)))))
        raise YAMLError("it ends too soon")
