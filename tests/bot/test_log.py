import asyncio
import logging

import pytest

from bot.log import configure, place


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
    assert "WARNING" not in lines[0]
    assert "ERROR bot.turn: a turn broke, try 1 of 3: ValueError at " in lines[0]
    assert "test_log.py:" in lines[0]
    assert "Xanthippe" not in "".join(lines)


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
