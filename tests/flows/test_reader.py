"""The reader: a folder becomes a library, whole where it can be, and Doorstep's own words stand in for missing ones."""

from pathlib import Path

import pytest

from flows.check import check
from flows.model import Library, Word
from flows.reader import STARTER, read_files, read_folder, translation
from flows.vocabulary import ANYTIME

FLOW = "flow: f\nstarts: {words: [f]}\nstart: x\nstates:\n  x: {say: Hi., end: x}\n"


def _library(**files: str) -> Library:
    return read_files({f"library/{name}.yaml": text for name, text in files.items()}).library


def test_a_folder_without_always_has_the_built_in_words_and_flows() -> None:
    library = _library(f=FLOW)
    assert set(library.anytime) == set(ANYTIME)
    for name, entry in library.anytime.items():
        assert name in {"back", "skip"} or entry.run in library.flows


def test_doorsteps_own_flows_are_called_as_their_files_are() -> None:
    files = {file.stem for file in (STARTER / "library").glob("*.yaml")} - {"always"}
    assert set(read_folder(STARTER).library.flows) == files


def test_built_in_flows_are_not_the_folders_own() -> None:
    reading = read_files({"library/f.yaml": FLOW})
    assert set(reading.pages) == {"f"}
    assert reading.given == {
        "stop",
        "help",
        "human",
        "language",
        "privacy",
        "export",
        "forget_me",
        "report",
        "other_phone",
    }


def test_what_always_names_is_the_folders_and_the_rest_is_built_in() -> None:
    library = _library(f=FLOW, always="anytime:\n  help: {words: [ayuda], run: f}\n")
    assert library.anytime["help"].words == ("ayuda",)
    assert library.anytime["stop"].run == "stop"
    assert library.words["ayuda"].flow == "f"


def test_stop_and_forget_me_are_understood_whatever_else_a_folder_calls_them() -> None:
    words = "anytime:\n  stop: {words: [alto], run: f}\n  forget me: {words: [olvídame, FORGET ME], run: f}\n"
    library = _library(f=FLOW, always=words)
    assert library.words["alto"] == library.words["stop"] == Word("stop", "f")
    assert library.words["forget me"] == Word("forget me", "f")
    assert library.anytime["forget me"].words == ("olvídame", "FORGET ME")


def test_a_translation_of_nothing_but_spaces_is_none() -> None:
    po = 'msgid ""\nmsgstr ""\n\nmsgid "Hello."\nmsgstr "  "\n\nmsgid "f"\nmsgstr "efe"\n'
    assert translation(po) == {"f": "efe"}


def test_a_flow_may_start_with_a_built_in_word_but_for_those_that_people_rely_on() -> None:
    mine = FLOW.replace("[f]", "[menu]")
    assert _library(f=mine).words["menu"].flow == "f"
    assert check(read_files({"library/f.yaml": mine})) == ()
    for word in ("help", "stop", "quit", "forget me"):
        (problem,) = check(read_files({"library/f.yaml": FLOW.replace("[f]", f"[{word}]")}))
        assert problem.code == "duplicate-words"


def test_the_order_of_the_files_does_not_matter() -> None:
    files = {f"library/{file.name}": file.read_text("utf-8") for file in (STARTER / "library").glob("*.yaml")}
    backwards = dict(reversed(list(files.items())))
    assert read_files(files).library.words == read_files(backwards).library.words
    assert check(read_files(files)) == check(read_files(backwards)) == ()


def test_files_of_other_kinds_and_names_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "languages").mkdir()
    for name in ("library/f.yaml", "library/f.yaml.bak", "library/f.txt", "languages/README"):
        (tmp_path / name).write_text(FLOW)
    assert set(read_folder(tmp_path).files) == {"library/f.yaml"}


def test_a_folder_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="library"):
        read_folder(tmp_path)


def test_a_flow_with_a_mistake_is_read_as_far_as_it_goes() -> None:
    head = FLOW.partition("  x:")[0]
    states = "  x: {sya: Hi., goto: y}\n  y: {do: nonsense, go: z}\n  z: {end: z}\n"
    reading = read_files({"library/f.yaml": head + states})
    assert set(reading.library.flows["f"].states) >= {"x", "z"}
    assert reading.shaky["f"] == {"x", "y"}
    assert [problem.code for problem in check(reading)] == ["no-kind", "unknown-do"]


def test_a_translation_can_be_said_in_place_of_a_word() -> None:
    po = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "f"\nmsgstr "efe"\n'
    library = read_files({"library/f.yaml": FLOW, "languages/es.po": po}).library
    assert library.words["efe"].flow == "f"


def test_a_file_is_read_whatever_the_case_of_its_ending(tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "PICNIC.YAML").write_text(FLOW)
    assert "f" in read_folder(tmp_path).library.flows


def test_the_same_files_are_read_and_checked_once_and_changed_ones_again(tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    file = tmp_path / "library" / "f.yaml"
    file.write_text(FLOW)
    good = read_folder(tmp_path)
    assert read_folder(tmp_path) is good
    assert check(read_folder(tmp_path)) is check(good)
    file.write_text(FLOW.replace("start: x", "start: y"))
    assert [problem.code for problem in check(read_folder(tmp_path)) if not problem.warning] == ["missing-start"]
    file.write_text(FLOW)
    assert read_folder(tmp_path) is good
    (tmp_path / "library" / "picture.jpg").touch()
    assert read_folder(tmp_path).beside == frozenset({"f.yaml", "picture.jpg"}), "what lies beside them counts too"
