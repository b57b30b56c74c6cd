"""What *export* and *privacy* say of what is kept is so."""

from datetime import UTC, datetime
from pathlib import Path

from bot.config import read_config
from bot.group import Group
from storage.store import Store
from tests.bot.conftest import Talking
from tests.bot.neighbourhood import ANSWERS, Neighbourhood
from tests.databases import Watch

SATURDAY = datetime(2026, 3, 7, 11, tzinfo=UTC)


async def test_an_export_names_what_somebody_brings_hosts_takes_back_and_does_as_a_buddy(
    store: Store, watch: Watch
) -> None:
    here = Neighbourhood(store, watch)
    await here.libraries.begin()
    number = await here.action(await here.buddy("sam", capacity=2), SATURDAY)
    await store.run(lambda tx: tx.actions.add_need(number, "Cake"))
    await here.says("ana", "hello", *ANSWERS[:-1], "Not now", "yes", "1", "yes", "9:30", "1")
    ana = (await here.loaded("ana")).person.id
    await store.run(lambda tx: tx.consents.withdraw(ana, "keep"))
    of_ana, _ = await here.says("ana", "export")
    assert "Otherwise I forget them now. (taken back on Monday 2 March, 10:00)\n" in of_ana
    assert "*What you signed up for*\nSaturday 7 March, 11:00: Clean up the canal (Cake)\n" in of_ana
    assert "What you proposed" not in of_ana
    of_sam, _ = await here.says("sam", "export")
    assert "Welcomes newcomers, at most so many at once: 2\n" in of_sam
    assert "*What you proposed, or host*\nSaturday 7 March, 11:00: Clean up the canal\n" in of_sam


async def test_privacy_says_for_how_many_days_this_group_keeps_messages(talking: Talking, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[org]\nname = "Neighbours"\n[retention]\nmessage_days = 7\n')
    talk = await talking({}, group=Group.of(read_config(tmp_path / "config.toml")))
    await talk.say("privacy")
    assert "Messages are deleted after 7 days." in (await talk.hears())[-1]
