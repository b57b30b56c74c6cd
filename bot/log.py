"""Logs on stderr, a line each, without names, texts or tokens: of an error its kind and place, never its message.

What a library says may quote what people wrote, a token, or an address with one in it. So of its lines only what stands
in its own code as it is said is shown, whatever the level; of others the place. On a terminal they are text, elsewhere
JSON.
"""

import json
import linecache
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from traceback import extract_tb
from types import TracebackType

OFTEN, WITHIN = 5, 10.0
"""So many lines that say the same are written in so many seconds. While a database is away everyone who waits for it
says so: with a thousand open pages that would fill a disk overnight."""

_ROOT = Path(__file__).parents[1]
_OURS = frozenset({"bot", "flows", "storage"})
"""Whose lines are shown with their values: these name no person, and tests hold them to it."""


def configure() -> None:
    """Sets up logging for a process: warnings and worse, those of libraries too.

    On a terminal as text, else as JSON: `at` (UTC), `level`, `logger`, `message`, and of an error `error`.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Line() if sys.stderr.isatty() else JsonLine())
    handler.addFilter(Seldom())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def place(error: BaseException) -> str:
    """What kind of error, and where: "KeyError at bot/turn.py:88 in _turn". Its message may quote what people wrote."""
    kinds = [type(error).__name__]
    cause, traceback = error.__cause__ or error.__context__, error.__traceback__
    while cause is not None and len(kinds) < 5:
        kinds.append(type(cause).__name__)
        traceback = cause.__traceback__ or traceback
        cause = cause.__cause__ or cause.__context__
    return f"{' from '.join(kinds)}{_where(traceback)}"


def _where(traceback: TracebackType | None) -> str:
    frames = [(frame, Path(frame.filename)) for frame in extract_tb(traceback, limit=-30)]
    own = [(frame, path) for frame, path in frames if path.is_relative_to(_ROOT) and "site-packages" not in path.parts]
    shown = dict.fromkeys(
        f"{path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else path.name}:{frame.lineno} in {frame.name}"
        for frame, path in [*own[-3:], *frames[-1:]]
    )
    return f" at {' > '.join(shown)}" if shown else ""


class Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        told = _told(record)
        return "{at} {level} {logger}: {message}".format(**told) + (f": {told['error']}" if "error" in told else "")


class JsonLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(_told(record), ensure_ascii=False)


class Seldom(logging.Filter):
    """Holds back lines that say what was said `OFTEN` enough `WITHIN` so many seconds; the next that is written says
    how many there were. Lines about an error are written always."""

    KNOWN = 1_000

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[int, str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info:
            return True
        what = record.levelno, record.name, _message(record)
        since, times = self._said.get(what, (record.created, 0))
        if record.created - since >= WITHIN:
            record.held_back = max(0, times - OFTEN)
            since, times = record.created, 0
        if len(self._said) >= self.KNOWN:
            self._said.clear()
        self._said[what] = since, times + 1
        return times < OFTEN


def _told(record: logging.LogRecord) -> dict[str, str]:
    told = {
        "at": f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "level": record.levelname,
        "logger": record.name,
        # What cannot be printed could end the line for some readers, or steer a terminal.
        "message": "".join(filter(str.isprintable, _message(record))),
    }
    if held_back := getattr(record, "held_back", 0):
        told["message"] += f" ({held_back:,} more lines like this were held back)"
    if record.exc_info and record.exc_info[1] is not None:
        told["error"] = place(record.exc_info[1])
    return told


def _message(record: logging.LogRecord) -> str:
    if record.name.partition(".")[0] in _OURS:
        return record.getMessage()
    where, said = f"{record.filename}:{record.lineno} in {record.funcName}", str(record.msg)
    # Its holes stay empty. A line that was put together before it came here stands nowhere in the code.
    code = "".join(linecache.getlines(record.pathname))
    return f"{said} ({where})" if f'"{said}"' in code or f"'{said}'" in code else where
