"""Ten thousand names and texts that want to be more than a text, wherever somebody's words are shown."""

import csv
import io
import json
import logging
import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from icalendar import Calendar

from bot.calendar import calendar_file
from bot.channels import matrix_shown, slack_shown, telegram_shown, whatsapp_shown
from bot.channels.render import NOT_SEEN, split
from bot.commands.shared import plain, write_sheet
from bot.console.stage import CardView
from bot.desks import slack_modals
from bot.desks import slack_shown as slack_desk
from bot.desks import telegram_shown as telegram_desk
from bot.desks.base import APPROVE, DECLINE, REPLY, Button
from bot.desks.office import BuddyView
from bot.log import JsonLine, Line
from flows.limits import MATRIX, SLACK, TELEGRAM, WHATSAPP
from flows.model import Say, Shown
from flows.text import render
from storage import formulas
from storage.actions import PUBLISHED, Action
from tests.bot.standins import slack_rules, telegram_rules, whatsapp_people, whatsapp_rules

MANY = 10_000
NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
STARTS = datetime(2026, 3, 29, 8, tzinfo=UTC)
ACTION = Action(
    7, "", "", "", "", "", "", STARTS, STARTS + timedelta(hours=2), "Europe/London", None, 0, 0, "", PUBLISHED, None,
    "", NOW,
)  # fmt: skip

PIECES = (
    # mentions
    "<!channel>", "<!here|here>", "<@U1>", "<#C1|general>", "<!subteam^S1>", "@everyone", "@room", "@ana:example.org",
    "@channel", "tg://user?id=1", "/start", "/stop@bot", "#tag", "$USD",
    # links
    "https://elsewhere.example/a?b=c&d", "<https://elsewhere.example|Ana>", "[Ana](https://elsewhere.example)",
    "elsewhere.example", "javascript:alert(1)", "mailto:a@b.example", "//elsewhere.example", "http://1.2.3.4/x",
    # markup
    "*", "**", "_", "__Ana__", "~Ana~", "`Ana`", "```Ana```", "||Ana||", "> Ana", "# Ana", "1. Ana", "\\*", "*Ana*",
    "<b>Ana</b>", "<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "\"><svg/onload=alert(1)>", "&lt;b&gt;",
    "&amp;", "&#60;", ":smile:", "[red]Ana[/red]",
    # templates and expressions
    "{{ org.name }}", "{{ me.name | upper }}", "{{", "}}", "{% for x in y %}", "${7*7}", "#{7*7}", "me.name == 'a'",
    "%s",    "%(name)s", "{0.__class__}", "{name}", "'; DROP TABLE people; --",
    # formulas
    "=1+1", "=HYPERLINK(\"https://elsewhere.example\")", "+1", "-1", "@SUM(A1)", "＝1", "\t=1", "\r=1",
    "\n=1", "'=1", ";=1", ",=1",
    # calendars
    "\nATTENDEE:mailto:a@b.example", "\r\nEND:VEVENT\r\nBEGIN:VEVENT", "\\nATTACH:https://elsewhere.example",
    "\\;", "\\,", "\rX-A:b",
    # what cannot be seen, or steers
    "\u202e", "\u2066", "\u2069", "\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u061c", "\0", "\x07", "\x08",
    "\x1b[31m", "\x1b]8;;https://elsewhere.example\x07", "\x7f", "\x85", "\u2028", "\u2029", "\ud800", "\udfff", "\x0b",
    "\x1c", "\xa0", "\u3000", "\n", "\r\n", "\n\n", "\t", " ",
    # letters
    "Ana", "Zoë", "عَلِيّ", "שָׁלוֹם", "李雷", "a" + "\u0301" * 40, "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇬🇧",
    "1️⃣", "ß", "İ", "\U000e0041", "\U0010ffff", "\"", "'",
    "“", ";", ",", "|", "\\", "10:30",
)  # fmt: skip


def hostile() -> Iterator[str]:
    """Every piece alone, and any of them in any order; one in a hundred is very long."""
    chance = Random(8)
    yield from PIECES
    for number in range(MANY - len(PIECES)):
        text = "".join(chance.choices(PIECES, k=chance.randint(1, 6)))
        yield text * chance.randint(50, 400) if number % 100 == 0 else text


TEXTS = tuple(hostile())


def says(most: int) -> Iterator[Say]:
    """Messages with a hostile text, or a name in one of ours, and a choice called so, each in as many as it needs."""
    for number, (text, other) in enumerate(pairwise((*TEXTS, TEXTS[0]))):
        words = text if number % 2 else f"Meet {text}! Write *stop* at any time."
        choices = (Shown("a", other), Shown("b", "Other")) if number % 3 else ()
        many = number % 5 == 0 and bool(choices)
        yield from split(Say(words, choices, 7, many=many, picked=("a",) if many else (), button="OK"), most)


def seen(text: str) -> str:
    """The letters of a text, but for stars, which may be shown as bold; none where nothing is to be seen."""
    text = text.encode("utf-8", "replace").decode()
    return "" if NOT_SEEN.fullmatch(text.strip()) else "".join(text.replace("*", "").replace("\u2060", "").split())


def sendable(given: object) -> bool:
    """Whether it is JSON in UTF-8, as every platform wants it."""
    return bool(json.dumps(given, ensure_ascii=False).encode())


def test_there_are_as_many_as_promised_and_always_the_same() -> None:
    assert len(TEXTS) == MANY
    assert tuple(hostile()) == TEXTS


def test_on_telegram_nothing_is_refused_and_only_our_stars_are_bold() -> None:
    for say in says(TELEGRAM.text):
        body = telegram_shown.shown(say, 1)
        text, entities = telegram_rules.text_of(body)
        assert {each["type"] for each in entities} <= {"bold"}
        assert all(each.keys() == {"type", "offset", "length"} for each in entities)
        assert seen(text).startswith(seen(say.text)), say
        buttons = telegram_rules.markup_of(body).get("inline_keyboard", [])
        assert all(button.keys() == {"text", "callback_data"} for row in buttons for button in row)
        assert body["link_preview_options"] == {"is_disabled": True}
        assert sendable(body)


def test_on_slack_nothing_is_refused_and_nothing_pings_or_hides_a_link() -> None:
    for say in says(SLACK.text):
        message = slack_shown.shown(say, 1)
        text, alive = accepted_by_slack(message)
        assert alive == (), say
        assert seen(text).startswith(seen(say.text)), say
        assert (message["parse"], message["link_names"], message["mrkdwn"]) == ("none", False, False)


def accepted_by_slack(message: slack_desk.Block) -> tuple[str, tuple[str, ...]]:
    """What people read, and what is alive in it; it is JSON, and Slack takes it."""
    assert sendable(message)
    slack_rules.text_of(message)
    slack_rules.blocks_of(deepcopy(message))
    return slack_rules.shown(message)


def test_on_whatsapp_nothing_is_refused_and_no_mark_is_at_work() -> None:
    for say in says(WHATSAPP.text):
        message = whatsapp_shown.shown(say, 1)
        taken = whatsapp_rules.checked({"type": message.kind, message.kind: message.content}, {}, {})
        assert list(whatsapp_people.alive(taken)) == [], say
        # Where so many marks are in it that what keeps them still has no room, they are left out.
        assert len(say.text) > 1000 or seen(whatsapp_people.text_of(taken)).startswith(seen(say.text)), say
        assert message.content.get("preview_url") in (None, False)
        assert sendable(taken)


def test_on_matrix_an_event_is_small_enough_plain_and_mentions_nobody() -> None:
    for say in says(MATRIX.text):
        for content in (matrix_shown.shown(say), matrix_shown.changed(say, "$event:example.org")):
            assert content["m.mentions"] == {}
            assert not {"format", "formatted_body"} & {*content, *content.get("m.new_content", ())}
            assert len(json.dumps(content, ensure_ascii=False).encode()) < 65_000
        assert seen(matrix_shown.shown(say)["body"]).startswith(seen(say.text)), say


BUTTONS = (Button(REPLY, "Answer"), Button(APPROVE, "Introduce"), Button(DECLINE, "No"))


def cards() -> Iterator[CardView]:
    for number, (name, text) in enumerate(zip(TEXTS[::2], TEXTS[1::2], strict=True)):
        title = name if number % 7 == 0 else f"{name} asks for somebody"
        outcome = f"Done by {text}" if number % 3 == 0 else ""
        lines = (f"{name}: {text}", text)
        yield CardView(number, title, lines, BUTTONS, number % 2 == 0, not outcome, number % 5 == 0, outcome, NOW)


def test_a_card_on_slack_is_accepted_and_nothing_in_it_lives() -> None:
    for card in cards():
        message = {"text": slack_desk.notification(card.title), "blocks": slack_desk.card_blocks(card)}
        text, alive = accepted_by_slack(message)
        assert alive == ()
        assert seen(card.title)[:50] in seen(text)
        assert seen(card.lines[1])[:300] in seen(text)
        for line in card.lines:
            words = {"text": slack_desk.notification(line), "blocks": slack_desk.line_blocks(line)}
            assert accepted_by_slack(words)[1] == ()
        slack_rules.view_of({"view": slack_modals.answering(card.id, card.title)})


def buddies() -> Iterator[Sequence[BuddyView]]:
    for at in range(0, MANY, 20):
        yield [BuddyView(number, name, name, 3, 1) for number, name in enumerate(TEXTS[at : at + 20])]


def test_buddies_to_choose_from_are_accepted_on_both_desks() -> None:
    for some in buddies():
        view = slack_modals.changing(some)
        assert sendable(view)
        slack_rules.view_of({"view": view})
        accepted_by_telegram(telegram_desk.whom_shown(some))
        accepted_by_telegram(telegram_desk.how_many_shown(some[0]))


FOUND = re.compile(r"[@/#$]\w|(?<!\d)[.:]\w|[.:][^\W\d]")
"""A sign, and what Telegram wants right behind it to make a mention, a command, a tag or a link of it."""


def accepted_by_telegram(shown: telegram_desk.Shown) -> str:
    """What people read; Telegram takes it, and finds nothing in it."""
    markup = shown["reply_markup"].to_dict() if shown["reply_markup"] else {}
    body = {"text": shown["text"], "entities": [each.to_dict() for each in shown["entities"]], "reply_markup": markup}
    assert sendable(body)
    text, entities = telegram_rules.text_of(body)
    assert {each["type"] for each in entities} <= {"bold", "italic"}
    assert FOUND.search(text) is None, text[:200]
    buttons = telegram_rules.markup_of(body).get("inline_keyboard", [])
    assert all(button.keys() == {"text", "callback_data"} for row in buttons for button in row)
    return text


def test_a_card_on_telegram_is_accepted_and_nothing_is_found_in_it() -> None:
    for card in cards():
        text = accepted_by_telegram(telegram_desk.card_shown(card))
        assert seen(card.title)[:300] in seen(text)
        for line in card.lines:
            accepted_by_telegram(telegram_desk.line_shown(line))


def test_a_calendar_file_holds_one_event_with_the_text_as_it_was_given() -> None:
    for title, what, where, group in zip(*(TEXTS[at::4] for at in range(4)), strict=True):
        made = calendar_file(replace(ACTION, title=title, what=what), {"address": where}, NOW, group, "en")
        calendar = Calendar.from_ical(made)
        (event,) = calendar.subcomponents
        assert {*event} <= {
            "UID",
            "SEQUENCE",
            "DTSTAMP",
            "DTSTART",
            "DTEND",
            "SUMMARY",
            "LOCATION",
            "DESCRIPTION",
            "STATUS",
        }
        assert {*calendar} == {"PRODID", "VERSION", "METHOD"}
        for name, text in (("SUMMARY", title), ("DESCRIPTION", what), ("LOCATION", where)):
            assert str(event.get(name, "")) == in_a_calendar(text), (name, text)
        assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n", made)


def in_a_calendar(text: str) -> str:
    """RFC 5545 has no control characters; a line ends in one way."""
    lines = text.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n")
    return "".join(letter for letter in lines if letter in "\t\n" or (letter >= " " and letter not in "\x7f\ufeff"))


FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def test_no_cell_of_a_spreadsheet_is_a_formula_and_each_is_read_back() -> None:
    texts = [text.encode("utf-8", "replace").decode() for text in TEXTS]
    sheet = io.StringIO(newline="")
    csv.writer(sheet).writerows((formulas.safe(text), "end") for text in texts)
    rows = list(csv.reader(io.StringIO(sheet.getvalue(), newline="")))
    assert not [cell for cell, _ in rows if cell.startswith(FORMULA)]
    assert [(formulas.read(cell), end) for cell, end in rows] == [(text, "end") for text in texts]


def test_no_name_in_a_sheet_of_links_is_a_formula(tmp_path: Path) -> None:
    write_sheet(tmp_path / "links.csv", ("name", "link"), [(plain(text), "https://x.example") for text in TEXTS])
    with (tmp_path / "links.csv").open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.reader(opened))[1:]
    assert [formulas.read(cell) for cell, _ in rows] == [plain(text) for text in TEXTS]
    assert not [cell for cell, _ in rows if cell.startswith(FORMULA)]


def test_in_a_terminal_nothing_steers_and_what_can_be_seen_stays() -> None:
    for text in TEXTS:
        shown = plain(text)
        assert shown.isprintable()
        assert shown == text or not text.isprintable()


def test_a_name_in_a_text_is_never_read_as_a_template() -> None:
    for text, other in pairwise(TEXTS):
        scope = {"me": {"name": text}, "org": {"name": other}}
        name, org = text.replace("\0", ""), other.replace("\0", "")
        if name and org:
            assert render("Hi {{ me.name }} of {{ org.name }}.", scope, "en", "UTC") == f"Hi {name} of {org}."


@pytest.mark.parametrize("form", [Line(), JsonLine()], ids=["text", "json"])
def test_a_log_line_is_one_line_whatever_it_quotes(form: logging.Formatter) -> None:
    for text in TEXTS:
        line = form.format(logging.LogRecord("bot.due", logging.WARNING, "due.py", 1, "it said %s!", (text,), None))
        assert line.isprintable()
        assert line.splitlines() == [line]
