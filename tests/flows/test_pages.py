"""Pages: every scalar is the text that stands there, and everything has its line and column."""

import os
from pathlib import Path

import pytest

from flows.pages import Page, Problem, Refused, near, nearest, pages, read_text


def _page(text: str) -> Page:
    ((page, problems),) = pages(text, "x.yaml")
    assert problems == []
    return page


@pytest.mark.parametrize("written", ["no", "yes", "1.50", "0x10", "2026-06-01", "null", "~", "on", "1_000", "12:30"])
def test_a_scalar_is_the_text_that_stands_there(written: str) -> None:
    assert _page(f"a: {written}\n{written}: b\n").tree == {"a": written, written: "b"}


def test_nothing_is_not_the_empty_text() -> None:
    assert _page("a:\nb: ''\n").tree == {"a": None, "b": ""}


def test_lines_and_columns_are_those_of_an_editor() -> None:
    page = _page("a: 1\nb:\n  - c: {d: über, e: 🌱 x}\n")
    assert [(page.span(path).line, page.span(path).column) for path in [("a",), ("b", "0", "c", "e")]] == [
        (1, 4),
        (3, 21),
    ]
    assert page.span(("b", "0", "c", "e", "")).column == 18


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("strange", ["\u2028", "\u0085", "\u2029"])
def test_signs_that_only_look_like_line_ends_do_not_move_a_problem(end: str, strange: str) -> None:
    page = _page(f"a: 'x{strange}y'{end}b: z{end}")
    assert page.span(("b",)).line == 2


def test_what_is_not_there_is_shown_where_it_would_stand() -> None:
    page = _page("a:\n  b: c\n")
    assert page.span(("a", "b", "z", "y")).line == 2
    assert page.span(("nowhere",)).line == 1


def test_a_problem_points_at_the_words_it_is_about() -> None:
    page = _page("a: |\n  one\n  two three\n")
    found = page.problem("bad-text", "no", ("a",), snippet="three")
    assert (found.line, found.column) == (3, 7)


def test_a_problem_is_one_line() -> None:
    shown = str(Problem("two\nlines.yaml", 3, 4, "bad-text", "what", "how"))
    assert shown == "two lines.yaml:3:4: error: what (how) [bad-text]"


def test_a_file_that_is_not_utf8_or_not_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wide.yaml").write_text("flow: x\n", "utf-16")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.yaml")
    for name in ("wide", "folder", "gone", "pipe"):
        with pytest.raises(Refused) as refused:
            read_text(tmp_path / f"{name}.yaml", name)
        assert refused.value.problem.code == "bad-yaml"


def test_256_kib_are_read_and_one_byte_more_is_not(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes(b"#" * 256 * 1024)
    assert len(read_text(file, "x")) == 256 * 1024
    file.write_bytes(b"#" * (256 * 1024 + 1))
    with pytest.raises(Refused) as refused:
        read_text(file, "x")
    assert refused.value.problem.code == "too-large"


@pytest.mark.parametrize(
    ("written", "known", "meant"),
    [
        ("goto", ["go", "say", "ask"], "go"),
        ("og", ["go", "on"], "go"),
        ("me.nmae", ["me.name", "me.place", "org.name"], "me.name"),
        ("introduced", ["pair.introduced", "pair.ended"], "pair.introduced"),
        ("adults", ["answers.adults", "me.adult"], "answers.adults"),
        ("Find_Buddy", ["find_buddy"], "find_buddy"),
        ("rocket", ["go", "say"], ""),
        ("me.town", ["me.name", "me.times"], ""),
        ("", ["go"], ""),
    ],
)
def test_the_word_that_was_meant(written: str, known: list[str], meant: str) -> None:
    assert near(written, known) == meant


def test_where_no_word_is_near_the_few_that_are_known_are_named() -> None:
    assert nearest("rocket", ["say", "ask"]) == "known are ask, say"
    assert nearest("rocket", [f"word_{n}" for n in range(100)]) == ""
    assert nearest("me.zzz", ["me.name", "me.place", *(f"org.{n}" for n in range(99))]) == "known are me.name, me.place"
