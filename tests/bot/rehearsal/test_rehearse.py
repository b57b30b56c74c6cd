"""Small campaigns in which everything goes wrong, and the command that plays them."""

import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from bot.places import Places
from bot.rehearsal.account import PROMISES
from bot.rehearsal.faults import KINDS
from bot.rehearse import ZONE, Rehearsed, Wanted, rehearse
from flows.reader import STARTER

SEEDS = 50
HALVES = 2
"""Half of the seeds are one test, so that two workers can take them side by side."""

OFTEN = 10
"""How often every promise is checked at least, in half of the seeds."""


@pytest.fixture(scope="module")
def places() -> Places:
    found = Places(zone=ZONE)
    found.load()
    return found


def small(seed: int, places: Places, *, faults: bool = True) -> Rehearsed:
    return rehearse(Wanted(6, 3, 4, seed, faults), STARTER, places=places)


def printed(*options: str, hashes: str) -> tuple[int, bytes]:
    """What the command prints, with this order of everything that has none."""
    command = [sys.executable, "-m", "bot.cli", "rehearse", "--supporters", "4", "--buddies", "2", "--days", "3"]
    done = subprocess.run(
        [*command, *options], capture_output=True, check=False, env={**os.environ, "PYTHONHASHSEED": hashes}
    )
    return done.returncode, done.stdout


def test_the_same_seed_prints_the_same_bytes_and_another_does_not() -> None:
    first = printed("--seed", "7", "--faults", "--json", hashes="1")
    again = printed("--seed", "7", "--faults", "--json", hashes="2")
    other = printed("--seed", "8", "--faults", "--json", hashes="1")
    assert first == again
    assert first[0] == 0
    assert other[1] != first[1]
    told = json.loads(first[1])
    assert set(told["faults"]) == set(KINDS)
    assert set(told["checks"]) == set(PROMISES)


def test_without_faults_nothing_goes_wrong_and_the_table_says_so(places: Places) -> None:
    found = small(3, places, faults=False)
    assert (found.broken, sum(found.faults.values())) == ("", 0)
    assert found.funnel["wrote_first"] == 9
    code, table = printed("--seed", "3", hashes="1")
    assert code == 0
    assert b"Every promise held." in table


@pytest.mark.slow("minutes")
@pytest.mark.parametrize("half", range(HALVES))
def test_whatever_goes_wrong_every_promise_holds(half: int, places: Places) -> None:
    faults, checks = Counter[str](), Counter[str]()
    for seed in range(1 + half, 1 + SEEDS, HALVES):
        found = small(seed, places)
        assert found.broken == "", f"seed {seed}"
        faults.update(found.faults)
        checks.update(found.checks)
    assert [kind for kind in KINDS if not faults[kind]] == []
    assert {promise: checks[promise] for promise in PROMISES if checks[promise] < OFTEN} == {}
