"""What is WhatsApp's alone. What every channel must do is in test_contract.py."""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.base import Asking, Channel, Everywhere, Receipt, SendFailed, Telling
from bot.channels.whatsapp import LARGEST_CALL, WhatsApp
from bot.channels.whatsapp_calls import Refused as Refusal
from bot.channels.whatsapp_calls import failure
from bot.channels.whatsapp_heard import Heard, heard
from bot.channels.whatsapp_template import Template, unusable
from flows.limits import WHATSAPP
from flows.model import Said
from tests.bot.channels.contract import Fault, Kept, listening
from tests.bot.channels.on_telegram import district
from tests.bot.channels.on_whatsapp import NUMBER, OnWhatsApp, opened, to
from tests.bot.standins.whatsapp import APP_SECRET, BUSINESS, PHONE, TOKEN, VERIFY, WhatsAppServer
from tests.waiting import until


@pytest.fixture
async def platform() -> AsyncIterator[OnWhatsApp]:
    async with opened() as opening:
        yield opening


class Told:
    """Stands for whoever hears what became of messages. `broken` of them cannot be stored."""

    def __init__(self, channel: WhatsApp) -> None:
        self.heard: list[tuple[int, Receipt | SendFailed]] = []
        self.broken = 0
        channel.told = self

    async def __call__(self, number: int, reference: str, result: Receipt | SendFailed) -> None:
        if self.broken:
            self.broken -= 1
            raise RuntimeError("nothing can be stored just now")
        self.heard.append((number, result))


def test_whatsapp_is_a_channel_that_any_process_listens_to_and_that_can_be_asked() -> None:
    channel: Channel = WhatsApp(NUMBER, place_at=district)
    assert (channel.name, channel.account, channel.limits) == ("whatsapp", "main", WHATSAPP)
    assert isinstance(channel, Asking)
    assert isinstance(channel, Telling)
    assert isinstance(channel, Everywhere)


# --- what people do ---------------------------------------------------------------------------------------------


async def post(platform: OnWhatsApp, body: bytes, secret: str = APP_SECRET, **headers: str) -> int:
    signed = {"X-Hub-Signature-256": "sha256=" + hmac.digest(secret.encode(), body, "sha256").hex()} | headers
    async with (
        aiohttp.ClientSession() as session,
        session.post(platform.server.hook, data=BytesIO(body), headers=signed) as answer,
    ):
        return answer.status


async def test_meta_is_let_in_by_the_token_that_it_was_given(platform: OnWhatsApp) -> None:
    asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": VERIFY}
    async with aiohttp.ClientSession() as session:
        async with session.get(platform.server.hook, params=asked) as answer:
            assert (answer.status, await answer.text()) == (200, "1158201444")
        for wrong in ({"hub.verify_token": "verify-mé"}, {"hub.mode": "other"}, {"hub.verify_token": ""}):
            async with session.get(platform.server.hook, params=asked | wrong) as answer:
                assert answer.status == 403


async def test_a_call_that_is_not_signed_with_our_secret_is_refused_and_said_once(
    platform: OnWhatsApp, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(platform.channel, Kept()) as kept:
        person = platform.people["ana"]
        body = platform.server.call_of(
            [({"messages": [person.message_of({"type": "text", "text": {"body": "x"}})]}, "")]
        )
        assert await post(platform, body, "another secret") == 401
        assert await post(platform, body, **{"X-Hub-Signature-256": "sha256=é"}) == 401
        assert await post(platform, body + b" ", **{"X-Hub-Signature-256": "sha256=" + "0" * 64}) == 401
        assert kept.handed == 0
        assert await post(platform, body) == 200
    lines = [record for record in caplog.records if "app_secret" in record.getMessage()]
    assert len(lines) == 1


async def test_a_call_that_is_too_long_or_no_json_is_refused(platform: OnWhatsApp) -> None:
    async with listening(platform.channel, Kept()):
        assert await post(platform, b"x" * (LARGEST_CALL + 1)) == 413
        assert await post(platform, b"{") == 400


async def test_several_people_and_messages_in_one_call_are_all_stored_or_all_come_again(platform: OnWhatsApp) -> None:
    ana, ben = platform.people["ana"], platform.people["ben"]
    texts = [(ana, "one"), (ben, "two"), (ana, "three")]
    said = [(who, who.message_of({"type": "text", "text": {"body": text}})) for who, text in texts]
    together = ({"contacts": [ana.contact, ben.contact], "messages": [message for _, message in said]}, "messages")
    body = platform.server.call_of([together])
    kept = Kept(broken=1)
    async with listening(platform.channel, kept):
        assert await post(platform, body) == 503
        assert await post(platform, body) == 200
    assert {(each.address, each.name, each.said.text) for each in kept.taken} == {
        (ana.id, "Ana", "one"), (ben.id, "Ben", "two"), (ana.id, "Ana", "three"),
    }  # fmt: skip


async def test_a_call_is_answered_only_once_it_is_stored(platform: OnWhatsApp) -> None:
    kept = Kept(gate=asyncio.Event())
    async with listening(platform.channel, kept):
        person = platform.people["ana"]
        message = person.message_of({"type": "text", "text": {"body": "hello"}})
        body = platform.server.call_of([({"contacts": [person.contact], "messages": [message]}, "messages")])
        waiting = asyncio.create_task(post(platform, body))
        await kept.until_handed(1)
        assert not waiting.done()
        assert kept.gate is not None
        kept.gate.set()
        assert await waiting == 200


async def test_while_nobody_listens_what_people_write_comes_again(platform: OnWhatsApp) -> None:
    await platform.write("ana", "hello")
    await until(lambda: platform.server.not_taken)
    async with listening(platform.channel, Kept()) as kept:
        assert [inbound.said.text for inbound in await kept.until(1)] == ["hello"]


async def test_a_number_is_what_someone_may_have_been_known_under(platform: OnWhatsApp) -> None:
    async with listening(platform.channel, Kept()) as kept:
        await platform.write("ana", "hello")
        await platform.write("ben", "hello")
        by_name = {inbound.name: inbound for inbound in await kept.until(2)}
    assert (by_name["Ana"].address, by_name["Ana"].formerly) == (platform.address("ana"), "447700900001")
    assert (by_name["Ben"].address, by_name["Ben"].formerly) == (platform.address("ben"), "")


async def test_a_new_id_a_press_on_the_template_and_an_opt_out_are_handed_on(platform: OnWhatsApp) -> None:
    ana, old = platform.people["ana"], platform.address("ana")
    async with listening(platform.channel, Kept()) as kept:
        ana.press_template("Read it")
        await kept.until(1)
        ana.want_no_more()
        await kept.until(2)
        ana.change_number("447700900009")
        # Twice, for Meta tells it in two ways.
        pressed, stopped, *moved = await kept.until(4)
    assert (pressed.silent, pressed.said.text) == (True, "Read it")
    assert (stopped.silent, stopped.said.text) == (False, "/stop")
    assert {each.address for each in moved} == {ana.id}
    assert {each.formerly for each in moved} == {"447700900001", old}
    assert all(each.silent for each in moved)


async def test_whatever_else_people_send_is_handed_on_without_words(platform: OnWhatsApp) -> None:
    ana = platform.people["ana"]
    async with listening(platform.channel, Kept()) as kept:
        ana.post({"type": "reaction", "reaction": {"message_id": "x", "emoji": "👍"}})
        ana.post({"type": "audio", "audio": {"id": "1", "voice": True}})
        ana.post({"type": "document", "document": {"id": "2", "caption": "my letter"}})
        ana.post({"type": "contacts", "contacts": [{"phones": [{"phone": "+44"}]}]})
        ana.post({"type": "unsupported", "errors": [{"code": 131051, "title": "Message type unknown"}]})
        ana.post({"type": "text", "text": {"body": "in a group"}, "group_id": "G"})
        await platform.write("ana", "end")
        await until(lambda: kept.taken and kept.taken[-1].said.text == "end")
    assert [inbound.said for inbound in kept.taken] == [Said(), Said("my letter"), Said(), Said(), Said("end")]
    assert "+44" not in repr(kept.taken[2].said)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    "entry changes value messages contacts statuses metadata phone_number_id text type id".split()
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=25,
    )
)
def test_a_call_that_makes_no_sense_is_passed_over(call: Any) -> None:
    assert list(heard(call, PHONE)) == []
    value = {"metadata": {"phone_number_id": PHONE}, "messages": [call], "statuses": [call], "user_preferences": [call]}
    for each in heard({"entry": [{"changes": [{"value": value}]}]}, PHONE):
        assert not isinstance(each, Heard) or each.address


def test_what_concerns_another_number_of_the_business_is_not_ours() -> None:
    body = WhatsAppServer().call_of([({"messages": [{"from": "44", "id": "w", "type": "text"}]}, "messages")])
    assert len(list(heard(json.loads(body), PHONE))) == 1
    assert list(heard(json.loads(body), "1")) == []


# --- what becomes of messages -----------------------------------------------------------------------------------


async def test_who_has_not_written_for_a_day_is_asked_to_once_until_they_do() -> None:
    async with opened(template=Template("news", "en")) as platform:
        platform.server.template("news")
        platform.server.at_once = True
        ana = platform.people["ana"]
        ana.open = False
        for _ in range(2):
            with pytest.raises(SendFailed) as failed:
                await platform.channel.send(to(ana.id, "news"))
            assert (failed.value.until_heard, failed.value.final) == (True, False)
        assert [message["type"] for message in ana.sent] == ["template"]
        async with listening(platform.channel, Kept()) as kept:
            ana.press_template("Read it")
            await kept.until(1)
        await platform.channel.send(to(ana.id, "news"))
        assert [message["type"] for message in ana.sent] == ["template", "text"]


async def test_a_message_that_came_too_late_without_our_knowing_is_knocked_for_when_it_comes_back() -> None:
    async with opened(template=Template("news", "en")) as platform:
        told, ana = Told(platform.channel), platform.people["ana"]
        platform.server.template("news")
        ana.open = False
        await platform.channel.send(to(ana.id, "news"))
        await until(lambda: told.heard)
        number, result = told.heard[0]
        assert isinstance(result, SendFailed)
        assert (number, result.until_heard, ana.sent) == (1, True, [])
        with pytest.raises(SendFailed):
            await platform.channel.send(to(ana.id, "news", closed=True))
        assert [message["type"] for message in ana.sent] == ["template"]


@pytest.mark.parametrize("more", [{}, {"last": True}])
async def test_without_a_template_and_after_a_stop_nobody_is_knocked_for(more: dict[str, Any]) -> None:
    async with opened(template=Template("news", "en") if more else None) as platform:
        platform.server.template("news")
        with pytest.raises(SendFailed) as failed:
            await platform.channel.send(to(platform.address("ana"), "news", closed=True, **more))
        assert (failed.value.until_heard, failed.value.final, platform.shown("ana")) == (True, True, [])


async def test_a_failure_that_is_told_later_is_handed_on_until_it_is_stored(platform: OnWhatsApp) -> None:
    told, ana = Told(platform.channel), platform.people["ana"]
    platform.server.statuses, told.broken = False, 2
    await platform.channel.send(to(ana.id, "hello"))
    platform.server.fail(ana, ana.sent[0], 131026)
    await until(lambda: told.heard)
    number, result = told.heard[0]
    assert isinstance(result, SendFailed)
    assert (number, result.final) == (1, True)
    assert platform.server.not_taken == 2


async def test_what_was_seen_on_their_phone_has_not_failed_and_nothing_runs_backwards(platform: OnWhatsApp) -> None:
    told, ana = Told(platform.channel), platform.people["ana"]
    platform.server.statuses = False
    await platform.channel.send(to(ana.id, "hello"))
    (message,) = ana.sent
    for state in ("read", "sent", "delivered", "read"):
        platform.server._status(ana, message["_given"], message["id"], state)
    await until(lambda: platform.server.taken == 4)
    platform.server.fail(ana, message, 131026)
    await until(lambda: platform.server.taken == 5)
    assert told.heard == []


async def test_a_lost_answer_is_settled_by_the_status_or_after_a_minute_by_sending_again(
    platform: OnWhatsApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.channels.whatsapp.GLANCE", 0.01)
    lost = to(platform.address("ana"), "hello", maybe_sent=True)
    with pytest.raises(SendFailed) as failed:
        await platform.channel.settled(lost)
    assert failed.value.retry_after is not None
    assert timedelta(seconds=50) < failed.value.retry_after <= timedelta(seconds=60)
    monkeypatch.setattr("bot.channels.whatsapp.SETTLE", 0.0)
    assert await platform.channel.settled(lost) is None


# --- what can go wrong ------------------------------------------------------------------------------------------


def test_too_much_to_one_person_backs_off_by_four_to_the_power_of_tries() -> None:
    waits = [failure(Refusal(131056, 400), tries).retry_after for tries in range(5)]
    assert waits == [timedelta(seconds=seconds) for seconds in (1, 4, 16, 64, 256)]
    assert failure(Refusal(131056, 400), 50).retry_after == timedelta(hours=1)


@pytest.mark.parametrize(
    ("code", "status", "final", "everyone", "waits"),
    [
        (131026, 400, True, False, False), (131030, 400, True, False, False), (100, 400, True, False, False),
        (131009, 400, True, False, False), (130429, 429, False, True, True), (80007, 400, False, True, True),
        (4, 400, False, True, True), (190, 401, False, True, True), (10, 403, False, True, True),
        (368, 403, False, True, True), (131048, 400, False, True, True), (131000, 500, False, False, False),
        (131016, 500, False, False, False), (2, 503, False, False, False), (502, 502, False, False, False),
        (131049, 0, True, False, False), (131053, 0, True, False, False),
    ],
)  # fmt: skip
def test_an_error_says_who_must_wait_and_whether_it_is_for_ever(
    code: int, status: int, final: bool, everyone: bool, waits: bool
) -> None:
    failed = failure(Refusal(code, status))
    assert (failed.final, failed.everyone, failed.retry_after is not None) == (final, everyone, waits)


async def test_back_off_of_a_chat_begins_anew_once_something_went_through(platform: OnWhatsApp) -> None:
    waits: list[float] = []
    for _ in range(2):
        platform.meet(Fault.SLOW_DOWN)
        with pytest.raises(SendFailed) as failed:
            await platform.channel.send(to(platform.address("ana"), "x"))
        assert failed.value.retry_after is not None
        waits.append(failed.value.retry_after.total_seconds())
    await platform.channel.send(to(platform.address("ana"), "x"))
    assert waits == [1, 4]
    assert platform.channel._too_much == {}


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (replace(NUMBER, token="wrong"), "refuses this token (190)"),
        (replace(NUMBER, id="1"), "phone_number_id is no number"),
        (replace(NUMBER, app_secret="wrong"), "app_secret is not the secret"),
    ],
)
async def test_a_wrong_setting_is_told_in_one_line_that_names_it(number: Any, says: str) -> None:
    told: list[str] = []
    async with opened(number=number, report=told.append) as platform, listening(platform.channel, Kept()):
        await until(lambda: platform.server.looked > 4)
    assert len(told) == 1
    assert says in told[0]
    assert TOKEN not in told[0]


async def test_a_revoked_token_is_told_when_a_send_meets_it_and_all_goes_on_with_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    async with opened(report=told.append) as platform:
        platform.server.token = "another"
        with pytest.raises(SendFailed) as failed:
            await platform.channel.send(to(platform.address("ana"), "hello"))
        assert (failed.value.final, failed.value.everyone) == (False, True)
        platform.server.token = TOKEN
        async with listening(platform.channel, Kept()):
            await until(lambda: len(told) == 2)
    assert "190" in told[0]
    assert told[1] == ""


async def test_while_meta_is_away_it_is_told_and_what_people_write_is_taken_all_the_same() -> None:
    told: list[str] = []
    async with opened(report=told.append) as platform, platform.unreachable(), listening(platform.channel, Kept()):
        await until(lambda: told)
    assert "cannot be reached" in told[0]


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ({}, ""),
        ({"language": "es"}, "only in es"),
        ({"status": "PENDING"}, "says pending"),
        ({"components": [{"type": "BODY", "text": "Hi {{1}}"}]}, "gaps"),
        ({"components": [{"type": "BODY", "text": "Hi"}]}, "quick reply"),
        ({"name": "other"}, "is not there"),
    ],
)
async def test_a_template_that_cannot_be_used_is_told_at_the_start_and_goes_unused(
    made: dict[str, Any], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    template = Template("news", "en", BUSINESS)
    async with opened(template=template) as platform:
        name, language = made.get("name", "news"), made.get("language", "en")
        platform.server.template(name, language, **{k: v for k, v in made.items() if k not in ("name", "language")})
        async with listening(platform.channel, Kept()) as kept:
            await platform.write("ana", "hello")
            await kept.until(1)
            await until(lambda: not why or "news" in caplog.text)
    assert why in caplog.text
    assert unusable(template, []) != ""
