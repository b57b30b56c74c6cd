"""The file of towns: where it is kept, and what happens where it cannot be."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from bot import towns_file


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Files are made as empty ones, quickly, and kept below `tmp_path`; their paths, as they were asked for."""
    asked: list[str] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(command[-1])
        Path(command[-1]).touch()
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(towns_file, "gettempdir", lambda: str(tmp_path / "tmp"))
    return asked


def test_it_is_made_once_and_kept_in_the_users_cache(made: list[str], tmp_path: Path) -> None:
    path = towns_file.find()
    assert path.parent == tmp_path / "cache" / "doorstep"
    assert towns_file.find() == path
    assert len(made) == 1


def test_nothing_half_made_is_ever_found(made: list[str]) -> None:
    path = towns_file.find()
    assert made[0] != str(path)
    assert list(path.parent.iterdir()) == [path]


def test_where_the_cache_cannot_be_written_it_is_kept_with_what_is_temporary(made: list[str], tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    assert towns_file.find().parent.parent == tmp_path / "tmp"


def test_where_it_can_be_kept_nowhere_it_says_so(made: list[str], tmp_path: Path) -> None:
    for name in ("cache", "tmp"):
        (tmp_path / name).write_text("in the way")
    with pytest.raises(OSError, match=r"cannot be kept in .*cache.* or .*tmp"):
        towns_file.find()


def test_what_went_wrong_while_making_it_is_told(
    made: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "Traceback\nOperationalError: disk is full\n")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(OSError, match="disk is full"):
        towns_file.find()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
