import pytest

from bot.channels.render import numbered, split
from flows.model import Say, Shown


def test_choices_are_numbered_and_the_picked_ones_ticked() -> None:
    say = Say("Which?", (Shown("a", "A"), Shown("b", "B")), picked=("b",))
    assert numbered(say) == "Which?\n  1. A\n  2. B ✓"
    assert numbered(Say("Hi")) == "Hi"


@pytest.mark.parametrize("mark", [" ", "\n", "\n\n"])
def test_a_long_text_is_cut_where_a_reader_would(mark: str) -> None:
    text = mark.join(["word"] * 500)
    parts = split(Say(text), 100)
    assert all(len(part.text) <= 100 for part in parts)
    assert mark.join(part.text for part in parts) == text


def test_a_text_without_any_gap_is_cut_all_the_same() -> None:
    text = "x" * 1001
    parts = split(Say(text), 100)
    assert "".join(part.text for part in parts) == text
    assert len(parts) == 11


def test_only_the_last_part_asks_and_only_the_first_attaches() -> None:
    whole = Say("word " * 60, (Shown("a", "A"),), question=3, attach="qr", tried="a/b/c", expect="place")
    parts = split(whole, 100)
    assert [part.question for part in parts] == [*[None] * (len(parts) - 1), 3]
    assert parts[-1].choices == whole.choices
    assert [part.attach for part in parts] == ["qr", *[""] * (len(parts) - 1)]
    assert [part.tried for part in parts].count("a/b/c") == 1
    assert split(Say("short"), 100) == [Say("short")]
