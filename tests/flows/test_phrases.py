"""What the bot says by itself."""

import re
from pathlib import Path

from flows import phrases

FLOWS = Path(phrases.__file__).parent
NAMES = [name for name in vars(phrases) if name.isupper() and name != "ALL"]


def test_every_phrase_is_there_for_translators_once() -> None:
    assert sorted(phrases.ALL) == sorted(getattr(phrases, name) for name in NAMES)
    assert len(set(phrases.ALL)) == len(phrases.ALL)


def test_every_phrase_is_said_somewhere() -> None:
    source = "".join(path.read_text() for path in (*FLOWS.glob("*.py"), *FLOWS.parent.glob("bot/**/*.py")))
    assert [name for name in NAMES if f"phrases.{name}" not in source] == []


def test_phrases_name_nobody_and_are_short_enough_to_read() -> None:
    assert [phrase for phrase in phrases.ALL if "{{" in phrase or len(phrase) > 120] == []


def test_the_holes_of_a_phrase_are_those_that_are_filled() -> None:
    assert {hole for phrase in phrases.ALL for hole in re.findall(r"{(\w*)}", phrase)} == set(
        "least most name group text what when where days contact count".split()
    )


def test_words_that_phrases_tell_people_to_write_are_understood() -> None:
    told = {word for phrase in phrases.ALL for word in re.findall(r"\*(\w+)\*", phrase)}
    written = "".join(path.read_text() for path in (FLOWS / "library").glob("*.yaml"))
    assert told == {"actions", "human", "help", "start"}
    assert [word for word in told if not re.search(rf"words: \[[^]]*\b{word}\b", written)] == []
