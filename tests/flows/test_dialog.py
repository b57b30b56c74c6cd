"""Dialogs: what each kind of line wants, and the exact line on which one stops being true."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from flows.dialog import Differs, Setting, play, read_dialogs
from flows.model import Library
from flows.reader import STARTER, read_files, read_folder

FLOW = """
flow: picnic
starts: {words: [picnic]}
start: hello
states:
  hello: {say: "Hi {{ me.name }} of {{ org.name }}!", go: which}
  which:
    ask: Which?
    choose: many
    choices: {bread: Bread, salad: Salad, cake: 🍰 Cake}
    save: brings
    go: sure
  sure:
    ask: Sure?
    choices:
      yes: {label: Oh yes, go: offer}
      no: {label: Rather not, go: off}
    after:
      1 hour: {say: One hour.}
      3 hours: {say: Three hours., do: tell_coordinators, with: {about: slow}}
      12 hours: {say: Good morning.}
      2 days: {go: off}
  offer: {do: find_buddy, on: {offered: waiting, nobody: alone, not_possible: off}}
  waiting: {wait: pair.introduced, go: inner}
  inner: {run: sub, on: {sung: done}, go: off}
  alone: {say: Alone then., attach: {picture: map.jpg}, go: done}
  off: {say: Off., end: off}
  done: {end: done}
"""
SUB = """
flow: sub
start: song
states:
  song: {ask: Sing., expect: text, save: song, go: over}
  over: {say: 'You sang {{ answers.song }}.', end: sung}
"""
HEAD = "dialog: d\nflow: picnic\nme: {name: Ana}\ntalk:\n"
BEGIN = "  - bot: Hi Ana of Your group!\n  - bot: Which?\n  - me: 1 and 3\n  - bot: Sure?\n"
"""Lines 5 to 8 of a dialog."""


@pytest.fixture(scope="module")
def library() -> Library:
    return read_files({"library/picnic.yaml": FLOW, "library/sub.yaml": SUB}).library


def _played(library: Library, text: str) -> Differs | None:
    dialogs, problems = read_dialogs(text, "dialogs/d.yaml")
    assert problems == []
    return play(library, dialogs[0]).differs


@pytest.mark.parametrize(
    "lines",
    [
        "  - me: [Oh yes]\n  - does: find_buddy\n    then: offered\n  - happens: pair.introduced\n  - bot: Sing.\n"
        "  - me: la la\n  - bot: You sang la la.\n  - ends: done\n",
        "  - me: yes\n  - does: find_buddy\n    then: nobody\n  - bot: Alone then.\n    attach: {picture: map.jpg}\n"
        "  - ends: done\n",
        "  - later: 90 minutes\n  - bot: One hour.\n  - me: no\n  - bot: Off.\n  - ends: off\n",
        "  - later: 3 hours\n  - bot: One hour.\n  - bot: Three hours.\n",
        "  - later: 3 hours\n  - bot: ...\n  - bot: T...e h...s.\n  - does: tell_coordinators\n"
        "    with: {about: slow}\n",
        "  - later: 5 days\n  - bot: One hour.\n  - bot: Three hours.\n  - bot: Good morning.\n  - bot: Off.\n"
        "  - ends: off\n",
        "  - later: 12 hours\n  - bot: One hour.\n  - bot: Three hours.\n  - later: 9 hours\n  - later: 1 hour\n"
        "  - bot: Good morning.\n",
    ],
    ids=["in full", "alone", "after", "several at once", "wildcards", "to the end", "quiet hours"],
)
def test_a_true_dialog_comes_true(library: Library, lines: str) -> None:
    assert _played(library, HEAD + BEGIN + lines) is None


@pytest.mark.parametrize(
    ("lines", "line", "actual"),
    [
        ("  - bot: Hello!\n", 5, "bot: Hi Ana of Your group!"),
        ("  - bot: Hi Ana\n", 5, "bot: Hi Ana of Your group!"),
        ("  - bot: ... group?\n", 5, "bot: Hi Ana of Your group!"),
        ("  - me: hello\n", 5, "bot: Hi Ana of Your group!"),
        ("  - bot: Hi ...\n", 5, "bot: Which?"),
        ("  - bot: Hi ...\n  - bot: Which?\n    choices: [Bread, Salad]\n", 7, "choices: [Bread, Salad, 🍰 Cake]"),
        (
            "  - bot: Hi ...\n  - bot: Which?\n    choices: [Bread, Salat, 🍰 Cake]\n",
            7,
            "choices: [Bread, Salad, 🍰 Cake]",
        ),
        (BEGIN + "  - me: [Oh no]\n", 9, "one of these can be pressed: [Oh yes, Rather not]"),
        (BEGIN + "  - me: [Oh yes, Rather not]\n", 9, "one of these can be pressed: [Oh yes, Rather not]"),
        (BEGIN + "  - me: [Oh yes]\n", 9, "does: find_buddy (with `then:` one of offered, nobody, not_possible)"),
        (
            BEGIN + "  - me: [Oh yes]\n  - bot: Hm.\n",
            10,
            "does: find_buddy (with `then:` one of offered, nobody, not_possible)",
        ),
        (BEGIN + "  - later: 1 hour\n", 9, "bot: One hour."),
        (BEGIN + "  - later: 59 minutes\n  - bot: One hour.\n", 10, "nothing more comes here"),
        (BEGIN + "  - happens: pair.introduced\n  - ends: done\n", 10, "the flow goes on"),
        (BEGIN + "  - me: no\n  - bot: Off.\n  - ends: done\n", 11, "ends: off"),
        (BEGIN + "  - me: no\n  - bot: Off.\n  - me: [Oh yes]\n", 11, "there is no button to press"),
        (
            BEGIN + "  - later: 3 hours\n  - bot: ...\n  - bot: ...\n  - does: report\n",
            12,
            "nothing more comes here",
        ),
        (
            BEGIN + "  - later: 3 hours\n  - bot: ...\n  - bot: ...\n"
            "  - does: tell_coordinators\n    with: {about: fast}\n",
            13,
            "with: {about: slow}",
        ),
    ],
)
def test_what_differs_is_shown_at_its_line(library: Library, lines: str, line: int, actual: str) -> None:
    differs = _played(library, HEAD + lines)
    assert differs is not None
    assert differs.line == line
    assert differs.actual == actual


@pytest.mark.parametrize("written", ["yes", "No", "7", "1.50", "2026-06-01", "null", "0x10", "~"])
@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_what_stands_after_me_is_text_even_unquoted(library: Library, written: str, quote: str) -> None:
    lines = f"  - bot: Sing.\n  - me: {quote}{written}{quote}\n  - bot: You sang {written}.\n"
    assert _played(library, f"dialog: d\nflow: sub\ntalk:\n{lines}") is None


def test_a_dialog_begins_on_a_monday_at_ten_in_the_zone_of_the_group(library: Library) -> None:
    flow = "flow: f\nstarts: {words: [f]}\nstart: s\nstates:\n  s: {say: '{{ now | when }}', end: x}\n"
    held = read_files({"library/f.yaml": flow}).library
    dialogs, _ = read_dialogs("dialog: d\nflow: f\ntalk:\n  - bot: Monday 1 June, 10:00\n", "d.yaml")
    for zone in ("UTC", "Asia/Tokyo", "America/New_York"):
        assert play(held, dialogs[0], Setting(zone=zone)).differs is None


def test_several_dialogs_stand_in_one_file() -> None:
    text = "dialog: a\nflow: x\ntalk: [{bot: a}]\n---\ndialog: b\nflow: x\ntalk: [{bot: b}]\n---\n"
    dialogs, problems = read_dialogs(text, "d.yaml")
    assert [page.tree["dialog"] for page in dialogs] == ["a", "b"]
    assert problems == []


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("- a\n", 1, "not-a-flow"),
        ("dialog: d\nflow: x\n", 1, "not-a-flow"),
        ("dialog: d\nflow: x\ntlak: []\ntalk: [{bot: a}]\n", 3, "unknown-key"),
        ("dialog: d\nflow: x\nme: Ana\ntalk: [{bot: a}]\n", 3, "type-mismatch"),
        ("dialog: d\nflow: x\npair: {othr: Bo}\ntalk: [{bot: a}]\n", 3, "unknown-name"),
        ("dialog: d\nflow: x\ntalk: Hello\n", 3, "type-mismatch"),
        ("dialog: d\nflow: x\ntalk:\n  - bot: a\n  - bto: b\n", 5, "no-kind"),
        ("dialog: d\nflow: x\ntalk:\n  - bot: a\n  - just a text\n", 5, "no-kind"),
        ("dialog: d\nflow: x\ntalk:\n  - bot: a\n    me: b\n", 5, "two-kinds"),
        ("dialog: d\nflow: x\ntalk:\n  - bot: a\n    choice: [b]\n", 5, "unknown-key"),
        ("dialog: d\nflow: x\ntalk:\n  - bot: a\n    choices: b\n", 5, "type-mismatch"),
        ("dialog: d\nflow: x\ntalk:\n  - bot: [a]\n", 4, "type-mismatch"),
        ("dialog: d\nflow: x\ntalk:\n  - bot:\n", 4, "bad-text"),
        ("dialog: d\nflow: x\ntalk:\n  - me: []\n", 4, "type-mismatch"),
        ("dialog: d\nflow: x\ntalk:\n  - me: {a: b}\n", 4, "type-mismatch"),
        ("dialog: d\nflow: x\ntalk:\n  - later: 2 dayz\n", 4, "bad-duration"),
        ("dialog: d\nflow: x\ntalk:\n  - happens: pair.meet\n", 4, "unknown-name"),
        ("dialog: d\nflow: x\ntalk:\n  - does: find_budy\n    then: nobody\n", 4, "unknown-do"),
        ("dialog: d\nflow: x\ntalk:\n  - does: find_buddy\n    then: no\n", 5, "unknown-outcome"),
        ("dialog: d\nflow: x\ntalk:\n  - does: find_buddy\n", 4, "unhandled-outcome"),
        ("dialog: d\nflow: x\ntalk:\n  - does: report\n    with: {abuot: x}\n", 5, "unknown-key"),
        ("dialog: d\nflow: x\ntalk:\n  - bot: a: b\n", 4, "bad-yaml"),
        ("dialog: d\nflow: x\nflow: x\ntalk: [{bot: a}]\n", 3, "duplicate-key"),
    ],
)
def test_a_dialog_that_cannot_be_played_says_where(text: str, line: int, code: str) -> None:
    dialogs, (problem,) = read_dialogs(text, "d.yaml")
    assert dialogs == []
    assert (problem.line, problem.code) == (line, code), problem


def test_a_flow_or_field_that_is_not_there_differs_in_the_head(library: Library) -> None:
    assert _played(library, "dialog: d\nflow: picnik\ntalk: [{bot: a}]\n") == Differs(
        2, "flow: picnik", "there is no such flow (did you mean `picnic`?)"
    )
    differs = _played(library, "dialog: d\nflow: picnic\nme:\n  nmae: Ana\ntalk: [{bot: a}]\n")
    assert differs is not None
    assert differs.line == 4
    assert "me.name" in differs.actual


# --- the dialogs that come with Doorstep: every line of them matters ---------------------------------------------

DIALOGS = sorted((STARTER / "dialogs").glob("*.yaml"))


def test_every_starter_flow_has_a_dialog() -> None:
    assert {file.stem for file in DIALOGS} == {file.stem for file in (STARTER / "library").glob("*.yaml")} - {"always"}


def _pages(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Each dialog of a file: the number of its first line from 0, and its lines up to the next dialog."""
    lines = file.read_text("utf-8").split("\n")
    begins = [0, *(number + 1 for number, line in enumerate(lines) if line == "---"), len(lines) + 1]
    yield from ((begin, lines[begin : end - 1]) for begin, end in pairwise(begins))


def _alone(begin: int, lines: list[str]) -> str:
    """One dialog, its lines where they are in its file."""
    return "\n" * begin + "\n".join(lines)


@pytest.mark.parametrize("file", DIALOGS, ids=lambda file: file.stem)
def test_dialogs_of_one_file_are_read_as_if_each_were_alone(file: Path) -> None:
    together, problems = read_dialogs(file.read_text("utf-8"), file.name)
    apart = [read_dialogs(_alone(begin, lines), file.name) for begin, lines in _pages(file)]
    assert problems == [problem for _, each in apart for problem in each] == []
    lines = [{where: span.line for where, span in page.spans.items()} for page in together]
    assert [page.tree for page in together] == [page.tree for pages, _ in apart for page in pages]
    assert lines == [{at: span.line for at, span in page.spans.items()} for pages, _ in apart for page in pages]


def _changes() -> Iterator[tuple[str, int, str, str]]:
    """(file, line, its dialog with that line changed, what the line begins with), for each line of each dialog."""
    for file in DIALOGS:
        for begin, lines in _pages(file):
            for number, line in enumerate(lines):
                if changed := _changed(line, lines[number - 1]):
                    text = _alone(begin, [*lines[:number], changed, *lines[number + 1 :]])
                    yield file.stem, begin + number + 1, text, line.strip(" -").partition(":")[0]


_ALIKE = {
    "find_buddy": "another_buddy",
    "record_consent": "withdraw_consent",
    "tell_coordinators": "report",
    "hand_over": "report",
    "report": "hand_over",
}
"""For each `do` of the dialogs another that takes the same."""


_OWN = {
    "propose_action": {"proposed": "not_possible", "not_possible": "proposed"},
    "call_gathering": {"called": "nobody", "nobody": "not_possible", "not_possible": "called"},
}
"""Of a `do` that shares the name of an outcome with others: what else it can come to."""


def _changed(line: str, before: str) -> str:
    kind, colon, value = line.partition(": ")
    key = kind.strip(" -")
    new = {
        "bot": "Something that was never said.",
        "choices": "[Nothing like it]",
        "me": "[No such button]" if value.startswith("[") else "???",
        "later": "1 second",
        "does": _ALIKE.get(value, "no_such_deed"),
        "then": next((others.get(value, "") for do, others in _OWN.items() if do in before), _other(value)),
        "happens": "human.replied",
        "ends": "somehow else",
        "flow": "no_such_flow",
        "with": "{about: nothing like it}" if "about" in value else "{to: picture}",
    }.get(key)
    said_at_will = key == "bot" and value == "..."
    return f"{kind}{colon}{new}" if new and not said_at_will else ""


def _other(outcome: str) -> str:
    return {
        **{
            "offered": "nobody",
            "nobody": "not_possible",
            "not_possible": "offered",
            "both": "waiting",
            "waiting": "both",
        },
        **{"signed_up": "past", "waiting_list": "signed_up", "full": "signed_up", "past": "signed_up"},
        **{"checked_in": "not_now", "wrong_code": "not_now", "not_now": "checked_in"},
        **{"asked": "already", "already": "asked"},
        **{"found": "none", "none": "found"},
    }.get(outcome, "")


@pytest.fixture(scope="module")
def starter() -> Library:
    return read_folder(STARTER).library


@pytest.mark.parametrize(("file", "line", "text", "kind"), list(_changes()))
def test_a_changed_line_is_the_one_that_is_shown(starter: Library, file: str, line: int, text: str, kind: str) -> None:
    dialogs, problems = read_dialogs(text, f"dialogs/{file}.yaml")
    differs = [played.differs for page in dialogs if (played := play(starter, page)).differs]
    told = [problem.line for problem in problems] + [each.line for each in differs]
    assert len(told) == 1, "the dialog stops being true"
    written = text.split("\n")[line - 1]
    at_once = written.startswith("me:") or "- me: [" in written
    if kind in {"me", "later", "happens", "then"} and not at_once:
        assert told[0] in _next_told(text.split("\n"), line)
    else:
        assert told == [line]


def _next_told(lines: list[str], line: int) -> list[int]:
    """The next line that says what the bot does, with what stands beside it: the first that can differ."""
    following = [n for n, text in enumerate([*lines, "---"][line:], line + 1) if re.match(r"  - |---", text)]
    told = next(n for n in following if re.match(r"  - (bot|does|ends)", lines[n - 1]))
    return list(range(told, next(n for n in following if n > told)))


def _shortened() -> Iterator[tuple[str, int, str]]:
    """(file, line, its dialog without the message at that line), for each message of each dialog."""
    for file in DIALOGS:
        for begin, lines in _pages(file):
            for number, line in enumerate(lines):
                if line.startswith("  - bot"):
                    rest = range(number + 1, len(lines))
                    end = next((n for n in rest if not lines[n].startswith("    ")), len(lines))
                    yield file.stem, begin + number + 1, _alone(begin, [*lines[:number], *lines[end:]])


@pytest.mark.parametrize(("file", "line", "text"), list(_shortened()))
def test_a_message_left_out_is_missed(starter: Library, file: str, line: int, text: str) -> None:
    dialogs, problems = read_dialogs(text, f"dialogs/{file}.yaml")
    assert problems == []
    (differs,) = (played.differs for page in dialogs if (played := play(starter, page)).differs)
    # the line that stands in its place now, or the last one where it was the last
    rest = text.split("\n")[line - 1 :]
    assert differs.line == (line if rest and rest[0].startswith("  - ") else line - 1)
