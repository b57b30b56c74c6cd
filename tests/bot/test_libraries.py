"""Edits come into force for all processes; a broken one leaves the last good one."""

import asyncio
import shutil
from contextlib import suppress

import pytest

from bot.libraries import BadLibrary, Libraries
from storage.errors import StorageUnavailable
from tests.bot.conftest import Talking
from tests.bot.talking import Talk, write
from tests.bot.test_turn import CHAIN, PLACE
from tests.waiting import until


def second(talk: Talk) -> Talk:
    """Another process on the same database, with a folder of its own."""
    folder = talk.folder.with_name("second")
    shutil.copytree(talk.folder, folder)
    return Talk(talk.store, talk.watch, folder, talk.world)


async def test_an_edit_seen_by_one_process_counts_for_the_next_turn_of_another(talking: Talking) -> None:
    talk = await talking({"chain": CHAIN})
    other = second(talk)
    await other.libraries.begin()
    await other.say("hello")
    write(talk.folder, {"chain": CHAIN.replace("Even", "EVEN")})
    await talk.libraries.refresh()
    await other.say("one")
    assert await other.hears() == ["Odd <>", "EVEN <one>"]
    assert other.libraries.current.version == talk.libraries.current.version == 2


async def test_a_broken_edit_is_refused_and_says_why_until_it_is_mended(
    talking: Talking, caplog: pytest.LogCaptureFixture
) -> None:
    talk = await talking({"chain": CHAIN})
    told: list[int] = []
    end = talk.libraries.on_change(lambda: told.append(len(talk.libraries.problems)))
    for text, code in (
        (CHAIN.replace("go: odd", "go: nowhere"), "missing-target"),
        ("flow: chain\nstart: [", "bad-yaml"),
        ("", "not-a-flow"),
    ):
        write(talk.folder, {"chain": text})
        await talk.libraries.refresh()
        assert code in {problem.code for problem in talk.libraries.problems}
        assert talk.libraries.current.version == 1
        assert "not in force" in caplog.messages[-1]
        assert code in caplog.messages[-1]
    await talk.say("hello")
    assert await talk.hears() == ["Odd <>"]
    write(talk.folder, {"chain": CHAIN.replace("Even", "EVEN")})
    await talk.libraries.refresh()
    assert talk.libraries.problems == ()
    assert told[-1] == 0
    assert all(told[:-1])
    end()


async def test_two_processes_that_see_the_same_edit_make_one_version(talking: Talking) -> None:
    talk = await talking({"chain": CHAIN})
    other = second(talk)
    for folder in (talk.folder, other.folder):
        write(folder, {"chain": CHAIN.replace("Even", "EVEN")})
    await asyncio.gather(talk.libraries.refresh(), other.libraries.refresh())
    assert talk.libraries.current.version == other.libraries.current.version == 2


async def test_with_broken_files_from_the_start_the_last_good_ones_are_in_force(talking: Talking) -> None:
    talk = await talking({"chain": CHAIN})
    other = second(talk)
    write(other.folder, {"chain": "flow: chain"})
    await other.libraries.begin()
    assert other.libraries.problems
    await other.say("hello")
    assert await other.hears() == ["Odd <>"]


async def test_without_any_good_library_there_is_nothing_to_begin_with(talking: Talking) -> None:
    with pytest.raises(BadLibrary, match="missing-target"):
        await talking({"chain": CHAIN.replace("go: odd", "go: nowhere")})


async def test_many_edits_later_the_one_in_force_is_still_known(talking: Talking) -> None:
    talk = await talking({"chain": CHAIN})
    for number in range(12):
        write(talk.folder, {"chain": CHAIN.replace("Even", f"Even {number}")})
        await talk.libraries.refresh()
        await talk.say("x", event=f"e{number}")
    write(talk.folder, {"chain": CHAIN})
    await talk.libraries.refresh()
    await talk.say("done", event="last")
    assert talk.libraries.current.version == 1
    assert (await talk.hears())[-1] == "Odd <done>"


async def test_a_watched_folder_may_be_edited_replaced_and_the_database_away(
    talking: Talking, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = await talking({"chain": CHAIN})
    run, away = talk.store.run, [2]

    async def sometimes(work: object) -> object:
        if away[0] > 0:
            away[0] -= 1
            raise StorageUnavailable
        return await run(work)  # type: ignore[arg-type]

    monkeypatch.setattr("bot.libraries.PAUSE", 0.05)
    watching = asyncio.create_task(talk.libraries.watch())
    try:
        await asyncio.sleep(0.3)
        monkeypatch.setattr(talk.store, "run", sometimes)
        write(talk.folder, {"chain": CHAIN.replace("Even", "EVEN")})
        await _in_force(talk.libraries, 2)
        replaced = talk.folder.with_name("replaced")
        shutil.copytree(talk.folder, replaced)
        write(replaced, {"chain": CHAIN.replace("Even", "evEN")})
        shutil.rmtree(talk.folder)
        await asyncio.sleep(0.5)
        assert not watching.done()
        replaced.rename(talk.folder)
        await _in_force(talk.libraries, 3)
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _in_force(libraries: Libraries, version: int) -> None:
    await until(lambda: libraries.current.version == version)


async def test_a_flow_that_is_gone_while_people_stand_in_it_is_refused(talking: Talking) -> None:
    talk = await talking(
        {"chain": CHAIN, "place": PLACE.replace("first_contact: true, words: [start]", "words: [town]")}
    )
    await talk.say("town")
    (talk.folder / "library/place.yaml").unlink()
    await talk.libraries.refresh()
    assert [problem.code for problem in talk.libraries.problems] == ["bad-moved"]
    await talk.say("Leeds")
    assert await talk.hears() == ["Which town?", "Leeds it is."]
    await talk.libraries.refresh()
    assert talk.libraries.problems == ()
