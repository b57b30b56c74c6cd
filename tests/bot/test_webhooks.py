"""What calls a webhook of `doorstep run` without being its platform, or comes again, begins no turn."""

import asyncio
import hmac
import json
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.bot.channels.test_slack_run import section as slack
from tests.bot.channels.test_slack_run import texts as slack_texts
from tests.bot.channels.test_telegram_run import telegram, texts
from tests.bot.channels.test_whatsapp_run import whatsapp
from tests.bot.running import free_port, running_here, write_config
from tests.bot.standins.slack import SlackServer
from tests.bot.standins.slack_app import AppAccount
from tests.bot.standins.slack_people import Person as SlackPerson
from tests.bot.standins.telegram import TelegramServer
from tests.bot.standins.telegram_bot import BotAccount
from tests.bot.standins.whatsapp import APP_SECRET, WhatsAppServer
from tests.bot.standins.whatsapp_people import Person
from tests.bot.test_killed import CHAIN, replies
from tests.waiting import until

SECRET, SIGNING_SECRET = "s-e_cret-0123456789", "5l4ck"
DAY = 86_400
TAKEN = 200

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Call:
    """A call as its platform makes it; `proof` is what the headers prove it with, `signed` whether of these bytes."""

    path: str
    body: bytes
    proof: Headers
    signed: bool = True

    def forged(self) -> Iterator["Call"]:
        """It with one byte changed, each in turn; what proves it empty, longer or gone; and other bytes behind."""
        for name, value in self.proof.items():
            flipped = (value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :] for at in range(len(value)))
            for wrong in (*flipped, "", f"{value}0", value[:-1]):
                yield replace(self, proof={**self.proof, name: wrong})
            yield replace(self, proof={other: each for other, each in self.proof.items() if other != name})
        if self.signed:
            for at in range(len(self.body)):
                changed = bytearray(self.body)
                changed[at] ^= 1 << at % 8
                yield replace(self, body=bytes(changed))
            for wrong_body in (b"", self.body + b"\n", self.body[:-1], b"\xef\xbb\xbf" + self.body):
                yield replace(self, body=wrong_body)


@dataclass
class Platforms:
    """`doorstep run` in this process, which three platforms call: Ana's, Bea's and Cleo's."""

    port: int
    session: aiohttp.ClientSession
    phone: WhatsAppServer
    ana: Person
    telegram: BotAccount
    slack: AppAccount
    cleo: SlackPerson

    async def make(self, call: Call) -> int:
        """What is answered."""
        headers = {"Content-Type": "application/json", **call.proof}
        url = f"http://127.0.0.1:{self.port}{call.path}"
        async with self.session.post(url, data=call.body, headers=headers) as answer:
            return answer.status

    def on_whatsapp(self, text: str, ago: int = 0) -> Call:
        """What Meta calls with when Ana has said this, so many seconds ago."""
        message = self.ana.message_of({"type": "text", "text": {"body": text}})
        message["timestamp"] = str(int(time.time()) - ago)
        body = self.phone.call_of([({"contacts": [self.ana.contact], "messages": [message]}, "messages")])
        signed = "sha256=" + hmac.digest(APP_SECRET.encode(), body, "sha256").hex()
        return Call("/whatsapp/main", body, {"X-Hub-Signature-256": signed})

    def on_telegram(self, text: str) -> Call:
        """What Telegram calls with when Bea has said this."""
        bea, number = self.telegram.chats[7], self.telegram.next_message()
        said = {"message_id": number, "from": bea.person, "chat": bea.as_json, "date": int(time.time()), "text": text}
        body = json.dumps({"update_id": 900 + number, "message": said}).encode()
        return Call("/telegram/main", body, {"X-Telegram-Bot-Api-Secret-Token": SECRET}, signed=False)

    def on_slack(self, text: str, away: int = 0) -> Call:
        """What Slack calls with when Cleo has said this; its clock is away from ours by so many seconds."""
        stamp = self.slack.stamp()
        event = {"type": "message", "user": self.cleo.id, "text": text, "ts": stamp, "team": self.slack.team}
        event |= {"channel": self.cleo.dm.id, "channel_type": "im", "event_ts": stamp}
        raw = json.dumps({
            "type": "event_callback", "team_id": self.slack.team, "event_id": f"Ev{stamp}", "event": event,
        })  # fmt: skip
        return Call("/slack/main", raw.encode(), self.slack.signed(raw, int(time.time()) + away))

    @property
    def heard(self) -> list[list[str]]:
        """What Ana, Bea and Cleo were answered."""
        return [self.ana.words, texts(self.telegram.chats[7]), slack_texts(self.cleo)]


@pytest.fixture
async def platforms(tmp_path: Path, migrated: Path) -> AsyncIterator[Platforms]:
    async with (
        TelegramServer() as one,
        WhatsAppServer() as two,
        SlackServer() as three,
        aiohttp.ClientSession() as http,
    ):
        port, bot = free_port(), one.bot("1:one")
        account = three.app("xoxb-1", signing_secret=SIGNING_SECRET)
        shutil.copy(migrated, tmp_path / "d.db")
        sections = whatsapp(two, port) + telegram(one, more=f'mode = "webhook"\nsecret = "{SECRET}"')
        sections += slack(three, f'signing_secret = "{SIGNING_SECRET}"')
        file = write_config(tmp_path, f"sqlite:///{tmp_path}/d.db", port, {"chain": CHAIN}, sections)
        file.write_text(file.read_text().replace("[server]", '[server]\npublic_url = "https://bot.example"'))
        async with running_here(file):
            await until(lambda: bot.hook and account.calls)
            bot.chat(7, "Bea").started = True
            yield Platforms(port, http, two, two.person("447700900001", "Ana"), bot, account, account.person("Cleo"))


async def test_with_one_byte_changed_nothing_is_taken_and_what_comes_again_begins_no_second_turn(
    platforms: Platforms,
) -> None:
    calls = [platforms.on_whatsapp("word 0"), platforms.on_telegram("word 0"), platforms.on_slack("word 0")]
    refused = Counter([await platforms.make(wrong) for call in calls for wrong in call.forged()])
    assert {*refused} == {401}
    assert refused.total() > sum(len(call.body) for call in calls if call.signed)
    assert platforms.heard == [[], [], []]
    assert [await platforms.make(call) for call in calls * 3] == [TAKEN] * 9
    assert await asyncio.gather(*(platforms.make(call) for call in calls * 10)) == [TAKEN] * 30
    more = [platforms.on_whatsapp("word 1"), platforms.on_telegram("word 1"), platforms.on_slack("word 1")]
    assert [await platforms.make(call) for call in more] == [TAKEN] * 3
    await until(lambda: all(len(each) >= 2 for each in platforms.heard))
    assert [await platforms.make(call) for call in calls + more] == [TAKEN] * 6
    await until(lambda: platforms.heard == [replies(2)] * 3)


async def test_what_was_signed_at_another_time_is_not_taken(platforms: Platforms) -> None:
    for away in (-DAY, -302, 302, DAY):
        assert await platforms.make(platforms.on_slack("old", away)) == 401
    assert await platforms.make(platforms.on_whatsapp("old", 9 * DAY)) == TAKEN, "or Meta would bring it again"
    assert await platforms.make(platforms.on_whatsapp("word 0", 6 * DAY)) == TAKEN
    assert await platforms.make(platforms.on_slack("word 0", -200)) == TAKEN
    await until(lambda: all(len(platforms.heard[at]) >= 1 for at in (0, 2)))
    assert platforms.heard == [replies(1), [], replies(1)]


async def test_how_much_of_a_proof_is_right_cannot_be_told_by_a_clock(
    platforms: Platforms, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str | bytes] = []

    def compare(one: Any, other: Any) -> bool:
        compared.extend((one, other))
        return in_constant_time(one, other)

    in_constant_time = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", compare)
    for call in (platforms.on_whatsapp("a"), platforms.on_telegram("a"), platforms.on_slack("a")):
        given = list(call.proof.values())[-1]
        wrong = f"{given[:-1]}{chr(ord(given[-1]) ^ 1)}"
        compared.clear()
        assert await platforms.make(replace(call, proof={**call.proof, list(call.proof)[-1]: wrong})) == 401
        assert {wrong, wrong.encode()} & {*compared}
