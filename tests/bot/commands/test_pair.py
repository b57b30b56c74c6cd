"""`doorstep pair`, from outside: only what it prints and writes is looked at."""

import csv
import json
from pathlib import Path
from random import Random

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from tests.bot.commands.given import CONFIG, one_line
from tests.bot.pairing.sheets import Someone, group, may, written
from tests.bot.running import finished

SMALL = """id,role,name,adult,languages,interests,times,lat,lon,capacity,blocks,phone
s1,supporter,Ana,yes,es;en,climate;food,sat-morning,53.80,-1.55,,,1
s2,supporter,Ben,yes,en,climate,sat-morning,53.81,-1.55,,b1,2
s3,supporter,Cleo,no,en,climate,sat-morning,53.81,-1.55,,,3
b1,buddy,Bo,yes,en;es,climate,sat-morning,53.80,-1.56,2,,4
"""


def columns(them: list[Someone]) -> list[str]:
    """A column for each place that a buddy has."""
    return [each.id for each in them if each.role == "buddy" for _ in range(each.capacity)]


async def test_the_optimum_can_be_verified_from_what_is_written(tmp_path: Path) -> None:
    them = group(Random(11), 220, 80)
    people, edges = written(tmp_path / "people.csv", them), tmp_path / "edges.csv"
    code, out, _ = await finished("pair", "--people", str(people), "--edges", str(edges), "--json")
    found = json.loads(out)
    assert code == 0
    assert set(found) == {"pairs", "unpaired", "total_cost", "seconds"}
    with edges.open(encoding="utf-8", newline="") as opened:
        costs = {(row["supporter"], row["buddy"]): float(row["cost"]) for row in csv.DictReader(opened)}
    places, supporters = columns(them), [each.id for each in them if each.role == "supporter"]
    table = np.array([[costs.get((one, other), 1e7) for other in places] for one in supporters])
    best = table[linear_sum_assignment(table)]
    assert len(found["pairs"]) == (best < 1e7).sum()
    assert found["total_cost"] == pytest.approx(best[best < 1e7].sum(), abs=1e-6)
    by_id = {each.id: each for each in them}
    for pair in found["pairs"]:
        assert set(pair) == {"supporter", "buddy", "cost", "reasons"}
        assert pair["cost"] == costs[pair["supporter"], pair["buddy"]]
        assert may(by_id[pair["supporter"]], by_id[pair["buddy"]])
        assert pair["reasons"]
    assert sum(pair["cost"] for pair in found["pairs"]) == pytest.approx(found["total_cost"], abs=1e-6)
    paired = [pair["supporter"] for pair in found["pairs"]]
    assert sorted([*paired, *(each["id"] for each in found["unpaired"])]) == sorted(supporters)
    assert all(set(each) == {"id", "why"} and each["why"] for each in found["unpaired"])

    code, out, _ = await finished("pair", "--people", str(people), "--method", "greedy", "--json")
    one_by_one = json.loads(out)
    assert code == 0
    assert len(one_by_one["pairs"]) <= len(found["pairs"])


async def test_a_person_reads_who_meets_whom_and_why_and_who_is_left_and_why(tmp_path: Path) -> None:
    people, config = tmp_path / "people.csv", tmp_path / "config.toml"
    people.write_text(SMALL)
    code, out, err = await finished("pair", "--people", str(people))
    assert code == 0
    assert out.splitlines()[1].split()[:4] == ["s1", "Ana", "b1", "Bo"]
    assert "both care about climate; both free on sat morning; live near each other; both speak Spanish" in out
    assert "s2 Ben   kept apart from every buddy within 25 km" in out
    assert "s3 Cleo  not known to be an adult" in out
    assert "supporters with a buddy: 1 of 3" in out
    assert "ignored: phone (known are id, role, name" in err
    config.write_text(CONFIG + "[pairing]\nreach_km = 0.5\nminimum_age = 0\n[pairing.weights]\ninterests = 0\n")
    code, out, _ = await finished("pair", "--people", str(people), "--config", str(config))
    assert (code, out.count("no buddy within 0.5 km")) == (0, 3)


async def test_a_bad_sheet_ends_with_every_mistake_and_leaves_nothing(tmp_path: Path) -> None:
    people, edges = tmp_path / "people.csv", tmp_path / "edges.csv"
    people.write_bytes(SMALL.replace("s2", "s1").replace(",no,", ",maybe,").encode("utf-8-sig"))
    code, out, err = await finished("pair", "--people", str(people), "--edges", str(edges), "--json")
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        f"{people}: row 3, column id: `s1` stands in row 2 already",
        f"{people}: row 4, column adult: `maybe`: write yes or no",
        "doorstep: nothing was paired: mend this first",
    ]
    assert not edges.exists()


async def test_what_cannot_be_read_or_written_is_said_in_one_line(tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    assert str(people) in one_line(await finished("pair", "--people", str(people)))
    people.write_text(SMALL)
    nowhere = tmp_path / "nowhere" / "edges.csv"
    for target, said in (
        (nowhere, "there is no folder"),
        (people, "is the sheet of people itself"),
        (tmp_path, "a folder"),
    ):
        assert said in one_line(await finished("pair", "--people", str(people), "--edges", str(target)))
    assert people.read_text() == SMALL
