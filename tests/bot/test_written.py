"""What people write, on each database: hostile texts, and the words that are understood everywhere."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from bot.channels.base import Inbound
from bot.group import Group
from flows import phrases
from flows.model import Said
from storage.people import STOPPED
from storage.store import Transaction
from tests.bot.conftest import Talking
from tests.bot.talking import Talk
from tests.bot.test_turn import PLACE, left

HOSTILE = {
    "nothing": "",
    "spaces": " \t\n ",
    "long": "x" * 300_000,
    "words": "word " * 60_000,
    "emoji": "👩‍👩‍👧‍👦" * 4_000,
    "right to left": "مرحبا \u202eabc\u202c עברית",
    "nul": "a\x00b\x00",
    "half a character": "a\ud800b",
    "template": "{{ me.name }} {{ org.name | upper }} %s {0}",
    "slack": "<!channel> <https://evil.example|click>",
    "escape": "\x1b[2J\x1b]0;title\x07",
    "numbers": "9" * 5_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_whatever_someone_writes_is_answered_and_the_conversation_goes_on(talking: Talking, text: str) -> None:
    talk = await talking({"place": PLACE})
    await talk.say(text, name=text)
    first = await talk.hears()
    assert first == ["Which town?"]
    await talk.say(text)
    then = await talk.hears()
    assert then
    assert phrases.WENT_WRONG not in then
    if not then[-1].endswith(" it is."):
        await talk.say("Leeds")
        assert (await talk.hears())[-1] == "Leeds it is."
    await talk.say("start")
    assert await talk.hears() == ["Which town?"]


async def test_a_picture_that_was_not_asked_for_is_answered_kindly(talking: Talking) -> None:
    talk = await talking({"place": PLACE})
    await talk.say("hello")
    await talk.say("", photo="file-7")
    assert (await talk.hears())[-1].startswith(phrases.SAY_TEXT)


async def test_a_text_too_long_for_one_message_is_stored_as_several_in_order(talking: Talking) -> None:
    talk = await talking({"place": PLACE})
    talk.channel.name, talk.channel.account = "elsewhere", "main"
    words = [f"w{number}" for number in range(2_500)]
    for number, said in enumerate(["hello", " ".join(words), "export"]):
        await talk.turns.receive(Inbound("elsewhere", "main", "5", f"{number}", Said(said)))
    texts = [text for _, text in await talk.send()]
    assert all(len(text) <= 4096 for text in texts)
    told = " ".join(texts).split()
    assert len(texts) > 5
    assert [word for word in told if word in set(words)][-2500:] == words


async def status(talk: Talk) -> str:
    return (await talk.loaded()).person.status


async def fields(talk: Talk) -> Mapping[str, object]:
    return (await talk.loaded()).person.fields


async def test_stop_is_confirmed_once_and_what_waited_is_dropped(talking: Talking) -> None:
    talk = await talking({"place": PLACE})
    await talk.say("hello")
    await talk.say("stop")
    assert len(await talk.hears()) == 1
    assert await status(talk) == STOPPED
    talk.watch.forward(timedelta(days=3))
    await talk.tick()
    for kind, body in (("begin", {"flow": "place"}), ("happened", {"name": "pair.introduced"})):
        await talk.turns.take(await left(talk, kind, body))
    assert await talk.hears() == []


async def test_who_has_stopped_is_told_how_to_return_and_returns_by_a_word_alone(talking: Talking) -> None:
    talk = await talking({"place": PLACE})
    await talk.say("hello")
    await talk.say("stop")
    await talk.hears()
    await talk.say("Leeds")
    assert await talk.hears() == [phrases.STOPPED]
    await talk.say("", choice="yes", question=1, conversation=1)
    assert await talk.hears() == [phrases.STOPPED]
    await talk.say("start")
    assert await talk.hears() == ["Which town?"]
    await talk.say("Leeds")
    assert await talk.hears() == ["Leeds it is."]


async def test_who_has_stopped_returns_by_the_word_they_were_told_where_no_flow_has_it(talking: Talking) -> None:
    talk = await talking({"place": PLACE.replace("words: [start]", "words: [towns]")})
    await talk.say("hello")
    await talk.say("stop")
    assert "*start*" in "".join(await talk.hears())
    await talk.say("Start!")
    assert await talk.hears() == ["Which town?"]
    assert await status(talk) != STOPPED


async def test_asking_for_help_is_no_wish_to_be_written_to_again(talking: Talking) -> None:
    talk = await talking({"place": PLACE})
    await talk.say("hello")
    await talk.say("stop")
    await talk.hears()
    await talk.say("help")
    assert len(await talk.hears()) == 1
    assert await status(talk) == STOPPED


async def test_who_has_stopped_can_still_have_everything_deleted(talking: Talking) -> None:
    talk = await talking({"place": PLACE})
    await talk.say("hello")
    await talk.say("stop")
    await talk.hears()
    await talk.say("forget me")
    assert await talk.hears() == ["Shall I delete everything about you, at once and for good?"]
    await talk.say("yes")
    assert len(await talk.hears()) == 1
    await talk.tick()
    assert await talk.person() is None


CONSENT = """
flow: consent
about: Keeps a consent.
starts: {first_contact: true}
start: place
states:
  place: {ask: Which town?, expect: text, save: me.place, go: may_i}
  may_i:
    ask: May I keep that, in {{ me.place }}?
    choices:
      yes: {label: Yes please, go: agreed}
      no: {label: No, go: done}
  agreed: {do: record_consent, with: {to: pair}, go: done}
  done: {end: done}
"""


async def test_a_consent_is_kept_with_the_words_they_read_and_so_is_what_it_was_for(talking: Talking) -> None:
    talk = await talking({"consent": CONSENT})
    await talk.say("hello")
    await talk.say("Leeds")
    assert "place" not in await fields(talk)
    await talk.say("yes please")
    person = (await talk.loaded()).person
    assert person.fields["place"] == "Leeds"
    assert person.fields["consented"] == ("pair",)
    kept = await talk.store.run(lambda tx: tx.consents.of(person.id))
    assert [(to, words, at) for to, words, at in kept] == [
        ("pair", "May I keep that, in Leeds?", talk.watch.now),
    ]


async def test_another_language_counts_from_the_next_sentence_on(talking: Talking) -> None:
    talk = await talking({"place": PLACE}, Group(languages=("en", "es"), quiet=None))
    (talk.folder / "languages").mkdir()
    (talk.folder / "languages" / "es.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "Which town?"\nmsgstr "¿Qué pueblo?"\n'
    )
    await talk.libraries.refresh()
    await talk.say("hello")
    await talk.say("language")
    await talk.say("2")
    heard = await talk.hears()
    assert heard[0] == "Which town?"
    assert heard[-1] == "¿Qué pueblo?"
    assert (await talk.loaded()).person.language == "es"


async def test_an_export_holds_fields_answers_consents_and_what_they_wrote(talking: Talking) -> None:
    talk = await talking({"consent": CONSENT, "place": PLACE.replace("first_contact: true, ", "")})
    for text in ("hello there", "Leeds", "yes please"):
        await talk.say(text, name="Ana")
    await talk.hears()
    await talk.say("export")
    told = "\n".join(await talk.hears())
    for part in ("First name: Ana", "Lives near: Leeds", "May I keep that, in Leeds?", "hello there", "yes please"):
        assert part in told
    assert not set("{}[]_") & set(told), "a person reads it"


async def test_what_is_said_is_kept_with_nobody_else(talking: Talking) -> None:
    talk = await talking({"consent": CONSENT})
    await talk.say("hello", "ana", name="Ana")
    await talk.say("hello", "ben", name="Ben")
    ana, ben = (await talk.loaded("ana")).person, (await talk.loaded("ben")).person

    async def work(tx: Transaction) -> None:
        assert [event.person_id for event in await tx.inbox.history(ana.id, 10)] == [ana.id]
        assert (await tx.people.get(ben.id)) == ben

    await talk.store.run(work)


async def test_what_nobody_asked_for_can_be_left_by_one_press_and_so_can_the_first_answer(talking: Talking) -> None:
    talk = await talking({"place": PLACE})

    async def ways_out() -> list[tuple[str, str]]:
        before = len(talk.channel.outbound)
        await talk.send()
        return [(each.say.text, each.say.leave) for each in talk.channel.outbound[before:]]

    await talk.say("hello")
    assert await ways_out() == [("Which town?", "No more messages")]
    await talk.say("help")
    assert {leave for _, leave in await ways_out()} == {""}, "they asked for that"
    talk.watch.forward(timedelta(hours=2))
    await talk.tick()
    assert await ways_out() == [("No rush.", "No more messages")]
    await talk.say("stop")
    assert [leave for _, leave in await ways_out()] == [""]
    await talk.say("stop", "ben")
    assert [leave for _, leave in await ways_out()] == [""], "whose first word is stop has left"
