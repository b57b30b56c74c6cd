"""The desk in Slack, on the stand-in over a socket: as coordinators see and use it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from storage.actions import PUBLISHED
from storage.transaction import Transaction
from tests.bot.desks.every_kind import show_every_kind
from tests.bot.desks.slack_office import SlackOffice, slack_office
from tests.bot.standins.slack import SlackServer
from tests.bot.standins.slack_app import AppAccount
from tests.bot.standins.slack_rules import Json, Refused, shown
from tests.databases import Watch
from tests.waiting import PATIENCE, until

NAUGHTY = "<!channel> *Ana* <https://evil.example|our site> :tada: &amp;"


@pytest.fixture
async def server() -> AsyncIterator[SlackServer]:
    async with SlackServer(hurry=0.001) as running:
        yield running


@pytest.fixture
async def office(server: SlackServer, tmp_path: Path, watch: Watch) -> AsyncIterator[SlackOffice]:
    async with slack_office(server, tmp_path, watch) as running:
        yield running


async def test_every_kind_of_card_is_shown_with_names_and_texts_as_plain_text(office: SlackOffice) -> None:
    many = await show_every_kind(office, NAUGHTY)
    await until(lambda: len(office.cards()) == many)
    for message in office.cards():
        assert shown(message)[1] == ()
        assert NAUGHTY in shown(message)[0]
        assert "<!" not in message["text"]


async def test_a_press_acts_and_the_card_changes_in_place(office: SlackOffice) -> None:
    sam = await office.person("Sam", "buddy")
    await office.add("buddy_to_approve", sam, {"capacity": 2})
    card = await office.card("Sam would like to be a buddy")
    assert office.buttons(card) == ["Welcome as a buddy", "Not now", "Mute Sam", "Block Sam"]
    await office.kim.press(card["ts"], "desk:press:approve", office.room)
    words = await office.changed(card, "Approved by Kim")
    assert words == "Sam would like to be a buddy\nSpeaks: English\nTakes at most: 2\nApproved by Kim"
    assert office.buttons(card) == []
    assert len(office.cards()) == 1
    await until(lambda: office.heard("sam"))


async def test_two_who_press_at_once_make_one_action_and_the_late_one_hears_it(office: SlackOffice) -> None:
    sam = await office.person("Sam", "buddy")
    await office.add("buddy_to_approve", sam)
    card = await office.card("Sam would like")
    pressed = [
        office.kim.press(card["ts"], "desk:press:approve", office.room),
        office.finn.press(card["ts"], "desk:press:decline", office.room),
    ]
    await asyncio.gather(*pressed)
    await until(lambda: office.told(office.kim) + office.told(office.finn))
    late = office.kim if office.told(office.kim) else office.finn
    assert office.told(late) == ["Someone else was quicker."]
    words = await office.changed(card, " by ")
    assert words.endswith("Approved by Kim" if late is office.finn else "Declined by Finn")
    assert office.kim.warned + office.finn.warned == []


async def test_a_thread_relays_both_ways_until_the_card_is_closed(office: SlackOffice) -> None:
    await office.says("ana", "human")
    await office.says("ana", "May I bring my dog?")
    card = await office.card("Ana asks for a human")
    office.kim.say("Of course & <bring> him", office.room, card["ts"])
    await until(lambda: office.heard("ana")[-1].startswith("Kim"))
    assert office.heard("ana")[-1] == "Kim of Leeds Together: Of course & <bring> him"
    await office.says("ana", "Thank you! He is *big*.")
    await until(lambda: office.thread(card) == ["Thank you! He is *big*."])
    assert office.heard("ana")[-1] == (
        "I've passed that on to the people of Leeds Together. One of them will write to you here."
    )
    office.finn.say("We like big dogs.", office.room, card["ts"])
    await until(lambda: office.heard("ana")[-1] == "Finn of Leeds Together: We like big dogs.")
    await office.kim.press(card["ts"], "desk:press:done", office.room)
    await office.changed(card, "Done by Kim")
    await until(lambda: office.heard("ana")[-1].startswith("The people of Leeds Together are done"))
    office.finn.say("One more thing", office.room, card["ts"])
    await until(lambda: office.told(office.finn) == ["This is closed, so it did not reach them."])
    await office.says("ana", "Bye")
    assert office.thread(card) == ["Thank you! He is *big*."]


async def test_an_answer_that_slack_delivers_again_reaches_the_person_once(office: SlackOffice) -> None:
    await office.says("ana", "human")
    await office.says("ana", "Hello?")
    card = await office.card("Ana asks for a human")
    office.kim.say("Hello Ana", office.room, card["ts"])
    await until(lambda: office.heard("ana")[-1] == "Kim of Leeds Together: Hello Ana")
    kind, body = next(each for each in reversed(office.account.delivered) if "thread_ts" in str(each))
    before = len(office.heard("ana"))
    for _ in range(3):
        office.account.deliver(kind, body)
    office.kim.say("Second", office.room, card["ts"])
    await until(lambda: office.heard("ana")[-1] == "Kim of Leeds Together: Second")
    assert len(office.heard("ana")) == before + 1


async def test_what_people_talk_of_elsewhere_in_the_channel_reaches_nobody(office: SlackOffice) -> None:
    await office.says("ana", "human")
    await office.says("ana", "Hello?")
    await office.card("Ana asks for a human")
    before = len(office.heard("ana"))
    top = office.kim.say("Who takes Ana?", office.room)
    office.finn.say("I do", office.room, top)
    match = await office.add("match", await office.person("Ida"))
    card = await office.card("Someone and someone were introduced")
    office.finn.say("Lovely", office.room, card["ts"])
    office.kim.say("Now", office.room, (await office.card("Ana asks"))["ts"])
    await until(lambda: office.heard("ana")[-1].endswith(": Now"))
    assert len(office.heard("ana")) == before + 1
    assert match


async def test_a_supporter_is_answered_from_a_modal_and_the_thread_shows_it(office: SlackOffice) -> None:
    await office.says("ana", "human")
    await office.says("ana", "My dog")
    card = await office.card("Ana asks for a human")
    await office.kim.press(card["ts"], "desk:answer", office.room)
    (view,) = office.kim.views
    assert shown(view)[0] == "Ana asks for a human\nMy dog\nSpeaks: English"
    await office.kim.submit({"text": {"text": {"type": "plain_text_input", "value": "   "}}})
    assert office.kim.views[0]["errors"] == {"text": "Write an answer first."}
    await office.kim.submit({"text": {"text": {"type": "plain_text_input", "value": "Bring him"}}})
    assert office.kim.views == []
    await until(lambda: office.heard("ana")[-1] == "Kim of Leeds Together: Bring him")
    await until(lambda: office.thread(card) == ["Kim: Bring him"])


def filled(**cells: str) -> Json:
    """`view.state.values` of the modal in which an action is made."""
    names = {"date": "selected_date", "starts": "selected_time", "ends": "selected_time"}
    return {block: {block: {names.get(block, "value"): text}} for block, text in cells.items()}


async def test_an_action_is_made_in_a_modal_with_errors_at_the_field(office: SlackOffice) -> None:
    await office.kim.command("/doorstep", "action")
    wrong = filled(title="Clean up", place="Xyzzy", date="2026-03-07", starts="10:00", ends="09:00", capacity="many")
    await office.kim.submit(wrong)
    errors = office.kim.views[0]["errors"]
    assert errors == {
        "place": "`Xyzzy` is not known: write the name of a town near it",
        "ends": "`09:00` is not after the start, or more than 14 days later",
        "capacity": "`many` is no number of people",
    }
    right = {"place": "Leeds", "ends": "12:00", "capacity": "20", "goal": "12", "bring": "Gloves\nBags\n", "what": "x"}
    right |= {"every": "week", "times": "2", "cohort": "Spring", "materials": "A list"}
    await office.kim.submit(filled(**{"title": "Clean up", "date": "2026-03-07", "starts": "10:00", **right}))
    assert shown(office.kim.views[0])[0] == "“Clean up” is published: Saturday 7 March, 10:00, and 1 more."
    action, next_week = await office.bot.store.read(lambda tx: tx.actions.upcoming(5))
    assert (action.campaign, action.cohort, next_week.campaign, action.materials) == (
        "Spring",
        True,
        "Spring",
        "A list",
    )
    needs = await office.bot.store.read(lambda tx: tx.actions.needs(action.id))
    assert (action.district, action.capacity, [need.what for need in needs]) == ("Leeds", 20, ["Gloves", "Bags"])


async def planned(office: SlackOffice) -> int:
    """Ana comes to a clean-up on Saturday; its number."""
    ana = await office.person("Ana")
    starts = office.watch.now + timedelta(days=5)

    async def work(tx: Transaction) -> int:
        number = await tx.actions.add(
            title="Clean up", starts_at=starts, ends_at=starts + timedelta(hours=2), zone="Europe/London",
            state=PUBLISHED, district="Leeds", address="Canal Street 5", capacity=20,
        )  # fmt: skip
        await tx.actions.sign_up(number, ana, "yes")
        return number

    return await office.bot.store.run(work)


async def choose(office: SlackOffice, what: str) -> Json:
    """The modal that follows for the first of the actions."""
    option = office.kim.views[-1]["blocks"][0]["element"]["options"][0]
    assert option["text"]["text"] == "Saturday 7 March, 10:00: Clean up"
    way = {"what": {"what": {"selected_option": {"value": what}}}}
    await office.kim.submit({"action": {"action": {"selected_option": option}}} | way)
    view: Json = office.kim.views[-1]
    return view


def initial(form: Json) -> dict[str, str]:
    """What stands in the fields of a modal."""
    fields = {block["block_id"]: block["element"] for block in form["blocks"] if "element" in block}
    names = ("initial_value", "initial_date", "initial_time")
    return {block: element[name] for block, element in fields.items() for name in names if name in element}


async def test_an_action_is_changed_in_a_modal_and_told_once_to_who_signed_up(office: SlackOffice) -> None:
    await planned(office)
    await office.kim.command("/doorstep", "change clean")
    now = initial(await choose(office, "edit"))
    assert now == {
        "title": "Clean up", "date": "2026-03-07", "starts": "10:00", "ends": "12:00", "place": "Leeds",
        "address": "Canal Street 5", "capacity": "20",
    }  # fmt: skip
    await office.kim.submit(filled(**(now | {"ends": "09:00", "capacity": "many"})))
    assert office.kim.views[0]["errors"].keys() == {"ends", "capacity"}
    await office.kim.submit(filled(**(now | {"starts": "14:00", "address": "Canal Street 7"})))
    assert shown(office.kim.views[0])[0] == (
        "“Clean up” is changed: Saturday 7 March, 14:00. Everyone who signed up hears of it."
    )
    (action,) = await office.bot.store.read(lambda tx: tx.actions.upcoming(5))
    assert (action.address, action.ends_at - action.starts_at) == ("Canal Street 7", timedelta(hours=2))
    await until(lambda: any(text.startswith("Something has changed") for text in office.heard("ana")))
    assert len(office.heard("ana")) == 1


async def test_what_stays_as_it_was_in_the_modal_is_told_to_nobody(office: SlackOffice) -> None:
    await planned(office)
    await office.kim.command("/doorstep", "change")
    now = initial(await choose(office, "edit"))
    await office.kim.submit(filled(**(now | {"goal": "12"})))
    assert shown(office.kim.views[0])[0].endswith("Nobody is written to: day, time and place are as before.")
    (action,) = await office.bot.store.read(lambda tx: tx.actions.upcoming(5))
    assert (action.goal, action.sequence) == (12, 0)


async def test_an_action_is_called_off_once_a_second_modal_was_sent_off(office: SlackOffice) -> None:
    await planned(office)
    await office.kim.command("/doorstep", "change")
    sure = await choose(office, "call_off")
    assert "1 person has signed up" in shown(sure)[0]
    assert len(await office.bot.store.read(lambda tx: tx.actions.upcoming(5))) == 1
    await office.kim.submit({})
    assert shown(office.kim.views[0])[0] == "“Clean up” is called off. Everyone who signed up hears of it."
    await until(lambda: any("does not take place" in text for text in office.heard("ana")))
    await office.kim.command("/doorstep", "change")
    assert shown(office.kim.views[-1])[0] == "No action of that name is to come."
    await office.zoe.command("/doorstep", "change")
    assert "This is for coordinators" in shown(office.zoe.views[0])[0]


async def test_a_buddys_capacity_is_changed_in_a_modal(office: SlackOffice) -> None:
    sam = await office.person("Sam", "buddy", place="Leeds")
    await office.bot.store.run(lambda tx: tx.buddies.serve(sam, capacity=3, approved_at=tx.now))
    await office.kim.command("/doorstep", "buddies sa")
    (view,) = office.kim.views
    option = view["blocks"][0]["element"]["options"][0]
    assert option["text"]["text"] == "Sam, Leeds: has 0, takes 3"
    chosen = {"buddy": {"buddy": {"selected_option": option}}}
    await office.kim.submit(chosen | {"capacity": {"capacity": {"value": "many"}}})
    assert office.kim.views[0]["errors"] == {"capacity": "A number from 0 to 20."}
    await office.kim.submit(chosen | {"capacity": {"capacity": {"value": "1"}}})
    assert shown(office.kim.views[0])[0] == "Sam takes 1 at once from now on."
    buddy = await office.bot.store.read(lambda tx: tx.buddies.get(sam))
    assert buddy is not None
    assert buddy.capacity == 1


async def test_doorstep_answers_coordinators_with_the_week_and_others_with_nothing(office: SlackOffice) -> None:
    await office.says("ana", "human")
    await office.says("ana", "Hello?")
    answer = await office.kim.command("/doorstep")
    words = shown(answer)[0]
    assert words.startswith("No connections in the last seven days, 0 in all\nNobody waits for a buddy")
    assert "1 card waits for somebody, the oldest since Monday 2 March, 10:00" in words
    assert "This is for coordinators" in shown(await office.zoe.command("/doorstep"))[0]
    await office.zoe.command("/doorstep", "buddies")
    assert "This is for coordinators" in shown(office.zoe.views[0])[0]
    assert "/doorstep action" in shown(await office.kim.command("/doorstep", "what?"))[0]


async def test_the_home_tab_shows_what_waits_to_coordinators_only(office: SlackOffice) -> None:
    await office.says("ana", "human")
    await office.says("ana", "Hello?")
    office.kim.open_home()
    office.zoe.open_home()
    await until(lambda: office.kim.home and office.zoe.home)
    words = shown(office.kim.home)[0]
    assert "1 wrote first" in words
    assert "Ana asks for a human\nHello?" in words
    assert "Ana" not in shown(office.zoe.home)[0]
    await office.kim.press_in_view(office.kim.home, "desk:new_action")
    assert office.kim.views[0]["callback_id"] == "desk:making"


async def test_a_stalled_match_is_taken_by_one_and_says_by_whom(office: SlackOffice) -> None:
    ana = await office.person("Ana")
    await office.add("stalled", ana, {"about": "nobody has written for 4 days"}, due_at=office.watch.now)
    card = await office.card("Someone and someone: nothing moves")
    assert office.buttons(card) == ["I take it", "Done"]
    taking = [who.press(card["ts"], "desk:press:take", office.room) for who in (office.kim, office.finn)]
    await asyncio.gather(*taking)
    words = await office.changed(card, "takes it, until Wednesday 4 March, 10:00")
    assert office.buttons(card) == ["Done"]
    assert len(office.told(office.kim) + office.told(office.finn)) == 1
    assert words


async def test_a_bot_that_is_not_in_the_channel_says_so_and_shows_all_once_it_is(office: SlackOffice) -> None:
    def outside(app: AppAccount, given: Json) -> None:
        raise Refused("not_in_channel")

    office.account.faults.append(outside)
    ana = await office.person("Ana")
    await office.add("human", ana)
    await until(lambda: office.reports)
    assert office.reports[0] == "the bot is not in the desk's channel: write /invite and its name there"
    await office.card("Ana asks for a human")
    await until(lambda: office.reports[-1] == "")


async def test_a_process_killed_after_posting_shows_nothing_twice(
    server: SlackServer, tmp_path: Path, watch: Watch
) -> None:
    async with slack_office(server, tmp_path, watch) as office:
        ana = await office.person("Ana")
        office.account.hang = PATIENCE
        card = await office.add("human", ana)
        await until(lambda: len(office.cards()) == 1)
    office.account.hang = 0
    watch.forward(timedelta(minutes=1))
    async with slack_office(server, tmp_path, watch) as office:
        await until(lambda: any(method == "conversations.history" for method, _ in office.account.calls))
        await office.bot.store.run(lambda tx: tx.cards.act(card, "done", "Kim"))
        office.bot.stir()
        await until(lambda: "Done by Kim" in office.words()[0])
        assert len(office.cards()) == 1


async def test_an_urgent_card_looks_so_and_is_closed_with_a_question(office: SlackOffice) -> None:
    ana = await office.person("Ana")
    await office.add("report", ana, {"about": "He shouted"}, urgent=True)
    card = await office.card("🚨 Ana says that something felt wrong")
    assert office.buttons(card) == ["Answer", "Done"]
    done = card["blocks"][-1]["elements"][-1]
    assert done["confirm"]["title"]["text"] == "Close this?"


def test_the_app_of_the_readme_may_do_all_that_the_desk_does() -> None:
    manifest = YAML(typ="safe").load(Path(__file__).parents[3] / "slack-app.yaml")
    scopes = set(manifest["oauth_config"]["scopes"]["bot"])
    # By docs.slack.dev/reference/methods, for public and for private channels.
    history, members = {"channels:history", "groups:history"}, {"channels:read", "groups:read"}
    assert {"chat:write", "commands", "users:read", "reactions:write", *history, *members} <= scopes
    heard = manifest["settings"]["event_subscriptions"]["bot_events"]
    assert {"app_home_opened", "message.channels", "message.groups"} <= set(heard)
    assert manifest["features"]["slash_commands"][0]["command"] == "/doorstep"
    assert manifest["features"]["app_home"]["home_tab_enabled"]
