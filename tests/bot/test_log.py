import asyncio
import json
import logging
import re

import pytest

from bot.log import OFTEN, WITHIN, Line, Seldom, configure, place


def test_of_an_error_only_kind_and_place_are_logged(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        configure()
        try:
            int("Xanthippe")
        except ValueError:
            logging.getLogger("bot.turn").exception("a turn broke, try %s of %s", 1, 3)
        loop = asyncio.new_event_loop()
        loop.call_exception_handler({"message": "Task broke", "exception": KeyError("Xanthippe"), "told": "Xanthippe"})
        loop.close()
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2, "one each"
    told = json.loads(lines[0])
    assert {name: told[name] for name in ("level", "logger", "message")} == {
        "level": "ERROR", "logger": "bot.turn", "message": "a turn broke, try 1 of 3",
    }  # fmt: skip
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["at"])
    assert told["error"].startswith("ValueError at ")
    assert "test_log.py:" in told["error"]
    assert "Xanthippe" not in "".join(lines)


def test_on_a_terminal_a_line_is_text() -> None:
    record = logging.LogRecord("bot.due", logging.WARNING, "due.py", 1, "the database is %s", ("away",), None)
    record.created = 0
    assert Line().format(record) == "1970-01-01T00:00:00Z WARNING bot.due: the database is away"


def test_a_line_that_comes_a_thousand_times_is_written_a_few_times_and_counted() -> None:
    seldom, written = Seldom(), []

    def say(what: str, at: float) -> None:
        record = logging.LogRecord("bot.channels.web", logging.ERROR, "web.py", 1, "%s", (what,), None)
        record.created = at
        if seldom.filter(record):
            written.append(Line().format(record).partition("web: ")[2])

    for number in range(1_000):
        say("away", number / 1_000)
    say("back", 1.0)
    assert written == ["away"] * OFTEN + ["back"]
    say("away", WITHIN)
    say("away", WITHIN + 1)
    assert written[-2:] == [f"away ({1_000 - OFTEN} more lines like this were held back)", "away"]


def test_the_kinds_of_all_causes_are_named() -> None:
    try:
        try:
            raise KeyError("secret")
        except KeyError as error:
            raise RuntimeError("secret") from error
    except RuntimeError as error:
        said = place(error)
    assert said.startswith("RuntimeError from KeyError at ")
    assert "secret" not in said


def test_of_a_librarys_line_only_what_stands_in_its_code_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    library, name = logging.getLogger("somewhere.else"), "aippihtnax"[::-1]
    with caplog.at_level(logging.DEBUG):
        library.debug("a connection was closed")
        library.debug("%s wrote", name)
        library.debug(f"{name} wrote")
        library.debug(name)
    lines = [Line().format(record) for record in caplog.records]
    assert [line.partition("somewhere.else: ")[2].partition("test_log.py:")[0] for line in lines] == [
        "a connection was closed (", "%s wrote (", "", "",
    ]  # fmt: skip
    assert all(" in test_of_a_librarys_line" in line for line in lines)
    assert not any(name in line for line in lines)
