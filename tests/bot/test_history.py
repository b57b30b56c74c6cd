from datetime import timedelta

from bot.channels.web import Line
from bot.history import StoredHistory
from flows.model import Say
from storage.outbox import BROADCAST
from storage.store import Transaction
from tests.bot.conftest import Talking
from tests.bot.talking import Talk

HOUR = timedelta(hours=1)

TWO = """
flow: two
about: Two questions that follow each other for ever.
starts: {first_contact: true}
start: town
states:
  town: {ask: Where?, choices: {leeds: Leeds, york: York}, go: free}
  free: {ask: When?, choices: {monday: On Monday, friday: On Friday}, go: town}
"""


async def press(talk: Talk, question: Line, key: str) -> None:
    talk.watch.now += timedelta(minutes=1)
    await talk.say("pressed", choice=key, question=question.question, conversation=question.conversation)
    await talk.send()


async def test_a_page_that_reads_on_sees_what_one_that_reads_it_all_sees(talking: Talking) -> None:
    talk = await talking({"two": TWO})
    history = StoredHistory(talk.store, "web")
    await talk.say("hello")
    await talk.send()
    read, cursor = await history.history("ana", "", 50)
    for key, label in (("leeds", "Leeds"), ("friday", "On Friday"), ("york", "York"), ("monday", "On Monday")):
        await press(talk, read[-1], key)
        lines, cursor = await history.history("ana", cursor, 50)
        assert [line.text for line in lines if line.mine] == [label], "what was pressed stands on the page as it did"
        read += lines
    assert (read, cursor) == await history.history("ana", "", 50)
    assert await history.history("ana", cursor, 50) == ([], cursor)


async def test_what_was_overtaken_is_seen_once_it_has_come(talking: Talking) -> None:
    talk = await talking({"two": TWO})
    history = StoredHistory(talk.store, "web")
    await talk.say("hello")
    await talk.send()
    read, cursor = await history.history("ana", "", 50)
    ana = (await talk.loaded()).person

    async def broadcast(tx: Transaction) -> None:
        await tx.outbox.add(ana, ana.address_id, None, [Say("To everyone")], talk.watch.now + HOUR, BROADCAST)

    await talk.store.run(broadcast)
    await press(talk, read[-1], "leeds")
    lines, cursor = await history.history("ana", cursor, 50)
    assert [line.text for line in lines] == ["Leeds", "When?"]
    talk.watch.now += HOUR
    await talk.send()
    lines, cursor = await history.history("ana", cursor, 50)
    assert [line.text for line in lines] == ["To everyone"]
    assert (await history.history("ana", cursor, 50))[0] == []
