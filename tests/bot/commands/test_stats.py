import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from storage.store import Transaction
from tests.bot.commands.given import config, kept, one_line
from tests.bot.running import finished

AT = datetime(2026, 6, 1, 9, 2, tzinfo=UTC)


async def ana(tx: Transaction) -> int:
    """Someone who wrote and met Sam; her number."""
    people = []
    for number, name in enumerate(("Ana\x1b[31m", "Sam")):
        person = await tx.people.add("web", "web", f"{number}", "en")
        await tx.people.save(person.id, {"name": name, "place": "Leeds"})
        people.append(person.id)
    pair = await tx.pairs.propose(people[0], people[1], "introduced", 1.0, (), tx.now)
    await tx.ledger.add(people[0], "wrote first")
    await tx.ledger.add(people[0], "held back", "three_days", "action:1", "quiet hours")
    for person_id in people:
        await tx.ledger.add(person_id, "pair.met", subject=f"pair:{pair}")
    return people[0]


async def test_the_funnel_reads_the_same_in_a_pipe(tmp_path: Path) -> None:
    file = config(tmp_path)
    await kept(tmp_path, ana)
    code, out, err = await finished("stats", "--config", str(file))
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("Leeds Neighbours · ")
    assert lines[2] == "  1 connection · two people who both say they met · 1 in the last 7 days"
    assert [line.split("  ")[1] for line in lines if line.startswith("  ")][2:4] == ["wrote first", "asked for a buddy"]
    assert "  pairs: 1 introduced" in lines
    assert "  held back: 1 quiet hours" in lines
    assert max(map(len, lines)) < 100
    assert "\x1b" not in out
    told = json.loads((await finished("stats", "--json", "--days", "1", "--config", str(file)))[1])
    assert (told["group"], told["days"], told["connections"]) == ("Leeds Neighbours", 1, {"all": 1, "period": 1})


async def test_a_persons_story_is_told_in_the_groups_zone(tmp_path: Path) -> None:
    file = config(tmp_path)
    number = await kept(tmp_path, ana, AT)
    code, out, err = await finished("stats", "--person", str(number), "--config", str(file))
    assert (code, err) == (0, "")
    year = "" if datetime.now(UTC).year == AT.year else " 2026"
    assert out.splitlines() == [
        f"Ana[31m · person {number}, supporter, Leeds",
        "",
        f"  Mon 1 June{year}, 10:02  wrote first",
        f"  Mon 1 June{year}, 10:02  met Sam",
    ]
    assert "no person 99" in one_line(await finished("stats", "--person", "99", "--config", str(file)))


async def test_an_empty_group_has_a_funnel_and_a_missing_database_is_one_line(tmp_path: Path) -> None:
    file = config(tmp_path)
    assert "There is no database yet" in one_line(await finished("stats", "--config", str(file)))
    assert not (tmp_path / "doorstep.db").exists()
    await kept(tmp_path, lambda tx: tx.settings.set("x", "y"), AT + timedelta(days=1))
    code, out, _ = await finished("stats", "--config", str(file))
    assert code == 0
    assert "  0 connections · " in out
    assert "nowhere.toml" in one_line(await finished("stats", "--config", str(tmp_path / "nowhere.toml")))
    one_line(await finished("stats", "--days", "0", "--config", str(file)))
    one_line(await finished("stats", "--json", "--person", "1", "--config", str(file)))


async def test_the_audit_trail_tells_who_looked_at_people_and_at_whom(tmp_path: Path) -> None:
    file = config(tmp_path)
    number = await kept(tmp_path, ana, AT)
    await finished("stats", "--person", str(number), "--config", str(file))
    await finished("people", "list", "--config", str(file))
    code, out, err = await finished("stats", "--audit", "--config", str(file))
    assert (code, err) == (0, "")
    told = [line.split(maxsplit=4)[3:] for line in out.splitlines()[1:]]
    assert told == [["organizer", f"read somebody's story  person {number}"], ["organizer", "listed everybody"]]
    assert "leave --json" in one_line(await finished("stats", "--audit", "--json", "--config", str(file)))
