"""How a message looks on Telegram."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.carried import pressed
from bot.channels.telegram_shown import LONGEST_DATA, label_pressed, shown, styled
from bot.channels.web_files import File
from bot.qr import qr_code
from flows.model import DONE, Say, Shown
from tests.bot.channels.contract import Kept, listening
from tests.bot.channels.on_telegram import OnTelegram, opened, to
from tests.bot.standins.telegram_rules import markup_of, text_of

MANY = Say(
    "Which?", (Shown("a", "A"), Shown("b", "B")), question=3, many=True, picked=("b",), button="Listo",
)  # fmt: skip


@pytest.fixture
async def platform() -> AsyncIterator[OnTelegram]:
    async with opened() as opening:
        yield opening


@pytest.mark.parametrize(
    ("text", "plain", "bold"),
    [
        ("Write *help* now", "Write help now", ["help"]),
        ("👩‍👩‍👧 *é😀* and *two words*.", "👩‍👩‍👧 é😀 and two words.", ["é😀", "two words"]),
        ("  *first*", "first", ["first"]),
        ("2 * 3 * 4", "2 * 3 * 4", []),
        ("a*b*c", "a*b*c", []),
        ("*one\ntwo*", "*one\ntwo*", []),
        ("**", "**", []),
        ("* list\n* of *things*", "* list\n* of things", ["things"]),
        ("¿*sí*?", "¿sí?", ["sí"]),
        ("", "…", []),
        ("\u200b", "…", []),
    ],
)
def test_words_between_stars_are_bold(text: str, plain: str, bold: list[str]) -> None:
    made, entities = styled(text)
    assert made == plain
    encoded = made.encode("utf-16-le")
    found = [
        encoded[2 * each["offset"] : 2 * (each["offset"] + each["length"])].decode("utf-16-le") for each in entities
    ]
    assert found == bold


@given(
    st.builds(
        Say,
        text=st.text(max_size=4096),
        choices=st.lists(st.builds(Shown, st.text(max_size=80), st.text(max_size=80)), max_size=110).map(tuple),
        question=st.none() | st.integers(0, 2**63 - 1),
        many=st.booleans(),
        expect=st.sampled_from(["", "place", "text"]),
        button=st.sampled_from(["", "Done"]),
        leave=st.sampled_from(["", "No more messages"]),
    ),
    st.integers(0, 2**63 - 1),
)
def test_telegram_takes_whatever_is_said(say: Say, conversation: int) -> None:
    body = shown(say, conversation)
    text_of(body)
    markup_of(body)


@given(st.integers(0, 2**63 - 1), st.none() | st.integers(0, 2**63 - 1), st.text(max_size=60))
def test_a_button_brings_back_what_it_was_made_with(conversation: int, question: int | None, key: str) -> None:
    body = shown(Say("?", (Shown("x", "X"), Shown(key, "This one")), question=question), conversation)
    data = [button for row in body["reply_markup"]["inline_keyboard"] for button in row][1]["callback_data"]
    assert len(data.encode()) <= LONGEST_DATA
    meant = pressed(data)
    assert meant is not None
    assert (meant.conversation, meant.question) == (conversation, question)
    assert (
        meant.key == key
        if not meant.number
        else (meant.number, label_pressed(body["reply_markup"], data)) == (2, "This one")
    )


def test_a_key_of_forty_bytes_always_fits() -> None:
    body = shown(Say("?", (Shown("k" * 36, "A"),), question=2**63 - 1), 2**63 - 1)
    assert "=" in body["reply_markup"]["inline_keyboard"][0][0]["callback_data"]


@pytest.mark.parametrize(
    "data",
    [
        "",
        "x",
        "=",
        "1.2",
        "1.2#",
        "1.2#x",
        "1.2#1234",
        "zzzzzzzzzzzzz.1=a",
        "1.zzzzzzzzzzzzz=a",
        "A.1=a",
        "1.2=" * 3 + "\0",
        "١.٢#٣",
    ],
)
def test_a_button_that_we_did_not_make_means_nothing_or_is_only_text(data: str) -> None:
    meant = pressed(data)
    assert meant is None or (meant.conversation, meant.question) == (1, 2)


async def test_many_is_a_keyboard_of_ticks_with_a_button_that_closes_it(platform: OnTelegram) -> None:
    await platform.channel.send(to("1001", MANY))
    (message,) = platform.chats["ana"].sent
    rows = message["reply_markup"]["inline_keyboard"]
    assert [[button["text"] for button in row] for row in rows] == [["◻️ A"], ["✅ B"], ["Listo"]]
    async with listening(platform.channel, Kept()) as kept:
        await platform.finish("ana")
        (done,) = await kept.until(1)
    assert (done.said.choice, done.said.question, done.said.conversation) == (DONE, 3, 7)


async def test_a_place_is_asked_for_with_a_button_that_shares_it_and_then_goes(platform: OnTelegram) -> None:
    ana = platform.chats["ana"]
    await platform.channel.send(to("1001", Say("Where?", question=1, expect="place", button="📍 Here")))
    assert ana.keyboard["keyboard"] == [[{"text": "📍 Here", "request_location": True}]]
    assert "request_contact" not in str(ana.keyboard)
    await platform.channel.send(to("1001", Say("Thanks!")))
    assert ana.keyboard == {}


async def test_short_labels_share_a_row_and_long_ones_are_listed_in_the_text(platform: OnTelegram) -> None:
    await platform.channel.send(to("1001", Say("?", (Shown("yes", "Yes please"), Shown("no", "Not now")), question=1)))
    long = "The clean-up of the river bank behind the old station"
    await platform.channel.send(to("1001", Say("?", (Shown("a", long), Shown("b", "B")), question=1)))
    short, listed = platform.chats["ana"].sent
    assert [len(row) for row in short["reply_markup"]["inline_keyboard"]] == [2]
    assert listed["text"] == f"?\n  1. {long}\n  2. B"
    assert listed["reply_markup"]["inline_keyboard"][0][0]["text"].startswith("1. The clean-up")


async def test_links_make_no_previews(platform: OnTelegram) -> None:
    await platform.channel.send(to("1001", Say("See https://elsewhere.example")))
    assert platform.bot.calls[-1][1]["link_preview_options"] == {"is_disabled": True}


class Attached:
    """Files that are attached: a calendar file of action 3, and a picture."""

    async def file(self, address: str, kind: str, about: int) -> File | None:
        if (kind, about) == ("calendar", 3):
            return File("text/calendar; charset=utf-8", b"BEGIN:VCALENDAR", "Clean-up.ics")
        return File("image/png", qr_code(address, "png")) if kind == "qr" else None

    async def image(self, name: str) -> File | None:
        return File("image/jpeg", b"\xff\xd8a photo") if name == "map.jpg" else None


async def test_a_calendar_file_and_a_picture_come_with_their_words_and_buttons() -> None:
    async with opened(files=Attached()) as platform:
        choices = (Shown("yes", "Yes"),)
        receipt = await platform.channel.send(to("1001", Say("You're *in*!", choices, question=1, attach="calendar:3")))
        await platform.channel.send(to("1001", Say("Show this.", attach="qr")))
        await platform.channel.send(to("1001", Say("No more.", attach="calendar:4")))
        await platform.channel.send(to("1001", Say("Here it is.", attach="picture:map.jpg")))
        calendar, picture, none, photo = platform.chats["ana"].sent
        assert (photo["_file"]["type"], photo["text"]) == ("image/jpeg", "Here it is.")
        assert calendar["_file"] == {"name": "Clean-up.ics", "type": "text/calendar", "content": b"BEGIN:VCALENDAR"}
        assert (calendar["text"], [each["type"] for each in calendar["entities"]]) == ("You're in!", ["bold"])
        assert calendar["reply_markup"]["inline_keyboard"][0][0]["text"] == "Yes"
        assert receipt.reference == str(calendar["message_id"])
        assert (picture["_file"]["type"], picture["text"]) == ("image/png", "Show this.")
        assert "_file" not in none


async def test_words_too_long_for_a_caption_follow_the_file() -> None:
    async with opened(files=Attached()) as platform:
        receipt = await platform.channel.send(to("1001", Say("x" * 1025, attach="qr")))
        picture, words = platform.chats["ana"].sent
        assert (picture["text"], words["text"], receipt.reference) == ("", "x" * 1025, str(words["message_id"]))
