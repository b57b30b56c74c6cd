"""What is Telegram's alone. What every channel must do is in test_contract.py."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.channels.base import Channel, SendFailed
from bot.channels.telegram import Telegram
from flows.limits import TELEGRAM
from flows.model import Say, Shown
from tests.bot.channels.contract import Fault, Kept, listening
from tests.bot.channels.on_telegram import TOKEN, OnTelegram, district, opened, opened_by_webhook, to
from tests.bot.standins.telegram import TelegramServer
from tests.bot.standins.telegram_rules import units
from tests.waiting import until

MANY = Say(
    "Which?", (Shown("a", "A"), Shown("b", "B")), question=3, many=True, picked=("b",), button="Listo",
)  # fmt: skip


@pytest.fixture
async def platform() -> AsyncIterator[OnTelegram]:
    async with opened() as opening:
        yield opening


@pytest.fixture
async def hooked() -> AsyncIterator[OnTelegram]:
    async with opened_by_webhook() as opening:
        yield opening


def test_telegram_is_a_channel() -> None:
    channel: Channel = Telegram(TOKEN, place_at=district)
    assert (channel.name, channel.account, channel.limits) == ("telegram", "main", TELEGRAM)


# --- polling ----------------------------------------------------------------------------------------------------


async def test_telegram_forgets_an_event_only_once_it_is_stored(platform: OnTelegram) -> None:
    kept = Kept(gate=asyncio.Event())
    async with listening(platform.channel, kept):
        await platform.write("ana", "hello")
        await until(lambda: kept.handed)
        assert len(platform.bot.updates) == 1
    again = Kept()
    async with listening(platform.channel, again):
        assert [inbound.said.text for inbound in await again.until(1)] == ["hello"]
        await until(lambda: not platform.bot.updates)


async def test_one_person_whose_event_cannot_be_stored_holds_up_nobody_else(platform: OnTelegram) -> None:
    stored: list[str] = []

    async def receive(inbound: Any) -> None:
        if inbound.address == "1001":
            raise RuntimeError("Ana's secret")
        stored.append(inbound.said.text)

    await platform.write("ana", "a1")
    for number in range(3):
        await platform.write("ben", f"b{number}")
    task = asyncio.create_task(platform.channel.listen(receive))
    await until(lambda: len(stored) >= 3)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert stored[:3] == ["b0", "b1", "b2"]
    assert platform.bot.updates[0][1]["message"]["text"] == "a1"


async def test_an_update_that_nobody_understands_is_passed_over(platform: OnTelegram) -> None:
    async with listening(platform.channel, Kept()) as kept:
        bodies: tuple[dict[str, Any], ...] = (
            {"message": {"bogus": 1}},
            {"message": None},
            {"message": {"message_id": "x"}},
            {"invented_in_2030": {}},
            {},
            {"callback_query": {"id": "1"}},
        )
        for body in bodies:
            platform.bot.updates.append((10**8 + len(platform.bot.updates), {"update_id": 10**8, **body}))
        await platform.write("ana", "hello")
        platform.bot.updates[-1] = (2 * 10**8, {**platform.bot.updates[-1][1], "update_id": 2 * 10**8})
        assert [inbound.said.text for inbound in await kept.until(1)] == ["hello"]
        await until(lambda: not platform.bot.updates)


async def test_what_is_said_in_a_group_or_by_telegram_itself_is_nobodys(platform: OnTelegram) -> None:
    async with listening(platform.channel, Kept()) as kept:
        group = platform.bot.chat(-100, "Group", kind="supergroup")
        number = group.say("hello bot")["message_id"]
        group.press(number, "1.1=yes")
        platform.chats["ana"].post(
            {"pinned_message": {"message_id": 1, "date": 0, "chat": {"id": 1001, "type": "private"}}}
        )
        platform.chats["ana"].press(platform.chats["ana"].say("x")["message_id"], "of another bot")
        await platform.write("ana", "hello")
        assert [inbound.said.text for inbound in await kept.until(2)] == ["x", "hello"]


async def test_whatever_else_people_send_is_handed_on_without_words(platform: OnTelegram) -> None:
    async with listening(platform.channel, Kept()) as kept:
        ana, file = platform.chats["ana"], {"file_id": "f", "file_unique_id": "u"}
        ana.post({"voice": file | {"duration": 3}})
        ana.post({"document": file, "caption": "my letter"})
        ana.post({"contact": {"phone_number": "+44", "first_name": "Ben"}})
        await kept.until(3)
    assert [inbound.said.text for inbound in kept.taken] == ["", "my letter", ""]
    assert "+44" not in repr(kept.taken)


async def test_the_name_and_the_language_are_handed_on(platform: OnTelegram) -> None:
    async with listening(platform.channel, Kept()) as kept:
        await platform.write("ben", "hola")
        (inbound,) = await kept.until(1)
    assert (inbound.name, inbound.language) == ("Ben", "es")


async def test_a_press_is_answered_so_that_its_button_stops_turning(platform: OnTelegram) -> None:
    await platform.channel.send(to("1001", MANY))
    async with listening(platform.channel, Kept()) as kept:
        await platform.press("ana", "A")
        await kept.until(1)
        await until(lambda: platform.chats["ana"].answered)


async def test_a_press_that_is_too_old_to_be_answered_counts_all_the_same(platform: OnTelegram) -> None:
    await platform.channel.send(to("1001", MANY))
    await platform.press("ana", "A")
    platform.bot.queries.clear()
    async with listening(platform.channel, Kept()) as kept:
        await kept.until(1)
        await until(lambda: ("answercallbackquery") in [method for method, _ in platform.bot.calls])
        await platform.write("ana", "still here")
        await kept.until(2)


async def test_a_point_where_there_is_none_is_a_place_that_is_not_known() -> None:
    def nowhere(lat: float, lon: float) -> str:
        raise ValueError("there is no such point")

    async with opened(place_at=nowhere) as platform, listening(platform.channel, Kept()) as kept:
        await platform.share_place("ana", 91.0, 0.0)
        (inbound,) = await kept.until(1)
        assert inbound.said.place == ""


# --- what can go wrong ------------------------------------------------------------------------------------------


class Told(list[str]):
    """Stands for whoever hears why a channel is down."""

    def __call__(self, why: str) -> None:
        self.append(why)


async def test_a_wrong_token_is_told_once_and_when_it_is_right_again_all_goes_on() -> None:
    told = Told()
    async with opened(report=told) as platform:
        platform.bot.revoked = True
        async with listening(platform.channel, Kept()) as kept:
            await until(lambda: told)
            with pytest.raises(SendFailed) as failed:
                await platform.channel.send(to("1001", Say("hello")))
            assert (failed.value.final, failed.value.everyone) == (False, True)
            platform.bot.revoked = False
            await platform.write("ana", "hello")
            await kept.until(1)
    assert len(told) == 2
    assert "@BotFather" in told[0]
    assert told[1] == ""
    assert TOKEN not in told[0]


@pytest.mark.parametrize("token", ["nonsense", "a b", "1:ä/../x", ""])
async def test_what_is_no_token_at_all_is_told_too(token: str) -> None:
    told = Told()
    async with TelegramServer() as server:
        channel = Telegram(token, place_at=district, api_base=server.url, report=told, pause=0.02)
        async with listening(channel, Kept()):
            await until(lambda: told)
        await channel.close()
    assert len(told) == 1
    assert "@BotFather" in told[0]


async def test_a_token_that_is_revoked_while_it_runs_is_told_and_the_other_bot_goes_on(platform: OnTelegram) -> None:
    told = Told()
    north = platform.server.bot("77:north")
    channel = Telegram(
        "77:north", "north", place_at=district, api_base=platform.server.url, report=told, patience=(2, 0.2), pause=0.02
    )
    kept, ours = Kept(), Kept()
    async with listening(channel, kept), listening(platform.channel, ours):
        north.chat(1001, "Ana").say("to the north")
        await kept.until(1)
        north.revoked = True
        await until(lambda: told)
        await platform.write("ana", "to the other")
        await ours.until(1)
    await channel.close()
    assert [(each.account, each.address, each.said.text) for each in kept.taken + ours.taken] == [
        ("north", "1001", "to the north"),
        ("main", "1001", "to the other"),
    ]


async def test_a_second_poller_is_told_and_polling_goes_on_when_it_has_left() -> None:
    told = Told()
    async with opened(report=told) as platform, listening(platform.channel, Kept()) as kept:
        await until(lambda: "getupdates" in [method for method, _ in platform.bot.calls])
        async with aiohttp.ClientSession() as other:
            url = f"{platform.server.url}/bot{TOKEN}/getUpdates"
            await other.post(url, json={"timeout": 0})
        await until(lambda: told)
        await platform.write("ana", "hello")
        await kept.until(1)
        await until(lambda: told[-1] == "")
    assert "same token" in told[0]


async def test_without_a_network_it_is_told_and_nothing_is_lost() -> None:
    told = Told()
    async with opened(report=told) as platform, listening(platform.channel, Kept()) as kept:
        await until(lambda: "getupdates" in [method for method, _ in platform.bot.calls])
        async with platform.unreachable():
            await until(lambda: told)
            await platform.write("ana", "hello")
        await kept.until(1)
    assert "cannot be reached" in told[-2] or "did not answer" in told[-2]
    assert told[-1] == ""


async def test_an_answer_that_takes_too_long_is_a_lost_one(platform: OnTelegram) -> None:
    platform.channel._patience = 0.2
    platform.bot.hang = 5.0
    with pytest.raises(SendFailed) as failed:
        await platform.channel.send(to("1001", Say("hello")))
    assert failed.value.unknown
    assert [message["text"] for message in platform.chats["ana"].sent] == ["hello"]


async def test_a_chat_that_has_moved_is_asked_for_once(platform: OnTelegram) -> None:
    platform.meet(Fault.MOVED)
    for text in ("one", "two", "three"):
        await platform.channel.send(to("1001", Say(text)))
    sends = [given["chat_id"] for method, given in platform.bot.calls if method == "sendmessage"]
    assert sends == ["1001"] + ["-1000000001001"] * 3


async def test_a_chat_that_does_not_exist_is_final(platform: OnTelegram) -> None:
    with pytest.raises(SendFailed) as failed:
        await platform.channel.send(to("4711", Say("hello")))
    assert failed.value.final
    assert failed.value.reason == "Telegram refuses: chat not found"


async def test_someone_who_never_wrote_cannot_be_written_to(platform: OnTelegram) -> None:
    platform.bot.chat(5, "Eve", started=False)
    with pytest.raises(SendFailed) as failed:
        await platform.channel.send(to("5", Say("hello")))
    assert failed.value.final


# --- webhook ----------------------------------------------------------------------------------------------------


async def post(platform: OnTelegram, body: Any, **headers: str) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.post(platform.bot.hook["url"], json=body, headers=headers) as answer,
    ):
        return answer.status


async def test_a_webhook_takes_nothing_without_its_secret(hooked: OnTelegram) -> None:
    async with listening(hooked.channel, Kept()) as kept:
        await until(lambda: hooked.bot.hook)
        forged = {"update_id": 1, "message": {"text": "/stop"}}
        assert await post(hooked, forged) == 401
        assert await post(hooked, forged, **{"X-Telegram-Bot-Api-Secret-Token": "s-e_cre"}) == 401
        assert await post(hooked, forged, **{"X-Telegram-Bot-Api-Secret-Token": "é"}) == 401
        await hooked.write("ana", "hello")
        assert [inbound.said.text for inbound in await kept.until(1)] == ["hello"]
    assert hooked.bot.hook["secret"] == "s-e_cret"


@pytest.mark.parametrize("body", [[], "x", {}, {"update_id": "x"}, {"update_id": None}])
async def test_a_webhook_refuses_what_is_no_update(hooked: OnTelegram, body: Any) -> None:
    async with listening(hooked.channel, Kept()):
        await until(lambda: hooked.bot.hook)
        assert await post(hooked, body, **{"X-Telegram-Bot-Api-Secret-Token": "s-e_cret"}) == 400


async def test_a_webhook_is_answered_only_once_it_is_stored(hooked: OnTelegram) -> None:
    kept = Kept(gate=asyncio.Event())
    async with listening(hooked.channel, kept):
        await until(lambda: hooked.bot.hook)
        update = {"update_id": 5, "message": hooked.chats["ana"].say("hello")}
        waiting = asyncio.create_task(post(hooked, update, **{"X-Telegram-Bot-Api-Secret-Token": "s-e_cret"}))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        assert kept.gate is not None
        kept.gate.set()
        assert await waiting == 200


async def test_a_webhook_that_somebody_took_away_is_set_again(
    hooked: OnTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.channels.telegram.LOOK", 0.05)
    async with listening(hooked.channel, Kept()) as kept:
        await until(lambda: hooked.bot.hook)
        hooked.bot.hook = {}
        await hooked.write("ana", "hello")
        await kept.until(1)
        set_so_often = [method for method, _ in hooked.bot.calls].count("setwebhook")
        await asyncio.sleep(0.2)
        assert [method for method, _ in hooked.bot.calls].count("setwebhook") == set_so_often == 2


async def test_polling_takes_away_a_webhook_that_was_left_behind(platform: OnTelegram) -> None:
    platform.bot.hook = {"url": "http://127.0.0.1:9/", "secret": "", "allowed": []}
    async with listening(platform.channel, Kept()) as kept:
        await until(lambda: not platform.bot.hook)
        await platform.write("ana", "hello")
        await kept.until(1)


async def test_the_commands_are_listed_in_each_language() -> None:
    commands = {"": {"help": "What I can do"}, "es": {"help": "Qué puedo hacer"}}
    async with opened(commands=commands) as platform, listening(platform.channel, Kept()):
        await until(lambda: len(platform.bot.commands) == 2)
        assert platform.bot.commands == commands


async def test_commands_that_are_refused_keep_nobody_from_writing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with opened(commands={"zz9": {"help": "x"}}) as platform, listening(platform.channel, Kept()) as kept:
        await platform.write("ana", "hello")
        await kept.until(1)
        await until(lambda: "LANG_CODE_INVALID" in caplog.text)


def test_lengths_are_counted_as_telegram_does() -> None:
    assert units("a😀") == 3
