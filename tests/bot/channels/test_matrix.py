"""What is Matrix's alone, and a bridge's, on a real Synapse. What every channel must do is in test_contract.py."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import pytest

from bot.channels.base import Outbound, SendFailed
from bot.channels.matrix import Matrix
from bot.channels.web_files import File
from bot.qr import qr_code
from flows.model import Say, Shown
from tests.bot.channels.contract import Kept, listening
from tests.bot.channels.on_matrix import (
    BRIDGE_BOT,
    PHONE,
    UNREADABLE,
    OnBridge,
    OnMatrix,
    Remembering,
    bubbles_in,
    opened,
    opened_on_bridge,
)
from tests.bot.channels.on_telegram import district
from tests.bot.running import free_port
from tests.bot.standins.synapse import SERVER, Hands, synapse
from tests.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture
async def native() -> AsyncIterator[OnMatrix]:
    async with opened() as platform:
        yield platform


@pytest.fixture
async def bridged() -> AsyncIterator[OnBridge]:
    async with opened_on_bridge() as platform:
        yield platform


def to(address: str, text: str = "Hello", number: int = 1, **more: Any) -> Outbound:
    return replace(Outbound(number, "matrix", "main", address, 7, Say(text)), **more)


def again(platform: OnMatrix, memory: Remembering, **more: Any) -> Matrix:
    """The same account after a restart."""
    options: dict[str, Any] = {"access_token": platform.secrets[0], "place_at": district, "memory": memory}
    options |= {"patience": (2.0, 5.0), "pause": 0.02}
    return Matrix(platform.proxy.origin, platform.bot, **(options | more))


def told(platform: OnMatrix, room: str, reader: str) -> list[str]:
    return [bubble.text for bubble in bubbles_in(platform.hands.messages(reader, room), platform.bot)]


# --- rooms and people -------------------------------------------------------------------------------------------


async def test_what_was_written_with_the_invitation_is_heard_once_it_has_come_in(native: OnMatrix) -> None:
    async with listening(native.channel, Kept()) as kept:
        await native.write("ana", "first")
        await kept.until(1)
        await native.write("ben", "hello")
        await native.write("ben", "anybody?")
        taken = await kept.until(3)
    assert [inbound.said.text for inbound in taken] == ["first", "hello", "anybody?"]
    assert taken[1].name == "Ben"


async def test_more_than_one_answer_holds_is_paged_back_to(native: OnMatrix) -> None:
    memory = Remembering()
    channel = again(native, memory)
    async with listening(channel, Kept()) as kept:
        await native.write("ana", "begun")
        await kept.until(1)
        await until(lambda: any("place" in name for name in memory))
    await channel.close()
    texts = [f"line {number}" for number in range(120)]
    for text in texts:
        await native.write("ana", text)
    channel = again(native, memory)
    async with listening(channel, Kept()) as kept:
        taken = await kept.until(120)
    await channel.close()
    assert [inbound.said.text for inbound in taken] == texts


async def test_someone_who_made_another_room_is_the_same_person_and_is_answered_there(native: OnMatrix) -> None:
    async with listening(native.channel, Kept()) as kept:
        await native.write("ana", "one")
        await kept.until(1)
        native.rooms["ana"].append(native.open_room("ana"))
        await native.write("ana", "two")
        taken = await kept.until(2)
        await native.channel.send(to(native.address("ana")))
    assert {inbound.address for inbound in taken} == {native.address("ana")}
    old, new = native.rooms["ana"]
    assert told(native, old, native.users["ana"]) == []
    assert told(native, new, native.users["ana"]) == ["Hello"]


async def test_a_group_is_left_politely_and_nothing_said_there_is_heard(native: OnMatrix) -> None:
    ben = native.address("ben")
    async with listening(native.channel, Kept()) as kept:
        room = native.hands.create_room(native.users["ana"], native.bot, ben)
        native.hands.ask("POST", f"join/{room}", ben, {})
        native.hands.say(ben, room, "a secret between us")
        await until(lambda: "leave" in _memberships(native, room))
        await native.write("ana", "hello")
        assert [inbound.said.text for inbound in await kept.until(1)] == ["hello"]


def _memberships(platform: OnMatrix, room: str) -> list[str]:
    events = platform.hands.messages(platform.users["ana"], room)
    mine = [event for event in events if event["type"] == "m.room.member" and event["state_key"] == platform.bot]
    return [event["content"]["membership"] for event in mine]


async def test_an_encrypted_room_hears_once_that_it_cannot_be_read(native: OnMatrix) -> None:
    algorithm = {"algorithm": "m.megolm.v1.aes-sha2"}
    state = [{"type": "m.room.encryption", "state_key": "", "content": algorithm}]
    async with listening(native.channel, Kept()) as kept:
        room = native.hands.create_room(native.users["ana"], native.bot, state=state)
        await until(lambda: told(native, room, native.users["ana"]))
        native.hands.send(native.users["ana"], room, {**algorithm, "ciphertext": "…"}, "m.room.encrypted")
        native.hands.send(native.users["ana"], room, {**algorithm, "ciphertext": "…"}, "m.room.encrypted")
        await native.write("ana", "in the open")
        await kept.until(1)
        assert told(native, room, native.users["ana"]) == [UNREADABLE]


async def test_notices_and_redactions_and_what_the_bot_says_itself_are_not_heard(native: OnMatrix) -> None:
    async with listening(native.channel, Kept()) as kept:
        native.tell("ana", {"msgtype": "m.notice", "body": "I am a bot, too"})
        native.redact("ana", await native.write("ana", "one"))
        await native.channel.send(to(native.address("ana")))
        await native.write("ana", "two")
        taken = await kept.until(2 if len(kept.taken) > 1 else 1)
        await until(lambda: kept.taken[-1].said.text == "two")
    assert {inbound.said.text for inbound in taken} <= {"one", "two"}


# --- sending ----------------------------------------------------------------------------------------------------


async def test_a_message_sent_again_after_a_restart_is_one_event_and_a_new_database_has_its_own(
    native: OnMatrix,
) -> None:
    memory = Remembering()
    for each in (memory, memory, Remembering()):
        channel = again(native, each)
        await channel.send(to(native.address("ana"), number=7))
        await channel.close()
    assert len(native.shown("ana")) == 2


async def test_messages_that_leave_together_at_the_first_start_are_each_one_event_when_sent_again(
    native: OnMatrix,
) -> None:
    memory, ana = Slowly(), native.address("ana")
    for _ in range(2):
        channel = again(native, memory)
        await asyncio.gather(*[channel.send(to(ana, f"Number {number}", number)) for number in range(1, 6)])
        await channel.close()
    assert len(native.shown("ana")) == 5


class Slowly(Remembering):
    """A memory that takes a moment, so that several ask before anything is kept."""

    async def get(self, name: str) -> str:  # type: ignore[override]
        kept = await super().get(name)
        await asyncio.sleep(0.01)
        return kept


class Attached:
    """Files that are attached: a calendar file, and a picture."""

    async def file(self, address: str, kind: str, about: int) -> File | None:
        if kind == "calendar":
            return File("text/calendar; charset=utf-8", b"BEGIN:VCALENDAR", "Clean-up.ics")
        return File("image/png", qr_code(address, "png"))


async def test_a_calendar_file_and_a_picture_come_before_their_words() -> None:
    async with opened(files=Attached()) as platform:
        ana = platform.address("ana")
        for number, kind in enumerate(("calendar:3", "qr"), 1):
            for _ in range(2):
                await platform.channel.send(to(ana, number=number, say=Say("Yours.", attach=kind)))
        events = platform.hands.messages(ana, platform.rooms["ana"][0])
    sent = [event["content"] for event in events if event["type"] == "m.room.message"]
    assert [each["msgtype"] for each in sent] == ["m.file", "m.text", "m.image", "m.text"]
    assert sent[0]["body"] == "Clean-up.ics"
    assert sent[0]["url"].startswith(f"mxc://{SERVER}/")


async def test_a_change_that_was_made_twice_is_one_change(native: OnMatrix) -> None:
    ana = native.address("ana")
    receipt = await native.channel.send(to(ana, "Which?"))
    for _ in range(2):
        changed = to(ana, "That one.", 2, replaces=receipt.reference)
        assert await native.channel.send(changed) == receipt
    events = native.hands.messages(ana, native.rooms["ana"][0])
    assert [event["content"]["body"] for event in events if event["type"] == "m.room.message"] == [
        "Which?",
        "* That one.",
    ]


async def test_the_longest_text_with_the_most_choices_fits_into_an_event_even_as_a_change(native: OnMatrix) -> None:
    choices = tuple(Shown(str(number), "😀" * 200) for number in range(130))
    say = Say("😀" * 4000, choices, question=1)
    receipt = await native.channel.send(to(native.address("ana"), say=say))
    await native.channel.send(to(native.address("ana"), number=2, say=say, replaces=receipt.reference))
    assert len(native.shown("ana")) == 1


# --- logging in -------------------------------------------------------------------------------------------------


async def test_a_password_makes_one_device_and_its_token_is_kept(native: OnMatrix) -> None:
    server, name = synapse(), f"door-{native.bot[5:].partition(':')[0]}"
    server.register(name, "open sesame")
    memory, devices = Remembering(), set()
    for _ in range(3):
        channel = Matrix(server.url, name, password="open sesame", place_at=district, memory=memory)
        with pytest.raises(SendFailed):
            await channel.send(to("@nobody:nowhere"))
        await channel.close()
        token = next(text for kept, text in memory.items() if kept.endswith("token"))
        devices.add((token, _whoami(server.url, token)["device_id"]))
    assert devices == {(token, "DOORSTEP-MAIN")}
    _log_out(server.url, token)
    channel = Matrix(server.url, name, password="open sesame", place_at=district, memory=memory)
    with pytest.raises(SendFailed) as failed:
        await channel.send(to("@nobody:nowhere"))
    await channel.close()
    assert failed.value.final
    assert "left the room" in failed.value.reason


def _whoami(url: str, token: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    answer: dict[str, Any] = httpx.get(f"{url}/_matrix/client/v3/account/whoami", headers=headers).json()
    return answer


def _log_out(url: str, token: str) -> None:
    httpx.post(f"{url}/_matrix/client/v3/logout", headers={"Authorization": f"Bearer {token}"})


async def test_what_keeps_it_from_working_is_one_clear_line(native: OnMatrix, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = synapse().url
    for options, line in (
        ({"access_token": "syt_wrong"}, "does not know this access token"),
        ({"password": "wrong-pass"}, "refuses this user and password"),
        ({"access_token": native.secrets[0], "user": "@another:localhost"}, "is another user's"),
        ({"access_token": "t", "homeserver": f"http://127.0.0.1:{free_port()}"}, "cannot be reached"),
        ({"access_token": "t", "homeserver": f"{server}/elsewhere"}, "no Matrix homeserver at this address"),
    ):
        reported: list[str] = []
        given = {"homeserver": server, "user": native.bot, "place_at": district, "report": reported.append}
        channel = Matrix(memory=Remembering(), pause=0.01, **(given | options))  # type: ignore[arg-type]
        async with listening(channel, Kept()):
            await until(lambda: reported)  # noqa: B023
        with pytest.raises(SendFailed) as failed:
            await channel.send(to("@ana:localhost", "Xanthippe"))
        await channel.close()
        assert line in reported[0]
        assert len(reported) == 1
        assert failed.value.reason == reported[0]
        assert not failed.value.final
    assert not any(secret in caplog.text for secret in ("syt_wrong", "wrong-pass", native.secrets[0], "Xanthippe"))


# --- a bridge ---------------------------------------------------------------------------------------------------


async def test_whoever_changes_from_a_phone_to_a_hidden_id_stays_the_same_person(bridged: OnBridge) -> None:
    async with listening(bridged.channel, Kept()) as kept:
        await bridged.write("ana", "by phone")
        await kept.until(1)
        room, phone = bridged.rooms["ana"][0], bridged.users["ana"]
        bridged.hands.ask("POST", f"rooms/{room}/leave", phone, {"reason": "Migrating to LIDs"})
        bridged.ghost("ana", "lid-98765", "Ana (WA)")
        bridged.hands.ask("POST", f"rooms/{room}/invite", BRIDGE_BOT, {"user_id": bridged.users["ana"]})
        bridged.hands.ask("POST", f"join/{room}", bridged.users["ana"], {})
        await bridged.write("ana", "by hidden id")
        taken = await kept.until(2)
        await bridged.channel.send(to(taken[0].address))
    assert [inbound.address for inbound in taken] == [room, room]
    assert [inbound.name for inbound in taken] == ["Ana", "Ana"]
    assert [bubble.text for bubble in bridged.shown("ana")] == ["Hello"]


async def test_a_ghost_that_is_known_is_the_same_person_in_a_new_portal_even_after_a_restart(bridged: OnBridge) -> None:
    memory = Remembering()
    for number, text in enumerate(("before", "after"), 1):
        channel = again(bridged, memory, bridge="whatsapp")
        async with listening(channel, Kept()) as kept:
            await bridged.write("ana", text)
            (inbound,) = await kept.until(1)
            assert inbound.said.text == text
            assert inbound.address == bridged.rooms["ana"][0]
            await channel.send(to(inbound.address, text, number))
            await until(lambda: any("place" in name for name in memory))
        await channel.close()
        bridged.leave("ana")
        bridged.rooms["ana"].append(bridged.open_room("ana"))
    assert told(bridged, bridged.rooms["ana"][1], BRIDGE_BOT) == ["after"]


async def test_portals_that_are_merged_are_one_person(bridged: OnBridge) -> None:
    async with listening(bridged.channel, Kept()) as kept:
        await bridged.write("ana", "one")
        await kept.until(1)
        bridged.ghost("ana", "lid-55555", "Ana (WA)")
        bridged.move("ana")
        await bridged.write("ana", "two")
        taken = await kept.until(2)
    assert {inbound.address for inbound in taken} == {bridged.rooms["ana"][0]}


async def test_what_the_bridge_tells_twice_is_one_message(bridged: OnBridge) -> None:
    async with listening(bridged.channel, Kept()) as kept:
        await bridged.write("ana", "yes")
        bridged.tell_twice()
        await bridged.write("ana", "yes")
        await kept.until_handed(3)
        assert [inbound.said.text for inbound in kept.taken] == ["yes", "yes"]


async def test_only_the_person_is_heard_in_a_portal_not_our_own_phone_nor_who_reads_along(bridged: OnBridge) -> None:
    bridged.address("ana")
    room = bridged.rooms["ana"][0]
    bridged.hands.join_server(f"whatsapp_{PHONE}")
    bridged.hands.join_server("coordinator")
    async with listening(bridged.channel, Kept()) as kept:
        for user in (f"@whatsapp_{PHONE}:{SERVER}", f"@coordinator:{SERVER}"):
            bridged.hands.ask("POST", f"rooms/{room}/invite", BRIDGE_BOT, {"user_id": user})
            bridged.hands.ask("POST", f"join/{room}", user, {})
            bridged.hands.say(user, room, "not Ana")
        bridged.hands.say(BRIDGE_BOT, room, "a word from the bridge")
        await bridged.write("ana", "me")
        assert [inbound.said.text for inbound in await kept.until(1)] == ["me"]
        group = bridged.open_room("ana", "12036304@g.us", "group_dm", f"@whatsapp_{PHONE}:{SERVER}")
        bridged.hands.say(bridged.users["ana"], group, "in a group")
        await bridged.write("ana", "and again")
        assert [inbound.said.text for inbound in await kept.until(2)] == ["me", "and again"]


async def test_a_relays_name_before_the_words_is_taken_off_so_that_a_number_answers(bridged: OnBridge) -> None:
    relayed = {"format": "org.matrix.custom.html", "formatted_body": "<strong>Cleo</strong>: 2"}
    profile = {"com.beeper.per_message_profile": {"id": "d", "displayname": "Dora", "has_fallback": True}}
    async with listening(bridged.channel, Kept()) as kept:
        bridged.tell("ana", {"msgtype": "m.text", "body": "*Cleo*: 2", **relayed})
        bridged.tell("ana", {"msgtype": "m.text", "body": "Dora: 3", **profile})
        bridged.tell("ana", {"msgtype": "m.text", "body": "Note: 4"})
        taken = await kept.until(3)
    assert [(inbound.name, inbound.said.text) for inbound in taken] == [
        ("Cleo", "2"),
        ("Dora", "3"),
        ("Ana", "Note: 4"),
    ]


async def test_what_did_not_get_beyond_the_bridge_has_failed_and_what_did_is_sent(bridged: OnBridge) -> None:
    address = bridged.address("ana")
    room = bridged.rooms["ana"][0]
    async with listening(bridged.channel, Kept()) as kept:
        await bridged.write("ana", "hello")
        await kept.until(1)
        first = await bridged.channel.send(to(address))
        _status(bridged, room, first.reference, "SUCCESS")
        await bridged.write("ana", "go on")
        await kept.until(2)
        for number, status in ((2, "FAIL_PERMANENT"), (3, "SUCCESS")):
            sending = asyncio.create_task(bridged.channel.send(to(address, f"Number {number}", number)))
            await until(partial(lambda many: len(bridged.shown("ana")) == many, number))
            _status(bridged, room, bridged.shown("ana")[-1].reference, "PENDING")
            _status(bridged, room, bridged.shown("ana")[-1].reference, status)
            if status == "SUCCESS":
                assert (await sending).reference == bridged.shown("ana")[-1].reference
            else:
                with pytest.raises(SendFailed) as failed:
                    await sending
                assert failed.value.final
                assert "m.foreign_network_error" in failed.value.reason


def _status(bridged: OnBridge, room: str, event: str, status: str) -> None:
    related = {"rel_type": "m.reference", "event_id": event}
    content = {"m.relates_to": related, "status": status, "reason": "m.foreign_network_error"}
    bridged.hands.send(BRIDGE_BOT, room, content, "com.beeper.message_send_status")


def test_the_server_of_the_tests_lets_a_ghost_say_when() -> None:
    hands = Hands(synapse().url)
    hands.join_server("whatsapp_1")
    room = hands.create_room("@whatsapp_1:localhost")
    hands.say("@whatsapp_1:localhost", room, "x", ts="1700000000000")
    assert hands.messages("@whatsapp_1:localhost", room)[-1]["origin_server_ts"] == 1700000000000
    hands.client.close()
