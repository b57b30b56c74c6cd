"""The page from which organizers learn to write flows shows nothing that does not work."""

import re
from pathlib import Path

from flows.check import check
from flows.dialog import play
from flows.reader import STARTER, read_files, read_folder
from flows.transcript import read_dialogs

GUIDE = (Path(__file__).parents[2] / "flows" / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
WHOLE = [block for block in BLOCKS if block.startswith("flow:")]
DIALOGS = [block for block in BLOCKS if block.startswith("dialog:")]
STATES = [block for block in BLOCKS if block.startswith("  ")]
HEADS = [block for block in BLOCKS if block.startswith(("starts:", "moved:"))]


def test_every_example_is_of_a_kind_that_is_tried_here() -> None:
    assert sorted(WHOLE + DIALOGS + STATES + HEADS) == sorted(BLOCKS)
    assert all([WHOLE, DIALOGS, STATES, HEADS])


def test_whole_flows_are_without_any_complaint() -> None:
    for block in WHOLE:
        assert check(read_files({"library/guide.yaml": block})) == ()


def test_the_dialog_comes_true_with_the_first_flow() -> None:
    library = read_files({"library/guide.yaml": WHOLE[0]}).library
    for block in DIALOGS:
        pages, problems = read_dialogs(block, "guide.yaml")
        assert not problems
        assert [play(library, page).differs for page in pages] == [None] * len(pages)


def test_examples_of_states_work_together_in_one_flow() -> None:
    head = "flow: guide\nabout: All examples.\nstarts: {words: [guide]}\nstart: about_us\nstates:\n"
    flow = head + "\n".join(STATES) + "\n  consent: {do: record_consent, with: {to: keep}, go: next}\n"
    for _ in range(2):
        problems = check(read_files({"library/guide.yaml": flow}))
        missing = {re.search(r"`(\w+)`", each.what)[1] for each in problems if each.code == "missing-target"}  # type: ignore[index]
        flow += "".join(f"  {name}: {{end: done}}\n" for name in sorted(missing))
    left = [str(each) for each in problems if each.code != "unreachable"]
    assert left == []


def test_examples_of_beginnings_are_understood() -> None:
    for number, block in enumerate(HEADS):
        flow = f"flow: guide{number}\nabout: A beginning.\nstart: hello\n{block}states:\n  hello: {{end: done}}\n"
        flow = flow.replace("a state", "hello").replace("new_state", "hello")
        assert {each.code for each in check(read_files({"library/guide.yaml": flow}))} <= {"never-started"}


def test_the_line_that_explains_complaints_is_one_that_check_writes() -> None:
    shown = re.search(r"flows/(library/picnic\.yaml:\d+:\d+: error: .*)\n", GUIDE)
    assert shown is not None
    broken = WHOLE[0].replace("go: great}", "go: graet}")
    (problem,) = [each for each in check(read_files({"library/picnic.yaml": broken})) if each.code == "missing-target"]
    assert str(problem) == shown[1]


def test_the_guide_names_every_flow_that_comes_with_doorstep() -> None:
    table = GUIDE.partition("## 11. ")[2]
    assert sorted(re.findall(r"`(\w+)`", table)) == sorted(read_folder(STARTER).library.flows)
