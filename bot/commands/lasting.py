"""Commands that last until they are told to end, and how they end."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from threading import Timer
from typing import Any

import typer

from bot.commands.shared import of_system, refuse

STOPS = 8.0
"""Seconds in which `run` ends in order once it was told to. What hangs then ends as if it were killed, which loses
nothing: a stop takes less than ten seconds whatever a platform, a thread or the database is busy with."""


def run_until_told(task: Coroutine[Any, Any, None], *, patience: float | None = None) -> None:
    """Runs until it ends, or SIGTERM or SIGINT ends it; what stands in its way is said in one line.

    patience  seconds after which it is not waited for any more once it was told to end; its threads never are then
    """
    from bot.app import Broke
    from bot.libraries import BadLibrary
    from bot.log import configure, place
    from storage.errors import StorageError

    configure()
    try:
        asyncio.run(_until_told(task, patience))
    except BadLibrary as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        refuse("no flows can be in force: mend these first (`doorstep check` shows them all)")
    except StorageError as error:
        refuse(str(error))
    except OSError as error:
        refuse(of_system(error))
    except Exception as error:
        # Not its own message, which may quote what people wrote.
        typer.echo(f"doorstep: stopped: {error if isinstance(error, Broke) else place(error)}", err=True)
        raise typer.Exit(1) from None


async def _until_told(task: Coroutine[Any, Any, None], patience: float | None) -> None:
    running = asyncio.ensure_future(task)
    loop = asyncio.get_running_loop()

    def end() -> None:
        running.cancel()
        if patience is not None:
            late = Timer(patience, _leave, ["it did not end in time: what was left hangs no more"])
            late.daemon = True
            late.start()

    for told in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(told, end)
    try:
        await running
    except asyncio.CancelledError:
        if patience is not None:
            _leave()


def _leave(why: str = "") -> None:
    """Ends this process without waiting for its threads: one may be importing, or matching thousands of people."""
    if why:
        logging.getLogger(__name__).warning(why)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
