"""`doorstep check` and `doorstep test` as they are called: what they print, where, and how they exit."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import PATIENCE

GOOD = "flow: {name}\nstarts: {{words: [{name}]}}\nstart: x\nstates:\n  x: {{say: Hi., end: x}}\n"
LINE = re.compile(r"(?P<file>.+):(?P<line>\d+):(?P<column>\d+): (error|warning): .+ (\(.+\) )?\[[a-z-]+\]")


def doorstep(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the real command."""
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", *arguments],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        env={**os.environ, **environment},
        timeout=PATIENCE,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one good flow."""
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "good.yaml").write_text(GOOD.format(name="good"))
    return tmp_path


def _warned(folder: Path) -> None:
    (folder / "library" / "loud.yaml").write_text("urgent: true\n" + GOOD.format(name="loud"))


def _broken(folder: Path, name: str = "broken.yaml") -> None:
    text = GOOD.format(name="broken").replace("end: x", "go: nowhere_at_all")
    (folder / "library" / name).write_text(text, "utf-8")


def test_a_good_folder_prints_nothing_and_exits_with_0(folder: Path) -> None:
    done = doorstep("check", str(folder))
    assert (done.returncode, done.stdout) == (0, "")


def test_the_flows_that_come_with_doorstep_are_good(tmp_path: Path) -> None:
    done = doorstep("check", "--strict")
    assert (done.returncode, done.stdout) == (0, "")


def test_an_error_is_one_line_that_says_where(folder: Path) -> None:
    _broken(folder)
    done = doorstep("check", str(folder))
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    assert LINE.fullmatch(line)
    assert line.startswith(f"{folder}/library/broken.yaml:5:21: error: `nowhere_at_all` ")
    assert line.endswith("[missing-target]")


def test_lines_are_not_wrapped_where_the_terminal_is_narrow(folder: Path) -> None:
    _broken(folder, f"{'long_' * 30}name.yaml")
    done = doorstep("check", str(folder), COLUMNS="20", TERM="xterm", FORCE_COLOR="1")
    (line,) = done.stdout.splitlines()
    assert LINE.fullmatch(line)
    assert "\x1b" not in line


def test_warnings_count_only_where_one_is_strict(folder: Path) -> None:
    _warned(folder)
    easy, strict = doorstep("check", str(folder)), doorstep("check", str(folder), "--strict")
    assert (easy.returncode, strict.returncode) == (0, 1)
    assert easy.stdout == strict.stdout
    (line,) = easy.stdout.splitlines()
    assert ": warning: " in line
    assert line.endswith("[urgent-used]")


def test_json_is_one_list_with_the_same_problems(folder: Path) -> None:
    _broken(folder)
    _warned(folder)
    done = doorstep("check", str(folder), "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert [(each["code"], each["kind"], each["line"]) for each in told] == [
        ("missing-target", "error", 5),
        ("urgent-used", "warning", 1),
    ]
    assert set(told[0]) == {"file", "line", "column", "kind", "code", "what", "mend"}
    (folder / "library" / "broken.yaml").unlink()
    (folder / "library" / "loud.yaml").unlink()
    assert json.loads(doorstep("check", str(folder), "--json").stdout) == []


def test_the_vocabulary_is_printed(tmp_path: Path) -> None:
    done = doorstep("check", "--vocabulary")
    assert done.returncode == 0
    for word in ("me.interests", "find_buddy", "offered", "pair.introduced", "actions_near_me", "signed_up"):
        assert word in done.stdout


@pytest.mark.parametrize("command", ["check", "test"])
@pytest.mark.parametrize("where", ["nowhere", "empty", "file", "library"])
def test_a_folder_without_library_is_wrong_usage_in_one_line(command: str, where: str, folder: Path) -> None:
    (folder / "empty").mkdir()
    (folder / "file").write_text("")
    done = doorstep(command, str(folder / where))
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert str(folder / where) in line
    assert "library" in line


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("closed", [".", "library"])
def test_a_folder_that_may_not_be_read_is_one_line(closed: str, folder: Path) -> None:
    (folder / closed).chmod(0)
    try:
        done = doorstep("check", str(folder))
    finally:
        (folder / closed).chmod(0o755)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["with spaces.yaml", "größe 你好.yaml", "a:b.yaml", "two\nlines.yaml", "short.yml"])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_any_file_name_is_shown_on_one_line(name: str, encoding: str, folder: Path) -> None:
    _broken(folder, name)
    done = doorstep("check", str(folder), PYTHONIOENCODING=encoding)
    assert done.returncode == 1, done.stderr
    (line,) = done.stdout.splitlines()
    assert LINE.fullmatch(line)
    assert "Traceback" not in done.stderr


def test_what_is_no_flow_file_is_left_alone(folder: Path) -> None:
    for name in ("notes.txt", "README.md", "good.yaml~", ".good.yaml.swp", "._good.yaml", ".#good.yaml"):
        (folder / "library" / name).write_text("{")
    (folder / "library" / "old.yaml").mkdir()
    done = doorstep("check", str(folder))
    (line,) = done.stdout.splitlines()
    assert "old.yaml" in line


def test_an_unknown_option_is_wrong_usage(folder: Path) -> None:
    assert doorstep("check", str(folder), "--colour").returncode == 2
    assert doorstep("chekc").returncode == 2


WRONG = [
    *("frobnicate", "check --nope", "draw", "run", "try --port x", "try --port 99999", "draw help --svg no/x/y"),
    *("pair --people x.csv --method best", "people contact Ana --config x.toml", "passphrase"),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_usage_is_one_line_and_exits_with_2(wrong: str) -> None:
    called = doorstep(*wrong.split())
    assert called.returncode == 2
    assert called.stdout == ""
    assert len(called.stderr.splitlines()) == 1
    assert called.stderr.startswith("doorstep: ")
    assert "Input should" not in called.stderr
    assert "Value error" not in called.stderr


def test_the_flows_that_come_with_doorstep_are_not_translated_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    called = doorstep("translate", "xx", PYTHONPATH=str(Path(__file__).parents[2]))
    assert (called.returncode, called.stdout) == (2, "")
    assert "no folder `flows` here" in called.stderr


def test_a_command_that_nobody_can_answer_does_nothing_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[org]\nname = "Us"\n')
    called = doorstep("export", str(tmp_path / "out"), "--config", str(tmp_path / "config.toml"))
    assert called.returncode == 2
    assert called.stderr.splitlines()[-1].startswith("doorstep: nobody answered")
    assert not (tmp_path / "out").exists()


def test_without_anything_it_tells_what_it_can_do() -> None:
    called = doorstep()
    assert called.returncode == 0
    assert "check" in called.stdout
