"""What runs Doorstep on a server says what the command understands."""

import json
import shlex
import shutil
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path

import pytest

from tests.bot.running import finished

ROOT = Path(__file__).parents[1]
UNIT, CONTAINER = ROOT / "deploy" / "doorstep.service", ROOT / "deploy" / "Containerfile"


def unit() -> RawConfigParser:
    read = RawConfigParser(strict=True)
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read_string(UNIT.read_text())
    return read


def instructions() -> dict[str, list[str]]:
    """What stands behind each of the Containerfile's words."""
    found: dict[str, list[str]] = {}
    for line in CONTAINER.read_text().replace("\\\n", " ").splitlines():
        word, _, rest = line.partition(" ")
        if word and word != "#":
            found.setdefault(word, []).append(rest.strip())
    return found


async def refused(arguments: list[str]) -> str:
    code, _, err = await finished(*arguments)
    assert code == 2
    return err


async def test_the_unit_runs_a_command_that_there_is_with_its_own_configuration() -> None:
    service = unit()["Service"]
    program, *arguments = shlex.split(service["ExecStart"])
    assert Path(program).name == "doorstep"
    assert arguments[-1] in await refused(arguments), "it got as far as looking for its configuration"
    assert arguments[-1].startswith(service["WorkingDirectory"])
    assert service["WorkingDirectory"].startswith(f"/var/lib/{service['StateDirectory']}")
    assert service["User"] == "doorstep"


def test_the_unit_waits_longer_than_a_stop_takes_and_begins_again_whatever_happened() -> None:
    service = unit()["Service"]
    assert int(service["TimeoutStopSec"]) > 10
    assert service["Restart"] == "always"
    assert unit()["Unit"]["StartLimitIntervalSec"] == "0"


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze")
    text = UNIT.read_text().replace(shlex.split(unit()["Service"]["ExecStart"])[0], sys.executable)
    (tmp_path / UNIT.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / UNIT.name)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert [line for line in done.stderr.splitlines() if UNIT.name in line] == []


async def test_the_container_runs_a_command_that_there_is_as_nobody_special_with_its_data_on_a_volume() -> None:
    said = instructions()
    assert said["FROM"] == ["python:3.11-slim"]
    assert said["USER"] == ["doorstep"]
    (volume,), (start,) = said["VOLUME"], map(json.loads, said["CMD"])
    assert json.loads(said["ENTRYPOINT"][0]) == ["doorstep"]
    assert start[-1].startswith(f"{volume}/")
    assert start[-1] in await refused(start)
    assert "/healthz" in said["HEALTHCHECK"][0]
    assert "podman build --format docker " in CONTAINER.read_text(), "podman's own format has no HEALTHCHECK"


def test_all_that_the_container_copies_is_there_and_all_that_the_package_needs_is_copied() -> None:
    copied = {name for line in instructions()["COPY"] for name in line.split()[:-1]}
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert {"flows", "storage", "bot", "pyproject.toml", "README.md", "config.example.toml"} <= copied
