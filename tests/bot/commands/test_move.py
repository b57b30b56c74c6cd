"""`doorstep move`: who is shown, who is asked, and what goes out elsewhere, also beside a running bot."""

import asyncio
import csv
import re
from pathlib import Path

import pytest

from flows import phrases
from flows.model import Say
from storage.store import Transaction
from tests.bot.commands.given import kept, one_line
from tests.bot.commands.test_people import group
from tests.bot.nursery import begun
from tests.bot.running import finished, free_port, visitor, write_config
from tests.bot.standins.telegram import TelegramServer
from tests.bot.test_other_phone import HELLO, written
from tests.waiting import PATIENCE


async def three(tx: Transaction) -> None:
    """Ana, who has the chat page too, and for whom something waits; Ben, who has nothing else; Cleo, who said stop."""
    for number, name in enumerate(("Ana", "Ben", "Cleo"), 1):
        person = await tx.people.add("telegram", "main", str(number), "en")
        await tx.people.save(person.id, {"name": name}, status="stopped" if name == "Cleo" else None)
        if name == "Ana":
            await tx.people.add_address(person.id, "web", "web", "ana")
            await tx.outbox.add(person, person.address_id, None, [Say("See you on Saturday.")])


async def addressed(tx: Transaction) -> list[tuple[str, str, str]]:
    """What waits, and where."""
    loaded = await tx.people.load(1)
    assert loaded is not None
    return [(loaded.person.channel, each.state, each.say.text) for each in await tx.outbox.history(1, 0, 9) if each.say]


async def test_it_shows_asks_moves_and_gives_a_link_to_those_who_have_nothing_else(tmp_path: Path) -> None:
    file, sheet = group(tmp_path / "group"), tmp_path / "links.csv"
    await kept(file.parent, three)
    command = ("move", "--from", "telegram:main", "--config", str(file), "--out", str(sheet))
    shown = [
        "telegram:main: 3 people",
        "  1 can be written to elsewhere: 1 web:web",
        "  1 have no other address: each gets a link to come with",
        "  1 more have none and said stop: they are left alone",
        "  1 messages wait there, or failed since it last sent anything",
    ]
    code, out, _ = await finished(*command, "--dry-run")
    assert (code, out.splitlines()) == (0, shown)
    assert await kept(file.parent, addressed) == [("telegram", "waiting", "See you on Saturday.")]
    assert "give --yes" in (await finished(*command))[2]
    assert not sheet.exists()

    code, out, err = await finished(*command, "--yes")
    assert code == 0
    assert err == "1 link. Each is for one person, once, and good for 90 days.\n"
    *before, told, link = out.splitlines()
    assert (before, told) == (
        shown, "1 person can be written to elsewhere, and are; 1 message goes out there again.",
    )  # fmt: skip
    with sheet.open(encoding="utf-8-sig", newline="") as opened:
        assert [[row["name"], row["link"]] for row in csv.DictReader(opened)] == [link.split()]
    assert link.startswith("Ben")
    assert await kept(file.parent, addressed) == [
        ("web", "dropped", "See you on Saturday."),
        ("web", "waiting", phrases.MOVED),
        ("web", "waiting", "See you on Saturday."),
    ]
    assert await kept(file.parent, lambda tx: tx.links.use(link.rpartition("=")[2])) == 2


async def test_what_is_wrong_with_it_is_said_in_one_line(tmp_path: Path) -> None:
    file = group(tmp_path / "group")
    await kept(file.parent, three)
    for arguments, said in (
        (["--from", "telegram:south"], "people are known at: telegram:main, web:web"),
        (["--from", "telegram:main", "--to", "telegram"], "that is the account that is lost"),
        (["--from", "web", "--to", "signal:main"], "no such account"),
        (["--from", "web", "--out", str(file)], "is there already"),
    ):
        assert said in one_line(await finished("move", *arguments, "--config", str(file)))


@pytest.mark.slow
async def test_beside_a_running_bot_what_telegram_would_not_take_arrives_on_the_chat_page(tmp_path: Path) -> None:
    async with TelegramServer() as server:
        bot, port = server.bot("1:one"), free_port()
        ana = bot.chat(7, "Ana")
        more = f'[channels.telegram]\ntoken = "1:one"\napi_base = "{server.url}"\n'
        config = write_config(tmp_path, f"sqlite:///{tmp_path}/doorstep.db", port, {"hello": HELLO}, more)
        process = await begun(config)
        try:
            ana.say("hello")
            await written(ana, "What is your name?")
            ana.say("other phone")
            await written(ana, "Write this to me")
            async with visitor(port, "ana") as page:
                await page.say(re.findall(r"\w{4}-\w{4}", ana.sent[-1]["text"])[0])
                await written(ana, "Another phone")
                ana.say("Ana")
                await written(ana, "May I keep that?")
                bot.revoked = True
                await kept(tmp_path, waiting)
                code, out, err = await finished("move", "--from", "telegram:main", "--yes", "--config", str(config))
                assert (code, err) == (0, "")
                assert "1 message goes out there again." in out
                async with asyncio.timeout(PATIENCE):
                    while "See you on Saturday." not in page.heard:
                        await page.look()
                await page.look_without_waiting()
                assert page.heard.count("See you on Saturday.") == page.heard.count(phrases.MOVED) == 1
        finally:
            process.kill()
            await process.wait()


async def waiting(tx: Transaction) -> None:
    """Something for the only person, where they wrote last."""
    loaded = await tx.people.load(1)
    assert loaded is not None
    assert loaded.person.channel == "telegram"
    await tx.outbox.add(loaded.person, loaded.person.address_id, None, [Say("See you on Saturday.")])
