import csv
from datetime import UTC, datetime
from pathlib import Path

from bot.starter import make
from storage.store import Transaction
from tests.bot.commands.given import CONFIG, kept, one_line
from tests.bot.running import finished

AT = datetime(2026, 6, 1, 22, 30, tzinfo=UTC)


def group(folder: Path) -> Path:
    """A group's own folder; its configuration."""
    make(folder)
    (folder / "config.toml").write_text(CONFIG)
    return folder / "config.toml"


async def test_people_are_listed_with_their_numbers_and_nothing_to_reach_them_by(tmp_path: Path) -> None:
    async def two(tx: Transaction) -> int:
        person = await tx.people.add("web", "web", "ana@example.org", "en")
        await tx.people.save(person.id, {"name": "Ana", "place": "Leeds"})
        await tx.people.invite("es", {"name": "陳美\x1b[31m", "language": "es"}, "buddy")
        return person.id

    file = group(tmp_path / "group")
    number = await kept(file.parent, two, AT)
    code, out, err = await finished("people", "list", "--config", str(file))
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line.split() for line in lines] == [
        ["number", "name", "role", "language", "place", "since", "status"],
        [str(number), "Ana", "supporter", "en", "Leeds", "2026-06-01", "active"],
        [str(number + 1), "陳美[31m", "buddy", "es", "2026-06-01", "active"],
    ]
    assert "\x1b" not in out
    assert "example.org" not in out
    told = await finished("people", "contact", str(number), "--config", str(file))
    assert told == (0, "Ana\n  web web: ana@example.org\n", "")
    assert "there is no person 77" in one_line(await finished("people", "contact", "77", "--config", str(file)))


async def test_each_imported_person_has_a_link_and_none_is_imported_twice_unasked(tmp_path: Path) -> None:
    file, sheet, links = group(tmp_path / "group"), tmp_path / "people.csv", tmp_path / "links.csv"
    sheet.write_bytes("Name;interests;hat\r\nAna;climate;red\r\nBen;;\r\n".encode("utf-8-sig"))
    command = ("people", "import", str(sheet), "--config", str(file))
    code, out, err = await finished(*command, "--out", str(links))
    assert code == 0
    assert err.splitlines()[0].startswith(f"{sheet}: ignored: hat (known are name, ")
    assert err.splitlines()[1] == "2 people imported. Each link is for one person, once, and good for 90 days."
    printed = dict(line.split() for line in out.splitlines())
    assert list(printed) == ["Ana", "Ben"]
    assert printed["Ana"].startswith("https://doorstep.example.org/?start=")
    with links.open(encoding="utf-8-sig", newline="") as opened:
        assert {row["name"]: row["link"] for row in csv.DictReader(opened)} == printed
    assert links.stat().st_mode & 0o777 == 0o600
    used = await kept(file.parent, lambda tx: tx.links.use(printed["Ben"].partition("=")[2]))
    assert used == 2

    sheet.write_text("name\nAna\nBen\nCleo\n")
    code, out, err = await finished(*command)
    assert (code, out) == (1, "")
    assert "2 rows look imported already, of 3 (same name and place: row 2, 3); nothing was imported" in err
    assert str(links) in one_line(await finished(*command, "--out", str(links)))
    code, out, err = await finished(*command, "--only-new")
    assert (code, [line.split()[0] for line in out.splitlines()]) == (0, ["Cleo"])
    code, out, _ = await finished(*command, "--again")
    assert (code, len(out.splitlines())) == (0, 3)


async def test_a_wrong_cell_keeps_everybody_out(tmp_path: Path) -> None:
    file, sheet, links = group(tmp_path / "group"), tmp_path / "people.csv", tmp_path / "links.csv"
    sheet.write_text("name,adult\nAna,yes\nBen,perhaps\n")
    command = ("people", "import", str(sheet), "--config", str(file), "--out", str(links))
    code, out, err = await finished(*command)
    assert (code, out) == (2, "")
    first, last = err.splitlines()
    assert first.startswith(f"{sheet}: row 3, column adult: `perhaps` is none of yes, ")
    assert last == "doorstep: nothing was imported: mend this first"
    assert not links.exists()
    assert not (file.parent / "doorstep.db").exists()
    one_line(await finished("people", "import", str(tmp_path / "nowhere.csv"), "--config", str(file)))
