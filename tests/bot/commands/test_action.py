import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.commands import action_changes
from storage.store import Transaction
from tests.bot.commands.given import config, kept, one_line
from tests.bot.running import finished

NEXT_YEAR = datetime.now(UTC).year + 1
STARTS = f"{NEXT_YEAR}-06-06 10:00"


async def test_an_action_is_published_and_listed_with_who_comes(tmp_path: Path) -> None:
    file = config(tmp_path)
    code, out, err = await finished(
        "action", "add", "River clean-up", "--starts", STARTS, "--ends", "12:00", "--capacity", "12", "--bring",
        "gloves", "--config", str(file),
    )  # fmt: skip
    assert (code, err) == (0, "")
    first, second = out.splitlines()
    day = datetime.fromisoformat(STARTS)
    assert first == f"Action 1, River clean-up, is published: {day:%a} {STARTS}."
    action = await kept(tmp_path, lambda tx: tx.actions.get(1))
    assert action is not None
    assert second.endswith("`doorstep action code 1` shows it.")
    assert action.starts_at == datetime(NEXT_YEAR, 6, 6, 9, tzinfo=UTC)

    async def more(tx: Transaction) -> None:
        person = await tx.people.add("web", "web", "ana", "en")
        await tx.actions.sign_up(1, person.id, "yes", 2)
        over = tx.now - timedelta(days=2)
        await tx.actions.add(title="Over", starts_at=over, ends_at=over, zone="UTC", state="published")

    await kept(tmp_path, more)
    code, out, err = await finished("action", "list", "--config", str(file))
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 2
    assert out.splitlines()[1].split() == ["1", f"{day:%a}", *STARTS.split(), "River", "clean-up", "3/12", "published"]
    code, out, _ = await finished("action", "list", "--all", "--config", str(file))
    assert "Over" in out


async def test_a_spreadsheet_is_imported_once_and_what_is_over_left_out(tmp_path: Path) -> None:
    file, sheet = config(tmp_path), tmp_path / "actions.csv"
    sheet.write_text(f"title;starts;hat\nRiver;{STARTS};x\nPark;{STARTS};\nOld;2020-06-06 10:00;\n")
    command = ("action", "import", str(sheet), "--config", str(file))
    assert await finished(*command) == (
        0, "1  River\n2  Park\n", f"{sheet}: ignored: hat\n2 actions published, 1 was over\n",
    )  # fmt: skip
    code, out, err = await finished(*command)
    assert (code, out) == (0, "")
    assert err.splitlines()[1] == "0 actions published, 1 was over, 2 were here already"
    sheet.write_text(f"title,starts\nLake,{STARTS}\nWood,soon\n")
    code, out, err = await finished(*command)
    assert (code, out) == (2, "")
    assert err.splitlines()[0].startswith(f"{sheet}: row 3, column starts: `soon` is no moment")
    assert await kept(tmp_path, lambda tx: tx.actions.get(3)) is None


async def test_a_calendar_is_imported(tmp_path: Path) -> None:
    file, ics = config(tmp_path), tmp_path / "actions.ics"
    night = next(day for day in range(25, 32) if date(NEXT_YEAR, 10, day).weekday() == 6)
    times = (f":{NEXT_YEAR}0606T090000Z", f";TZID=Europe/London:{NEXT_YEAR}10{night}T013000")
    events = "".join([f"BEGIN:VEVENT\r\nSUMMARY:River\r\nDTSTART{at}\r\nEND:VEVENT\r\n" for at in times])
    ics.write_text(f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{events}END:VCALENDAR\r\n")
    twice = "2  That hour comes twice that night, for the clocks go back: the first is meant.\n"
    done = await finished("action", "import", str(ics), "--config", str(file))
    assert done == (0, "1  River\n2  River\n", f"{twice}2 actions published\n")


async def test_what_cannot_be_added_is_one_line(tmp_path: Path) -> None:
    file = config(tmp_path)

    async def refused(*arguments: str) -> str:
        return one_line(await finished("action", *arguments, "--config", str(file)))

    said = await refused("add", "River", "--starts", "soon", "--capacity", "x")
    assert "starts: `soon` is no moment: write it like 2026-06-06 10:00; capacity: `x`" in said
    assert "is past" in await refused("add", "River", "--starts", "2020-06-06 10:00")
    assert "no person 7" in await refused("add", "River", "--starts", STARTS, "--host", "7")
    assert "nowhere.csv" in await refused("import", str(tmp_path / "nowhere.csv"))
    await refused("add", "River")


async def test_an_action_is_changed_and_called_off_and_those_who_come_hear_of_it(tmp_path: Path) -> None:
    file = config(tmp_path)
    command = ("--config", str(file))
    assert (await finished("action", "add", "River", "--starts", STARTS, *command))[0] == 0
    code, out, err = await finished("action", "change", "1", "--starts", f"{NEXT_YEAR}-06-07 14:00", *command)
    assert (code, err) == (0, "")
    assert out.splitlines()[0].endswith(f"{NEXT_YEAR}-06-07 14:00.")
    assert out.splitlines()[1] == "Everyone who signed up hears of it."
    action = await kept(tmp_path, lambda tx: tx.actions.get(1))
    assert action is not None
    assert (action.sequence, action.ends_at - action.starts_at) == (1, timedelta(hours=2))
    code, out, _ = await finished("action", "change", "1", "--goal", "30", *command)
    assert out.splitlines()[1] == "Time and place are as before: nobody is written to."
    code, out, _ = await finished("action", "code", "1", *command)
    assert len(out.strip()) == 4
    code, out, _ = await finished("action", "cancel", "1", *command)
    assert out == "Action 1, River, is called off. Everyone who signed up hears of it.\n"

    async def refused(*arguments: str) -> str:
        return one_line(await finished("action", *arguments, *command))

    assert "is called off already" in await refused("cancel", "1")
    assert "is cancelled: only one that is published" in await refused("change", "1", "--capacity", "3")
    assert "there is no action 9" in await refused("cancel", "9")
    assert "say what to change" in await refused("change", "1")


def test_on_a_terminal_it_asks_before_anybody_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["--config", str(config(tmp_path))]
    monkeypatch.setattr(action_changes, "interactive", lambda: True)

    def answered(answer: str, *arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["action", *arguments, *command], input=answer)
        return done.exit_code, done.output

    def now() -> tuple[str, int]:
        action = asyncio.run(kept(tmp_path, lambda tx: tx.actions.get(1)))
        assert action is not None
        return action.state, action.sequence

    async def sign_up(tx: Transaction) -> None:
        person = await tx.people.add("web", "web", "ana", "en")
        await tx.actions.sign_up(1, person.id, "maybe")

    assert answered("", "add", "River", "--starts", STARTS)[0] == 0
    later = ["change", "1", "--ends", "4 hours"]
    assert answered("", *later)[0] == 0, "nobody would hear of it"
    asyncio.run(kept(tmp_path, sign_up))
    code, said = answered("n\n", *later[:-1], "5 hours")
    assert (code, now()) == (1, ("published", 1))
    assert "1 person hears of this." in said
    assert answered("", *later)[0] == 0, "it is so already"
    assert answered("y\n", *later[:-1], "5 hours")[0] == 0
    assert answered("", "change", "1", "--goal", "9")[0] == 0
    assert now() == ("published", 2)
    code, said = answered("\n", "cancel", "1")
    assert (code, now()) == (1, ("published", 2))
    assert "River" in said
    assert answered("", "cancel", "1", "--yes")[0] == 0
    assert now() == ("cancelled", 3)
    assert "is called off already" in answered("", "cancel", "1")[1]


async def test_a_series_is_published_and_a_campaign_shows_its_totals_and_its_link(tmp_path: Path) -> None:
    file = config(tmp_path)
    command = ("--config", str(file))
    series = ("--every", "week", "--times", "3", "--campaign", "Spring", "--goal", "5")
    code, out, err = await finished("action", "add", "River", "--starts", STARTS, *series, *command)
    assert (code, err, len(out.splitlines())) == (0, "", 3)

    async def more(tx: Transaction) -> None:
        for number, who in enumerate(("ana", "ben"), 1):
            person = await tx.people.add("web", "web", who, "en")
            await tx.actions.sign_up(number, person.id, "yes", number)

    await kept(tmp_path, more)
    _, out, _ = await finished("action", "list", *command)
    assert out.splitlines()[-1] == "Spring: 5 of 15 come, 0 confirmed (3 actions)"
    _, out, _ = await finished("action", "campaign", "Spring", "--goal", "20", *command)
    assert out.splitlines() == [
        "Spring: 5 of 20 come, 0 confirmed (3 actions)", "  https://doorstep.example.org/?start=campaign-1",
    ]  # fmt: skip
    assert "there is no campaign `Autumn`" in one_line(await finished("action", "campaign", "Autumn", *command))
    said = one_line(await finished("action", "add", "River", "--starts", STARTS, "--every", "month", *command))
    assert "every: `month` is not understood" in said
