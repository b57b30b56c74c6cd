"""`doorstep` begun hundreds of times: forks of one process that has imported everything, for importing takes a second.

What is begun is a process like any other: it reads its configuration, opens its database, and can be killed.
"""

import asyncio
import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]
LONGEST = 65_536


class Child:
    """A process that was begun: as much of asyncio's own `Process` as tests need."""

    def __init__(self, pid: int, stdout: asyncio.StreamReader, ended: asyncio.Future[int]) -> None:
        self.pid, self.stdout, self._ended = pid, stdout, ended

    @property
    def returncode(self) -> int | None:
        """As `Process` has it; None while it lives."""
        return self._ended.result() if self._ended.done() else None

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def send_signal(self, number: int) -> None:
        """Nothing, where it has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    async def wait(self) -> int:
        """Its exit code, once it has ended; less than zero: the signal that ended it."""
        return await asyncio.shield(self._ended)


class Nursery:
    """Begins processes; see `nursery`."""

    def __init__(self, line: socket.socket, reader: asyncio.StreamReader) -> None:
        self._line, self._reader = line, reader
        self._begun: asyncio.Queue[int] = asyncio.Queue()
        self._children: dict[int, asyncio.Future[int]] = {}
        self._one = asyncio.Lock()

    async def begin(self, *arguments: str) -> Child:
        """`doorstep` with these arguments; its stderr is the tests' own."""
        ours, theirs = os.pipe()
        async with self._one:
            _ask(self._line, arguments, {1: theirs})
            os.close(theirs)
            pid = await self._begun.get()
        stdout = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdout), os.fdopen(ours, "rb"))
        return Child(pid, stdout, self._children[pid])

    async def ready(self, config: Path) -> Child:
        """`doorstep run`, once it has said that it is ready."""
        child = await self.begin("run", "--config", str(config))
        line = await asyncio.wait_for(child.stdout.readline(), 30)
        assert line == b"ready\n", line
        return child

    async def follow(self) -> None:
        """Hears of births and deaths until it is cancelled."""
        loop = asyncio.get_running_loop()
        while line := await self._reader.readline():
            pid, code = json.loads(line)
            if code is None:
                self._children[pid] = loop.create_future()
                self._begun.put_nowait(pid)
            else:
                self._children[pid].set_result(code)

    def end(self) -> None:
        """Kills whom nobody has ended."""
        for pid, ended in self._children.items():
            if not ended.done():
                os.kill(pid, signal.SIGKILL)


@asynccontextmanager
async def nursery(*modules: str) -> AsyncIterator[Nursery]:
    """Everything that `doorstep run` needs is imported once, and these; what it began and still lives ends with it."""
    ours, theirs = socket.socketpair()
    line = theirs.fileno()
    # A child's stdout is a pipe, and its mother's must not be a file: Python would go on seeking in it.
    mother = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bot.nursery", str(line), *modules, pass_fds=[line], cwd=ROOT, stdout=PIPE
    )
    theirs.close()
    listening = ours.dup()
    listening.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=listening)
    born = Nursery(ours, reader)
    following = asyncio.create_task(born.follow())
    try:
        yield born
    finally:
        born.end()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        writer.close()
        ours.close()
        await asyncio.wait_for(mother.wait(), 10)


class Commands:
    """Runs commands that end by themselves, one after the other, each in a fork of one process."""

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair()
        number = theirs.fileno()
        self._mother = subprocess.Popen(
            [sys.executable, "-m", "tests.bot.nursery", str(number)],
            pass_fds=[number],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        theirs.close()
        self._answers = self._line.makefile("r")
        self._one = threading.Lock()
        atexit.register(self._end)

    def finish(self, arguments: Sequence[str], said: bytes) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of `doorstep` with these arguments, which reads what is `said` on its stdin."""
        with self._one, tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as err:
            stdin.write(said)
            stdin.seek(0)
            reads, writes = os.pipe()
            _ask(self._line, arguments, {0: stdin.fileno(), 1: writes, 2: err.fileno()})
            os.close(writes)
            with os.fdopen(reads, "rb") as out:
                shown = out.read().decode()
            self._answers.readline()
            _, code = json.loads(self._answers.readline())
            err.seek(0)
            return code, shown, err.read().decode()

    def _end(self) -> None:
        self._answers.close()
        self._line.close()
        self._mother.communicate()


@cache
def commands() -> Commands:
    """One for all tests of a process."""
    return Commands()


def _ask(line: socket.socket, arguments: Sequence[str], pipes: Mapping[int, int]) -> None:
    asked = json.dumps([arguments, list(pipes)]).encode()
    socket.send_fds(line, [asked], list(pipes.values()))


def _bear(line: socket.socket, arguments: list[str], pipes: Mapping[int, int]) -> int:
    pid = os.fork()
    if pid:
        for given in pipes.values():
            os.close(given)
        return pid
    line.close()
    for number, given in pipes.items():
        os.dup2(given, number)
        os.close(given)
    # Those that were inherited take what is a pipe by now for the file that the tests' output goes to.
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(n, "w" if n else "r", closefd=False) for n in range(3))
    sys.argv[1:] = arguments
    from bot.cli import main

    code: object = 1
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def _mother(line: socket.socket, modules: Sequence[str]) -> None:
    """Forks for each line that comes, and tells of each end, until the line is closed."""
    for name in ("bot.app", "bot.console.office", *modules):
        import_module(name)
    living: dict[int, int] = {}
    while True:
        told, _, _ = select.select([line.fileno(), *living], [], [])
        for each in told:
            if each in living:
                pid = living.pop(each)
                os.close(each)
                _tell(line, pid, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                continue
            asked, given, _, _ = socket.recv_fds(line, LONGEST, 3)
            if not asked:
                return
            arguments, numbers = json.loads(asked)
            pid = _bear(line, arguments, dict(zip(numbers, given, strict=True)))
            living[os.pidfd_open(pid)] = pid
            _tell(line, pid, None)


def _tell(line: socket.socket, pid: int, code: int | None) -> None:
    line.sendall(json.dumps([pid, code]).encode() + b"\n")


if __name__ == "__main__":
    _mother(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
