"""Each file in `broken/` holds one mistake, and says inside which: `# expect: CODE LINE:COLUMN names WORDS`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.check import check
from flows.pages import Problem, read_text
from flows.reader import STARTER, read_files, read_folder

BROKEN = Path(__file__).parent / "broken"
SOUND = Path(__file__).parent / "sound"
EXPECTED = re.compile(r"# expect: (?P<code>\S+) (?P<line>\d+):(?P<column>\d+)(?: names (?P<names>.*))?")

CODES = frozenset(
    """bad-yaml not-a-flow unknown-key duplicate-key alias too-large no-kind two-kinds missing-start missing-target
    no-way-on unreachable silent-loop unknown-do unknown-outcome unhandled-outcome unknown-expect unknown-list
    bad-duration bad-offset bad-moment bad-name unknown-name bad-text bad-condition type-mismatch no-else empty-choices
    duplicate-words bad-words label-too-long text-too-long bad-moved missing-flow""".split()
)
WARNINGS = frozenset("label-long many-choices untranslated never-started urgent-used no-consent".split())


@dataclass(frozen=True)
class Case:
    """A broken library, and the one problem it has."""

    name: str
    files: dict[str, str]
    file: str
    code: str
    line: int
    column: int
    names: tuple[str, ...]
    alone: bool


def _cases() -> Iterator[Case]:
    for path in sorted(BROKEN.iterdir()):
        if path.is_dir():
            files = {f.relative_to(path).as_posix(): f.read_text("utf-8") for f in sorted(path.rglob("*.*"))}
        else:
            files = {f"library/{path.name}": path.read_text("utf-8")}
        for file, text in files.items():
            if found := EXPECTED.search(text):
                names = tuple((found["names"] or "").split())
                place = int(found["line"]), int(found["column"])
                alone = path.is_dir() or "# alone\n" in text
                yield Case(path.stem, files, file, found["code"], *place, names, alone)


CASES = list(_cases())


def _told(problems: tuple[Problem, ...]) -> list[str]:
    return [str(problem) for problem in problems]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_mistake_is_one_problem_at_its_place(case: Case) -> None:
    problems = check(read_files(case.files))
    assert len(problems) == 1, "\n".join(_told(problems))
    (found,) = problems
    assert (found.code, found.file, found.line, found.column) == (case.code, case.file, case.line, case.column), found
    assert found.warning == (case.code in WARNINGS)
    for word in case.names:
        assert word.strip("`") in f"{found.what} {found.mend}", found


def test_every_code_has_a_case() -> None:
    shown_elsewhere = {"too-large"}
    assert {case.code for case in CASES} == (CODES | WARNINGS) - shown_elsewhere
    assert {path.stem for path in BROKEN.iterdir()} == {case.name for case in CASES}


def test_a_folder_of_broken_flows_is_told_whole_in_one_run() -> None:
    together = [case for case in CASES if not case.alone]
    problems = check(read_files({file: text for case in together for file, text in case.files.items()}))
    told = {(p.file, p.line, p.column, p.code) for p in problems}
    assert told == {(case.file, case.line, case.column, case.code) for case in together}


@pytest.mark.parametrize("file", sorted(SOUND.iterdir()), ids=lambda file: file.stem)
def test_what_the_language_allows_is_not_refused(file: Path) -> None:
    text = read_text(file, file.name)
    told = check(read_files({f"library/{file.name}": text}))
    warned = re.findall(r"\A# warns: (\S+)", text)
    assert [problem.code for problem in told] == warned, "\n".join(_told(told))


def test_the_starter_flows_have_no_problem_at_all() -> None:
    assert _told(check(read_folder(STARTER))) == []


def test_a_picture_that_lies_nowhere_is_a_warning_where_a_folder_is_read(tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    shows = (SOUND / "says.yaml").read_text("utf-8")
    (library / "says.yaml").write_text(shows)
    (library / "map.jpg").write_bytes(b"a picture")
    (problem,) = [each for each in check(read_folder(tmp_path)) if each.code == "missing-picture"]
    assert (problem.warning, problem.file, problem.line) == (True, "library/says.yaml", 14)
    assert "`Our Map 2.PNG`" in problem.what
    (library / "Our Map 2.PNG").write_bytes(b"a picture")
    assert [each for each in check(read_folder(tmp_path)) if each.code == "missing-picture"] == []
    assert [each for each in check(read_files({"library/says.yaml": shows})) if each.code == "missing-picture"] == []
