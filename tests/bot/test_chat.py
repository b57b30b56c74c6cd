"""`doorstep chat`, through a pipe and through a terminal."""

import asyncio
import os
import pty
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.bot.talking import ALWAYS, write
from tests.bot.test_killed import CHAIN
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "flows", {**ALWAYS, "chain": CHAIN})
    return tmp_path


async def begin(folder: Path, *arguments: str, stdin: int = PIPE, stdout: int = PIPE, stderr: int = PIPE) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.cli", "chat", *arguments, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=stdin, stdout=stdout, stderr=stderr,
    )  # fmt: skip


async def piped(folder: Path, text: str, *arguments: str) -> tuple[str, str]:
    process = await begin(folder, *arguments)
    out, err = await asyncio.wait_for(process.communicate(text.encode()), PATIENCE)
    assert process.returncode == 0, err.decode()
    return out.decode(), err.decode()


def bubbles(out: str) -> list[str]:
    return [" ".join(each.split()) for each in out.split("\n\n") if each.strip()]


async def test_each_line_of_a_pipe_is_answered_before_it_ends(folder: Path) -> None:
    out, _ = await piped(folder, "hello\none\ntwo\n")
    assert bubbles(out) == [
        "Odd. Before that you said <>.",
        "Even. Before that you said <one>.",
        "Odd. Before that you said <two>.",
    ]


async def test_it_goes_on_where_it_was_unless_it_is_to_begin_anew(folder: Path) -> None:
    await piped(folder, "hello\n")
    out, err = await piped(folder, "one\n")
    assert "where we were" in err
    assert bubbles(out) == ["Odd. Before that you said <>.", "Even. Before that you said <one>."]
    out, err = await piped(folder, "hello\n", "--new")
    assert "where we were" not in err
    assert bubbles(out) == ["Odd. Before that you said <>."]


async def test_killed_in_the_middle_it_goes_on_where_it_was(folder: Path) -> None:
    for number in range(3):
        process = await begin(folder)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"hello\n" if number == 0 else f"word {number}\n".encode())
        await _read(process, f"word {number}>" if number else "said <>")
        process.kill()
        await process.communicate()
    out, _ = await piped(folder, "last\n")
    assert bubbles(out)[-1].endswith("<last>.")
    assert bubbles(out)[-2].endswith("<word 2>.")


async def _read(process: Process, wanted: str) -> None:
    assert process.stdout is not None
    seen = ""
    async with asyncio.timeout(PATIENCE):
        while wanted not in seen:
            seen += (await process.stdout.read(1000)).decode()


async def test_what_could_steer_a_terminal_reaches_neither_it_nor_the_conversation(folder: Path) -> None:
    out, err = await piped(
        folder,
        "hello\n\x1b[2J\x1b]0;owned\x07one\x00 \u202etwo\n\n\udc80three\n".encode("utf-8", "surrogateescape").decode(
            "utf-8", "replace"
        ),
    )
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", out)
    assert "two" in out
    assert "Traceback" not in err


@asynccontextmanager
async def terminal(folder: Path) -> AsyncIterator[tuple[Process, int]]:
    ours, theirs = pty.openpty()
    process = await begin(folder, stdin=theirs, stdout=theirs, stderr=DEVNULL)
    os.close(theirs)
    os.set_blocking(ours, False)
    try:
        yield process, ours
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(ours)


async def shown(ours: int, wanted: str) -> str:
    seen = ""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                seen += os.read(ours, 4096).decode(errors="replace")
            except BlockingIOError:
                await asyncio.sleep(0.02)
            if wanted in seen:
                return seen


async def test_at_a_terminal_it_answers_and_ctrl_d_ends_it(folder: Path) -> None:
    async with terminal(folder) as (process, ours):
        os.write(ours, b"hello\n")
        await shown(ours, "said <>")
        os.write(ours, b"one\n")
        await shown(ours, "said <one>")
        os.write(ours, b"\x04")
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0


@pytest.mark.parametrize("told", ["terminate", "interrupt"])
async def test_a_signal_ends_it_while_it_waits_for_a_line(folder: Path, told: str) -> None:
    async with terminal(folder) as (process, ours):
        os.write(ours, b"hello\n")
        await shown(ours, "said <>")
        process.terminate() if told == "terminate" else process.send_signal(2)
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0


async def test_two_at_once_in_one_folder_are_refused(folder: Path) -> None:
    first = await begin(folder)
    assert first.stdin is not None
    first.stdin.write(b"hello\n")
    await _read(first, "said <>")
    second = await begin(folder)
    _, err = await asyncio.wait_for(second.communicate(b"x\n"), PATIENCE)
    assert second.returncode == 2
    assert b"Another process" in err
    first.kill()
    await first.communicate()
