"""`doorstep` begun hundreds of times: forks of one process that has imported everything, for importing takes a second.

What is begun is a process like any other: it reads its configuration, opens its database, and can be killed. There is
one mother for all tests of a process; each child is told of by a line of its own.
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
import tomllib
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path

from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
LONGEST = 131_072
"""Bytes of one request: its arguments and its environment."""
WANTED = (
    "bot.app", "bot.console.office", "anyio._backends._asyncio", "nicegui.ui_run_with", "uvicorn.lifespan.on",
    "uvicorn.protocols.http.httptools_impl", "uvicorn.protocols.websockets.websockets_sansio_impl",
)  # fmt: skip
"""What `doorstep run` has loaded when it is ready."""


class Child:
    """A process that was begun: as much of asyncio's own `Process` as tests need."""

    def __init__(
        self, pid: int, stdout: asyncio.StreamReader, stderr: asyncio.StreamReader | None, ended: asyncio.Task[int]
    ) -> None:
        self.pid, self.stdout, self.stderr, self._ended = pid, stdout, stderr, ended

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

    async def communicate(self) -> tuple[bytes, bytes]:
        """The rest of its stdout and of its stderr, once it has ended."""
        out = await self.stdout.read()
        err = await self.stderr.read() if self.stderr else b""
        await self.wait()
        return out, err


async def begin(*arguments: str, modules: Iterable[str] = (), stderr: int | None = None) -> Child:
    """`doorstep` with these arguments and the environment of now, in the project's folder.

    modules   imported before: those of the bot once, for all who come later; those of the tests by this child alone
    stderr    PIPE; else the tests' own
    """
    ours, theirs = socket.socketpair()
    out, err = os.pipe(), os.pipe() if stderr == PIPE else None
    pipes = {1: out[1]} | ({2: err[1]} if err else {})
    await asyncio.to_thread(mother().bear, theirs, arguments, modules, pipes)
    theirs.close()
    for written in pipes.values():
        os.close(written)
    reader, writer = await asyncio.open_connection(sock=ours)
    pid = int(await reader.readline())
    ended = asyncio.create_task(_end(reader, writer))
    return Child(pid, await _read(out[0]), await _read(err[0]) if err else None, ended)


async def begun(config: Path, *, stderr: int | None = None) -> Child:
    """`doorstep run`, once it has said that it is ready."""
    return await _ready(config, _channels(config), stderr)


def _channels(config: Path) -> list[str]:
    return [f"bot.channels.{name}" for name in tomllib.loads(config.read_text()).get("channels", {})]


async def _ready(config: Path, modules: Iterable[str], stderr: int | None = None) -> Child:
    child = await begin("run", "--config", str(config), modules=modules, stderr=stderr)
    line = await asyncio.wait_for(child.stdout.readline(), PATIENCE)
    assert line == b"ready\n", line
    return child


async def _end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    code = int(await reader.readline())
    writer.close()
    return code


async def _read(pipe: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb")
    )
    return reader


class Nursery:
    """Begins processes; see `nursery`."""

    def __init__(self, modules: Sequence[str]) -> None:
        self._modules = modules
        self._children: list[Child] = []

    async def begin(self, *arguments: str) -> Child:
        """`doorstep` with these arguments; its stderr is the tests' own."""
        self._children.append(await begin(*arguments, modules=self._modules))
        return self._children[-1]

    async def ready(self, config: Path) -> Child:
        """`doorstep run`, once it has said that it is ready."""
        self._children.append(await _ready(config, self._modules))
        return self._children[-1]

    async def end(self) -> None:
        """Kills whom nobody has ended."""
        for child in self._children:
            child.kill()
            await child.wait()


@asynccontextmanager
async def nursery(*modules: str) -> AsyncIterator[Nursery]:
    """Begins processes with these modules, see `begin`; what still lives ends with it."""
    born = Nursery(modules)
    try:
        yield born
    finally:
        await born.end()


def finish(arguments: Sequence[str], said: bytes) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `doorstep` with these arguments, which reads what is `said` on its stdin."""
    ours, theirs = socket.socketpair()
    with ours, ours.makefile() as told, tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as err:
        stdin.write(said)
        stdin.seek(0)
        reads, writes = os.pipe()
        mother().bear(theirs, arguments, (), {0: stdin.fileno(), 1: writes, 2: err.fileno()})
        theirs.close()
        os.close(writes)
        with os.fdopen(reads, "rb") as out:
            shown = out.read().decode()
        told.readline()
        code = int(told.readline())
        err.seek(0)
        return code, shown, err.read().decode()


class Mother:
    """The process that all others are forks of."""

    def __init__(self) -> None:
        # Each request is one packet, so that none is taken for a part of another.
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        number = theirs.fileno()
        # A child's stdout is a pipe, and its mother's must not be a file: Python would go on seeking in it.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bot.nursery", str(number)],
            pass_fds=[number],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        theirs.close()
        atexit.register(self._end)

    def bear(
        self, line: socket.socket, arguments: Sequence[str], modules: Iterable[str], pipes: Mapping[int, int]
    ) -> None:
        """Asks for a child; on the line it is told its number, and its exit code once it has ended, each a line."""
        asked = json.dumps([arguments, list(modules), dict(os.environ), list(pipes)]).encode()
        assert len(asked) <= LONGEST
        socket.send_fds(self._line, [asked], [line.fileno(), *pipes.values()])

    def _end(self) -> None:
        self._line.close()
        self._process.communicate()


@cache
def mother() -> Mother:
    """One for all tests of a process."""
    return Mother()


def _bear(
    line: socket.socket, arguments: list[str], modules: list[str], environment: dict[str, str], pipes: Mapping[int, int]
) -> int:
    pid = os.fork()
    if pid:
        return pid
    line.close()
    for number, given in pipes.items():
        os.dup2(given, number)
        os.close(given)
    os.environ.clear()
    os.environ.update(environment)
    for name in modules:
        import_module(name)
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


def _serve(line: socket.socket) -> None:
    """Forks for each request, and tells of each end, until the line is closed."""
    for name in WANTED:
        import_module(name)
    # Doorstep's own words and the flows they run, which a folder of a test does not have.
    import_module("flows.reader").read_files({})
    living: dict[int, tuple[int, int]] = {}
    while True:
        told, _, _ = select.select([line.fileno(), *living], [], [])
        for each in told:
            if each in living:
                pid, its = living.pop(each)
                os.close(each)
                _tell(its, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                os.close(its)
                continue
            asked, given, _, _ = socket.recv_fds(line, LONGEST, 4)
            if not asked:
                for pid, _ in living.values():
                    os.kill(pid, signal.SIGKILL)
                return
            arguments, modules, environment, numbers = json.loads(asked)
            for name in modules:
                if not name.startswith("tests."):
                    import_module(name)
            its, *rest = given
            pid = _bear(line, arguments, modules, environment, dict(zip(numbers, rest, strict=True)))
            for pipe in rest:
                os.close(pipe)
            living[os.pidfd_open(pid)] = (pid, its)
            _tell(its, pid)


def _tell(line: int, number: int) -> None:
    with suppress(BrokenPipeError):  # whoever asked has gone
        os.write(line, b"%d\n" % number)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
