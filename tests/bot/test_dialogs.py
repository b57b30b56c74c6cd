"""`doorstep test`: the first line that differs, side by side."""

from pathlib import Path

import pytest

from bot.dialogs import side_by_side
from flows.dialog import Differs
from tests.bot.test_cli import GOOD, doorstep

TRUE = "dialog: a greeting\nflow: good\ntalk:\n  - bot: Hi.\n  - ends: x\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one flow and one dialog."""
    (tmp_path / "flows" / "library").mkdir(parents=True)
    (tmp_path / "flows" / "dialogs").mkdir()
    (tmp_path / "flows" / "library" / "good.yaml").write_text(GOOD.format(name="good"))
    (tmp_path / "flows" / "dialogs" / "good.yaml").write_text(TRUE)
    return tmp_path / "flows"


def test_true_dialogs_exit_with_0(folder: Path) -> None:
    done = doorstep("test", str(folder))
    assert done.returncode == 0, done.stdout
    assert "good.yaml:1: a greeting: ok" in done.stdout


def test_the_dialogs_that_come_with_doorstep_are_true() -> None:
    assert doorstep("test").returncode == 0


def test_the_first_line_that_differs_is_shown_side_by_side(folder: Path) -> None:
    (folder / "dialogs" / "good.yaml").write_text(TRUE.replace("Hi.", "Ho.") + "---\n" + TRUE)
    done = doorstep("test", str(folder))
    assert done.returncode == 1
    assert f"{folder}/dialogs/good.yaml:4: a greeting: differs here" in done.stdout
    (shown,) = (line for line in done.stdout.splitlines() if "Ho." in line)
    assert shown.split("│")[0].strip() == "bot: Ho."
    assert shown.split("│")[1].strip() == "bot: Hi."
    assert "good.yaml:7: a greeting: ok" in done.stdout


def test_a_dialog_that_cannot_be_read_counts(folder: Path) -> None:
    (folder / "dialogs" / "bad.yml").write_text(TRUE + "  - latr: 1 day\n")
    done = doorstep("test", str(folder))
    assert done.returncode == 1
    assert "bad.yml:6:5: error: " in done.stdout
    assert "`later`" in done.stdout


def test_flows_with_errors_are_not_played(folder: Path) -> None:
    (folder / "library" / "bad.yaml").write_text("flow: bad\n")
    done = doorstep("test", str(folder))
    assert done.returncode == 1
    assert "[not-a-flow]" in done.stdout
    assert "ok" not in done.stdout


def test_the_group_of_the_configuration_is_the_one_played(folder: Path) -> None:
    (folder / "library" / "good.yaml").write_text(GOOD.format(name="good").replace("Hi.", "'Hi from {{ org.name }}.'"))
    (folder / "dialogs" / "good.yaml").write_text(TRUE.replace("Hi.", "Hi from Your group."))
    assert doorstep("test", str(folder)).returncode == 0
    (folder.parent / "config.toml").write_text('[org]\nname = "Leeds Neighbours"\n')
    done = doorstep("test", str(folder))
    assert done.returncode == 1
    assert "Hi from Leeds Neighbours." in done.stdout


def test_long_texts_stand_beside_each_other() -> None:
    lines = side_by_side(Differs(1, "bot: " + "word " * 30, "x" * 100)).splitlines()
    assert len({line.index("│") for line in lines}) == 1
    assert max(map(len, lines)) < 110
