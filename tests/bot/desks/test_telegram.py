"""The desk in a Telegram group, on the stand-in over a socket: as coordinators see and use it."""

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bot.desks.telegram_calls import PACE
from flows.limits import Rate
from storage.actions import PUBLISHED
from storage.transaction import Transaction
from tests.bot.desks.every_kind import show_every_kind
from tests.bot.desks.telegram_office import TOKEN, TelegramOffice, buttons, read, telegram_office
from tests.bot.standins.telegram import TelegramServer
from tests.bot.standins.telegram_bot import BotAccount
from tests.bot.standins.telegram_chats import Json
from tests.bot.standins.telegram_groups import Member
from tests.bot.standins.telegram_rules import Refused
from tests.databases import Watch
from tests.waiting import until

NAUGHTY = "@kim_of_leeds *Ana* [our site](http://evil.example) /action www.evil.com #x <b>"


def told(who: Member, text: str) -> bool:
    return who.told == [text]


def last_told(who: Member, text: str) -> bool:
    return who.told[-1:] == [text]


def has_heard(office: TelegramOffice, text: str) -> bool:
    return text in office.heard("ana")


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as running:
        yield running


@pytest.fixture
async def office(server: TelegramServer, tmp_path: Path, watch: Watch) -> AsyncIterator[TelegramOffice]:
    async with telegram_office(server, tmp_path, watch) as running:
        yield running


async def test_every_kind_of_card_is_shown_with_names_and_texts_as_plain_text(office: TelegramOffice) -> None:
    many = await show_every_kind(office, NAUGHTY)
    await until(lambda: len(office.room.sent) == many)
    for message in office.room.sent:
        assert NAUGHTY in read(message)
        assert {entity["type"] for entity in message["entities"]} <= {"bold", "italic"}
        # As tdlib/td's MessageEntity.cpp finds mentions, links and commands: the sign, and a letter right behind it.
        assert not any(sign in message["text"] for sign in ("@k", "/a", ".e", ".c", "//e", "#x"))


async def test_a_press_acts_and_the_card_changes_in_place(office: TelegramOffice) -> None:
    sam = await office.person("Sam", "buddy")
    await office.add("buddy_to_approve", sam, {"capacity": 2})
    card = await office.card("Sam would like to be a buddy")
    assert list(buttons(card)) == ["Welcome as a buddy", "Not now", "Mute Sam", "Block Sam"]
    office.kim.press(card["message_id"], buttons(card)["Welcome as a buddy"])
    words = await office.changed(card, "Approved by Kim")
    assert words == "Sam would like to be a buddy\nSpeaks: English\nTakes at most: 2\n\nApproved by Kim"
    assert buttons(office.now(card)) == {}
    assert len(office.room.sent) == 1
    await until(lambda: office.heard("sam"))
    await until(lambda: office.kim.told == ["They are a buddy now, and hear of it."])


async def test_two_who_press_at_once_make_one_action_and_the_late_one_hears_it(office: TelegramOffice) -> None:
    sam = await office.person("Sam", "buddy")
    await office.add("buddy_to_approve", sam)
    card = await office.card("Sam would like")
    office.kim.press(card["message_id"], buttons(card)["Welcome as a buddy"])
    office.finn.press(card["message_id"], buttons(card)["Welcome as a buddy"])
    await until(lambda: office.kim.told and office.finn.told)
    assert office.kim.told == ["They are a buddy now, and hear of it."]
    assert office.finn.told == ["Someone else was quicker."]
    assert (await office.changed(card, " by ")).endswith("Approved by Kim")


async def test_what_cannot_be_undone_wants_a_second_press_of_the_same_person(office: TelegramOffice) -> None:
    sam = await office.person("Sam", "buddy")
    await office.add("buddy_to_approve", sam)
    card = await office.card("Sam would like")
    for who in (office.kim, office.finn):
        who.press(card["message_id"], buttons(card)["Not now"])
        await until(partial(told, who, "Press once more if you mean it: there may be no way back."))
    assert "Declined" not in read(office.now(card))
    office.finn.press(card["message_id"], buttons(card)["Not now"])
    await office.changed(card, "Declined by Finn")


async def test_replies_relay_both_ways_until_the_card_is_closed(office: TelegramOffice) -> None:
    await office.says("ana", "human")
    await office.says("ana", "May I bring my dog?")
    card = await office.card("Ana asks for a human")
    assert read(card).endswith("Reply to this message: what you write reaches them.")
    number = office.kim.writes("Of course & <bring> him", card["message_id"])
    await until(lambda: "Kim of Leeds Together: Of course & <bring> him" in office.heard("ana"))
    await until(lambda: office.room.reactions == {number: ["👌"]})
    await office.says("ana", "Thank you! He is *big*.")
    await until(lambda: "Thank you! He is *big*." in office.replies(card["message_id"]))
    line = await office.card("Thank you!")
    office.finn.writes("We like big dogs.", line["message_id"])
    await until(lambda: "Finn of Leeds Together: We like big dogs." in office.heard("ana"))
    for _ in range(2):
        office.kim.press(card["message_id"], buttons(card)["Done"])
    await office.changed(card, "Done by Kim")
    await until(lambda: any(each.startswith("The people of Leeds Together are done") for each in office.heard("ana")))
    late = office.finn.writes("One more thing", card["message_id"])
    await until(lambda: office.replies(late) == ["This is closed, so it did not reach them."])


async def test_a_reply_that_telegram_delivers_again_reaches_the_person_once(office: TelegramOffice) -> None:
    await office.says("ana", "human")
    await office.says("ana", "Hello?")
    card = await office.card("Ana asks for a human")
    office.kim.writes("Hello Ana", card["message_id"])
    await until(lambda: "Kim of Leeds Together: Hello Ana" in office.heard("ana"))
    update = office.account.delivered[-1]
    for _ in range(3):
        office.account.deliver(update)
    office.kim.writes("Second", card["message_id"])
    await until(lambda: "Kim of Leeds Together: Second" in office.heard("ana"))
    assert office.heard("ana").count("Kim of Leeds Together: Hello Ana") == 1


async def test_what_people_talk_of_elsewhere_in_the_group_reaches_nobody(office: TelegramOffice) -> None:
    await office.says("ana", "human")
    await office.says("ana", "Hello?")
    card = await office.card("Ana asks for a human")
    await until(lambda: len(office.heard("ana")) == 2)
    first = office.kim.writes("Who takes Ana?")
    office.finn.writes("I do", first)
    await office.add("match", await office.person("Ida"))
    match = await office.card("Someone and someone were introduced")
    office.finn.writes("Lovely", match["message_id"])
    photo = office.finn.writes(
        "", card["message_id"], photo=[{"file_id": "p", "file_unique_id": "u", "width": 9, "height": 9}]
    )
    await until(lambda: office.replies(photo) == ["Only words reach them: this did not."])
    office.kim.writes("Now", card["message_id"])
    await until(lambda: any(each.endswith(": Now") for each in office.heard("ana")))
    assert len(office.heard("ana")) == 3


async def test_a_reply_to_a_card_whose_answer_was_lost_reaches_its_person(office: TelegramOffice) -> None:
    office.account.lose_answers = 1
    await office.says("ana", "human")
    await office.says("ana", "Hello?")
    await until(lambda: len(office.room.sent) == 2)
    first, second = office.room.sent
    assert read(first) == read(second)
    for number, card in enumerate((first, second)):
        office.kim.writes(f"answer {number}", card["message_id"])
        await until(partial(has_heard, office, f"Kim of Leeds Together: answer {number}"))


async def test_a_card_that_somebody_deleted_comes_again_with_the_words_of_its_person(office: TelegramOffice) -> None:
    await office.says("ana", "human")
    await office.says("ana", "Hello?")
    card = await office.card("Ana asks for a human")
    del office.room.messages[card["message_id"]]
    await office.says("ana", "Is anybody there?")
    again = await office.card("Ana asks for a human")
    await until(lambda: "Is anybody there?" in office.replies(again["message_id"]))


async def test_who_was_forgotten_goes_from_the_card_and_from_its_replies(
    server: TelegramServer, office: TelegramOffice
) -> None:
    await office.says("ana", "human")
    await office.says("ana", "I am Ana from Mill Lane")
    card = await office.card("Ana asks for a human")
    await office.says("ana", "At number 7")
    line = await office.card("At number 7")
    server.later(49 * 3600)  # Telegram deletes nothing any more that is older than two days

    async def forget(tx: Transaction) -> None:
        (waiting,) = await tx.cards.open(5)
        assert waiting.person_id is not None
        await tx.people.forget(waiting.person_id)

    await office.bot.store.run(forget)
    office.bot.stir()
    await until(lambda: "Ana" not in read(office.now(card)) and "Mill" not in read(office.now(card)))
    await until(lambda: read(office.now(line)) == "-")


ASKED = "A new action. Reply to this message"


async def test_an_action_is_made_by_replying_line_by_line_with_clear_errors(office: TelegramOffice) -> None:
    asked = office.kim.writes("/action")
    await until(lambda: office.replies(asked))
    form = await office.card(ASKED)
    assert form["text"].startswith(ASKED)
    wrong = office.kim.writes("Clean up\nsome day\nXyzzy\ncapacity: many", form["message_id"])
    await until(lambda: office.replies(wrong))
    assert office.replies(wrong)[0].splitlines()[:4] == [
        "A new action. Not published yet:",
        "Day and time: `some day` is no moment: write it like 2026-06-06 10:00",
        "Town: `Xyzzy` is not known: write the name of a town near it",
        "Capacity: `many` is no number of people",
    ]
    again = await office.card("A new action. Not published")
    right = office.kim.writes(
        "Clean up\nSaturday 7 March 10:00\nLeeds\nends: 12:00\ncapacity: 20\nbring: gloves, bags\nBy the bridge.",
        again["message_id"],
    )
    await until(lambda: office.replies(right) == ["“Clean up” is published: Saturday 7 March, 10:00."])
    (action,) = await office.bot.store.read(lambda tx: tx.actions.upcoming(5))
    needs = await office.bot.store.read(lambda tx: tx.actions.needs(action.id))
    assert (action.district, action.capacity, action.what) == ("Leeds", 20, "By the bridge.")
    assert [need.what for need in needs] == ["gloves", "bags"]
    oneline = office.finn.writes("/action@doorstep5_bot Tea; 2026-03-08 15:00; Leeds; goal: 5")
    await until(lambda: office.replies(oneline) == ["“Tea” is published: Sunday 8 March, 15:00."])


async def planned(office: TelegramOffice) -> int:
    """Ana comes to a clean-up on Saturday; its number."""
    ana = await office.person("Ana")
    starts = office.watch.now + timedelta(days=5)

    async def work(tx: Transaction) -> int:
        number = await tx.actions.add(
            title="Clean up", starts_at=starts, ends_at=starts + timedelta(hours=2), zone="Europe/London",
            state=PUBLISHED, district="Leeds", address="Canal Street 5",
        )  # fmt: skip
        await tx.actions.sign_up(number, ana, "yes")
        return number

    return await office.bot.store.run(work)


async def test_an_action_is_changed_by_a_reply_and_told_once_to_who_signed_up(office: TelegramOffice) -> None:
    number = await planned(office)
    asked = office.kim.writes("/change clean")
    await until(lambda: office.replies(asked) == ["Which action?"])
    card = await office.card("Which action?")
    office.kim.press(card["message_id"], buttons(card)["Saturday 7 March, 10:00: Clean up"])
    await office.changed(card, "1 person has signed up, and hears of it if you call it off.")
    office.kim.press(card["message_id"], buttons(office.now(card))["Change it"])
    form = await office.card(f"Action {number} changes.")
    assert read(form).splitlines()[-5:] == [
        "title: Clean up", "when: Saturday 7 March, 10:00", "ends: 12:00", "town: Leeds", "address: Canal Street 5",
    ]  # fmt: skip
    wrong = office.kim.writes("town: Xyzzy\nsome day", form["message_id"])
    await until(lambda: office.replies(wrong))
    assert office.replies(wrong)[0].splitlines()[2] == (
        "Line: `some day` is not understood: write what it is, and a colon"
    )
    again = office.kim.writes("14:00\naddress: Canal Street 7", form["message_id"])
    await until(lambda: office.replies(again))
    assert office.replies(again) == [
        "“Clean up” is changed: Saturday 7 March, 14:00. Everyone who signed up hears of it."
    ]
    (action,) = await office.bot.store.read(lambda tx: tx.actions.upcoming(5))
    assert (action.address, action.ends_at - action.starts_at) == ("Canal Street 7", timedelta(hours=2))
    await until(lambda: any(text.startswith("Something has changed") for text in office.heard("ana")))
    same = office.finn.writes("capacity: 20", form["message_id"])
    await until(lambda: office.replies(same))
    assert office.replies(same)[0].endswith("Nobody is written to: day, time and place are as before.")
    assert len(office.heard("ana")) == 1


async def test_an_action_is_called_off_by_two_presses_of_the_same_person(office: TelegramOffice) -> None:
    await planned(office)
    asked = office.kim.writes("/change")
    await until(lambda: office.replies(asked))
    card = await office.card("Which action?")
    office.kim.press(card["message_id"], buttons(card)["Saturday 7 March, 10:00: Clean up"])
    await office.changed(card, "There is no way back.")
    off = buttons(office.now(card))["Call it off"]
    for who in (office.kim, office.finn):
        who.press(card["message_id"], off)
        await until(partial(last_told, who, "Press once more if you mean it: there may be no way back."))
    assert len(await office.bot.store.read(lambda tx: tx.actions.upcoming(5))) == 1
    office.finn.press(card["message_id"], off)
    await office.changed(card, "“Clean up” is called off. Everyone who signed up hears of it.")
    await until(lambda: any("does not take place" in text for text in office.heard("ana")))
    office.kim.press(card["message_id"], off)
    await until(partial(last_told, office.kim, "This action is not there any more."))
    nothing = office.kim.writes("/change")
    await until(lambda: office.replies(nothing) == ["No action of that name is to come."])


async def test_a_buddys_capacity_is_changed_by_two_presses(office: TelegramOffice) -> None:
    people = [await office.person(name, "buddy", place="Leeds") for name in ("Sam", "Samira")]

    async def approve(tx: Transaction) -> None:
        for person in people:
            await tx.buddies.serve(person, capacity=3, approved_at=tx.now)

    await office.bot.store.run(approve)
    asked = office.kim.writes("/buddies sam")
    await until(lambda: office.replies(asked) == ["Which buddy?"])
    card = await office.card("Which buddy?")
    office.kim.press(card["message_id"], buttons(card)["Sam, Leeds: has 0, takes 3"])
    await office.changed(card, "Sam, Leeds: has 0, takes 3. How many newcomers at once?")
    office.kim.press(card["message_id"], buttons(office.now(card))["1"])
    await office.changed(card, "Sam takes 1 at once from now on.")
    assert buttons(office.now(card)) == {}
    nobody = office.finn.writes("/buddies zoe")
    await until(lambda: office.replies(nobody) == ["No buddy of that name was approved."])


async def test_week_and_doorstep_answer_with_the_week(office: TelegramOffice) -> None:
    await office.says("ana", "human")
    await office.says("ana", "Hello?")
    for command in ("/week", "/doorstep@doorstep5_bot"):
        asked = office.kim.writes(command)
        await until(partial(office.replies, asked))
        (words,) = office.replies(asked)
        assert words.startswith("No connections in the last seven days, 0 in all\nNobody waits for a buddy")
        assert "1 card waits for somebody, the oldest since Monday 2 March, 10:00" in words
    assert set(office.account.commands[""]) == {"week", "action", "change", "buddies"}


async def test_only_the_groups_members_are_listened_to_and_others_are_told_so_once(office: TelegramOffice) -> None:
    await office.says("ana", "human")
    await office.says("ana", "Hello?")
    card = await office.card("Ana asks for a human")
    stranger, elsewhere = office.account.chat(77, "Eve"), office.account.group(-5, "Elsewhere")
    eve = elsewhere.member(77, "Eve")
    stranger.say("/week")
    eve.writes("/week")
    elsewhere.messages[card["message_id"]] = {**card, "chat": elsewhere.as_json}
    eve.press(card["message_id"], buttons(card)["Done"])
    stranger.say("hello?")
    office.kim.writes("Hello", card["message_id"])
    await until(lambda: any(each.endswith(": Hello") for each in office.heard("ana")))
    assert [read(each) for each in stranger.sent] == [
        "Hello! I only work with coordinators, in their group. What you write here reaches nobody."
    ]
    assert [each for each in elsewhere.sent if each["message_id"] != card["message_id"]] == []
    assert "Reply to this message" in read(office.now(card))


async def test_a_group_that_is_not_configured_is_told_its_number(
    server: TelegramServer, tmp_path: Path, watch: Watch
) -> None:
    async with telegram_office(server, tmp_path, watch, chat="") as office:
        await office.add("human", await office.person("Ana"))
        await until(lambda: office.reports and office.reports[-1].startswith("it has no group yet"))
        asked = office.kim.writes("/doorstep")
        await until(lambda: office.replies(asked))
        assert 'chat = "-1001"' in office.replies(asked)[0]
        assert len(office.room.sent) == 1


async def test_a_group_that_is_upgraded_is_followed_and_the_log_says_what_to_write(
    server: TelegramServer, tmp_path: Path, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    small = server.bot(TOKEN).group(-7, "Coordinators", "group")
    async with telegram_office(server, tmp_path, watch, chat="-7", room=small) as office:
        await office.says("ana", "human")
        await office.says("ana", "Hello?")
        await office.card("Ana asks for a human")
        office.room = small.upgraded(-100_7)
        await office.says("ana", "Are you there?")
        card = await office.card("Ana asks for a human")
        await until(lambda: "Are you there?" in office.replies(card["message_id"]))
        office.room.member(11, "Kim").writes("Yes", card["message_id"])
        await until(lambda: "Kim of Leeds Together: Yes" in office.heard("ana"))
    assert [each.getMessage() for each in caplog.records if "number" in each.getMessage()] == [
        'desk telegram: its group has a new number: write chat = "-1007" into [desks.telegram]'
    ]
    # The configuration still has the old number: the start finds the new one by itself.
    small.messages.clear()
    async with telegram_office(server, tmp_path, watch, chat="-7", room=office.room) as office:
        asked = office.kim.writes("/week")
        await until(lambda: office.replies(asked))


async def test_who_is_put_out_of_the_group_says_so_and_goes_on_when_let_in(office: TelegramOffice) -> None:
    await until(lambda: office.account.commands)
    asked = office.kim.writes("/week")
    await until(lambda: office.replies(asked))
    office.room.inside(False)
    await until(lambda: office.reports and office.reports[-1].startswith("the bot is not in the desk's group"))
    await office.add("human", await office.person("Ana"))
    office.room.inside(True)
    await office.card("Ana asks for a human")
    await until(lambda: office.reports[-1] == "")


async def test_who_is_asked_to_wait_waits_and_shows_all(office: TelegramOffice) -> None:
    def wait(account: BotAccount, given: Json) -> None:
        raise Refused(429, "Too Many Requests: retry after 1", retry_after=1)

    office.account.faults.append(wait)
    await office.add("human", await office.person("Ana"))
    await office.card("Ana asks for a human")
    sends = [method for method, _ in office.account.calls if method == "sendmessage"]
    assert len(sends) == 2


def test_in_no_minute_more_goes_to_the_group_than_telegram_allows() -> None:
    # At most `burst` at once, and the rest evenly: in any minute no more than both together.
    assert Rate(12, 60, burst=8) == PACE
    assert PACE.burst + PACE.messages * 60 / PACE.seconds <= 20


async def test_a_second_poller_and_a_wrong_token_are_said_and_no_token_is_logged(
    server: TelegramServer, tmp_path: Path, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with telegram_office(server, tmp_path, watch) as office:
        await until(lambda: office.account.commands)
        asked = office.kim.writes("/week")
        await until(lambda: office.replies(asked))
        await office.account.get_updates({})
        await until(lambda: any(each.startswith("somebody else listens") for each in office.reports))
        await until(lambda: office.reports[-1] == "")
        office.account.revoked = True
        await office.add("human", await office.person("Ana"))
        await until(lambda: office.reports[-1].startswith("Telegram does not know the desk's token"))
    # The stand-in is a web server, and logs what it is asked.
    logged = [f"{each.getMessage()} {each.exc_text}" for each in caplog.records if not each.name.startswith("aiohttp")]
    assert [line for line in logged if TOKEN in line or "Ana" in line] == []


async def test_a_process_killed_after_posting_shows_a_card_at_most_once_more(
    server: TelegramServer, tmp_path: Path, watch: Watch
) -> None:
    async with telegram_office(server, tmp_path, watch) as office:
        office.account.hang = 5.0
        card = await office.add("human", await office.person("Ana"))
        await until(lambda: len(office.room.sent) == 1)
    office.account.hang = 0
    watch.forward(timedelta(minutes=1))
    async with telegram_office(server, tmp_path, watch, room=office.room) as office:
        await until(lambda: len(office.room.sent) == 2)
        await office.bot.store.run(lambda tx: tx.cards.act(card, "done", "Kim"))
        office.bot.stir()
        await until(lambda: "Done by Kim" in office.words()[1])
        first = office.room.sent[0]
        office.finn.press(first["message_id"], buttons(first)["Done"])
        await office.changed(first, "Done by Kim")
        assert len(office.room.sent) == 2
