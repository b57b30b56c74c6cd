"""The passphrase of the pages."""

import pytest

from bot.config import BadConfig, read_config
from bot.passphrase import fits, hashed, readable

WORDS = "blue door, wet dog"


@pytest.fixture(scope="module")
def kept() -> str:
    return hashed(WORDS)


def test_a_hash_lets_in_who_knows_the_words_and_nobody_else(kept: str) -> None:
    assert kept.startswith("$argon2id$")
    assert WORDS not in kept
    assert fits(WORDS, kept)
    assert not any(fits(given, kept) for given in ("", "blue door, wet do", f"{WORDS} ", kept))


def test_plain_words_are_compared_as_they_are() -> None:
    assert fits("ñandú", "ñandú")
    assert not fits("nandu", "ñandú")
    assert not fits("", "x")


def test_two_hashes_of_the_same_words_differ(kept: str) -> None:
    assert hashed(WORDS) != kept


def test_a_hash_that_was_cut_is_refused_when_the_configuration_is_read(
    kept: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert readable(kept)
    file = tmp_path_factory.mktemp("cut") / "config.toml"
    file.write_text(f'[org]\nname = "A"\n[server]\npassphrase = "{kept[:30]}"\n', "utf-8")
    with pytest.raises(BadConfig, match="passphrase") as refused:
        read_config(file)
    assert kept[:30] not in str(refused.value)
