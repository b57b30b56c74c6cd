"""How a message looks on WhatsApp."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.carried import LEAVE
from bot.channels.web_files import File
from bot.channels.whatsapp_shown import shown
from bot.qr import qr_code
from flows.model import Say, Shown
from tests.bot.channels.on_whatsapp import OnWhatsApp, opened, to
from tests.bot.standins.whatsapp_people import buttons
from tests.bot.standins.whatsapp_rules import checked

YES_NO = (Shown("yes", "Yes please"), Shown("no", "Not now"))


@pytest.fixture
async def platform() -> AsyncIterator[OnWhatsApp]:
    async with opened() as opening:
        yield opening


@given(
    st.builds(
        Say,
        text=st.text(max_size=4096),
        choices=st.lists(
            st.builds(Shown, st.text(max_size=300), st.text(max_size=40)),
            max_size=14,
            unique_by=lambda shown: shown.key,
        ).map(tuple),
        question=st.none() | st.integers(0, 2**63 - 1),
        many=st.booleans(),
        expect=st.sampled_from(["", "place", "text"]),
        button=st.sampled_from(["", "Done"]),
        leave=st.sampled_from(
            ["", "No more messages", "No further messages at all, ever, from any of you, whatever it is"]
        ),
    ),
    st.integers(0, 2**63 - 1),
)
def test_whatsapp_takes_whatever_is_said(say: Say, conversation: int) -> None:
    made = shown(say, conversation)
    checked({"type": made.kind, made.kind: made.content}, {}, {})


def kind_of(say: Say) -> str:
    made = shown(say, 7)
    return str(made.content["type"]) if made.kind == "interactive" else made.kind


def choices(count: int, length: int = 5) -> tuple[Shown, ...]:
    return tuple(Shown(f"k{number}", f"{number}".ljust(length, "x")) for number in range(count))


@pytest.mark.parametrize(
    ("say", "kind"),
    [
        (Say("?", choices(3)), "button"),
        (Say("?", choices(3, 20)), "button"),
        (Say("?", choices(4)), "list"),
        (Say("?", choices(10)), "list"),
        (Say("x" * 1025, choices(2)), "list"),
        (Say("?", choices(11)), "text"),
        (Say("?", choices(2, 21)), "text"),
        (Say("?", (Shown("a", "Same"), Shown("b", "Same"))), "text"),
        (Say("?", choices(2), many=True), "text"),
        (Say("?", expect="place"), "location_request_message"),
        (Say("x" * 1025, expect="place"), "text"),
        (Say("?", expect="text"), "text"),
    ],
)
def test_few_choices_are_buttons_more_are_a_list_and_all_others_numbers(say: Say, kind: str) -> None:
    assert kind_of(say) == kind


@pytest.mark.parametrize(
    ("say", "kind", "way_out"),
    [
        (Say("Hello!"), "button", True),
        (Say("?", choices(2)), "button", True),
        (Say("?", choices(3)), "button", False),
        (Say("?", choices(4)), "list", True),
        (Say("?", choices(10)), "list", False),
        (Say("?", choices(5), many=True), "button", True),
        (Say("?", expect="place"), "location_request_message", False),
        (Say("?", (Shown("a", "No more"), Shown("b", "More"))), "button", False),
        (Say("x" * 1025), "text", False),
    ],
)
def test_the_way_out_is_one_more_button_where_there_is_room_and_else_a_word_below(
    say: Say, kind: str, way_out: bool
) -> None:
    say = replace(say, leave="No more")
    assert kind_of(say) == kind
    made = shown(say, 7)
    found = buttons({"type": made.kind, made.kind: made.content})
    assert [each["id"] for each in found if each["title"] == "No more" and each["id"] == LEAVE] == [LEAVE] * way_out
    assert ("footer" in made.content) == (len(say.choices) in (3, 10)), "the word *stop* stands there"
    assert len(found) == (
        0 if kind in ("text", "location_request_message") else way_out + len(say.choices) * (not say.many)
    )


def test_a_way_out_whose_label_is_too_long_is_called_stop() -> None:
    made = shown(Say("Hello!", leave="No further messages at all"), 7)
    assert [each["title"] for each in buttons({"type": made.kind, made.kind: made.content})] == ["stop"]


async def test_links_make_no_previews_and_marks_of_others_do_not_work(platform: OnWhatsApp) -> None:
    await platform.channel.send(to(platform.address("ana"), "See https://a.example/_b_ of _Ana_, *now*"))
    body = platform.server.asked[-1]["text"]
    assert body == {"body": "See https://a.example/_b_ of \u2060_\u2060Ana_, *now*", "preview_url": False}


@pytest.mark.parametrize("name", ["a```b```", "```\nb\n```", "see ```b c```!"])
async def test_nobodys_name_is_a_block_of_code(platform: OnWhatsApp, name: str) -> None:
    await platform.channel.send(to(platform.address("ana"), f"Hi {name}"))
    (bubble,) = platform.shown("ana")
    assert (bubble.text, bubble.alive) == (f"Hi {name}", ())


class Attached:
    """Files that are attached: a calendar file of action 3, and a picture."""

    async def file(self, address: str, kind: str, about: int) -> File | None:
        if (kind, about) == ("calendar", 3):
            return File("text/calendar; charset=utf-8", b"BEGIN:VCALENDAR", "Clean-up.ics")
        return File("image/png", qr_code(address, "png")) if kind == "qr" else None


async def test_a_calendar_file_and_a_picture_come_with_their_words_and_buttons() -> None:
    async with opened(files=Attached()) as platform:
        ana, send = platform.people["ana"], platform.channel.send
        await send(to(ana.id, Say("You're in!", YES_NO, question=1, attach="calendar:3")))
        await send(to(ana.id, Say("Show this.", attach="qr")))
        receipt = await send(to(ana.id, Say("Which?", choices(5), attach="qr")))
        await send(to(ana.id, Say("No more.", attach="calendar:4")))
        above, below, picture, words, none = ana.sent
        header = above["interactive"]["header"]
        file = platform.server.media[header["document"]["id"]]
        assert (file["type"], file["name"], file["content"]) == ("text/plain", "Clean-up.ics", b"BEGIN:VCALENDAR")
        assert header["document"]["filename"] == "Clean-up.ics"
        assert [each["title"] for each in buttons(above)] == ["Yes please", "Not now"]
        assert (below["type"], below["image"]["caption"]) == ("image", "Show this.")
        assert (picture["type"], words["interactive"]["type"], none["type"]) == ("image", "list", "text")
        assert receipt.reference == words["id"]


async def test_people_are_written_to_by_their_id_and_only_those_without_one_by_their_number(
    platform: OnWhatsApp,
) -> None:
    ana = platform.people["ana"]
    await platform.channel.send(to(ana.id, "one"))
    await platform.channel.send(to(ana.number, "two"))
    one, two = platform.server.asked
    assert (one.get("recipient"), one.get("to")) == (ana.id, None)
    assert (two.get("recipient"), two.get("to")) == (None, ana.number)
    assert ana.words == ["one", "two"]
