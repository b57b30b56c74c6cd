"""Ten thousand names and texts that want to be more than a text, on the desk and in the chat of a real browser."""

from itertools import islice

import httpx
import pytest
from playwright.async_api import Dialog, Locator, Page, expect

from storage.transaction import Transaction
from tests.bot.browsing import *  # noqa: F403 - fixtures are found by name
from tests.bot.browsing import Server, log
from tests.bot.test_console import chat  # noqa: F401 - a fixture
from tests.bot.test_desk_page import Running, come_in, running  # noqa: F401 - a fixture
from tests.bot.test_hostile_names import TEXTS
from tests.waiting import PATIENCE

CARDS, ADDRESS = 40, "447700900077"
SHORT = [text.encode("utf-8", "replace").decode() for text in TEXTS if len(text) < 1000]
"""As a platform hands them over: halves of letters are no letters there."""


def in_parts(count: int) -> list[str]:
    """All of them, in so many texts of about the same length."""
    return ["\n".join(SHORT[number::count]) for number in range(count)]


@pytest.fixture
def silent(page: Page) -> Page:
    """A page on which no script of anybody's asks anything."""

    async def opened(dialog: Dialog) -> None:
        await dialog.dismiss()
        raise AssertionError("a script of somebody's text ran")

    page.on("dialog", opened)
    return page


async def elements_in(shown: Locator) -> list[str]:
    """The elements that stand where only text should."""
    found: list[str] = await shown.evaluate_all("all => all.flatMap(each => [...each.children]).map(e => e.outerHTML)")
    return found


async def read(shown: Locator) -> str:
    """The letters there, whatever the spaces."""
    texts: list[str] = await shown.evaluate_all("all => all.map(each => each.textContent)")
    return "".join("".join(texts).split())


@pytest.mark.slow
async def test_on_the_desk_a_name_and_a_text_are_text(running: Running, silent: Page) -> None:  # noqa: F811
    names, texts = SHORT[: 2 * CARDS], in_parts(CARDS)

    async def work(tx: Transaction) -> None:
        for number, about in enumerate(texts):
            person = await tx.people.add("web", "web", f"{ADDRESS}{number}", "en")
            known = {"name": names[number] or "-", "place": names[CARDS + number]}
            await tx.people.save(person.id, known)
            await tx.cards.add("human", f"person:{person.id}", person.id, {"about": about}, urgent=number % 2 == 0)

    await running.store.run(work)
    await come_in(silent, f"{running.url}desk")
    await expect(silent.get_by_role("article")).to_have_count(CARDS)
    cards = silent.locator(".card")
    shown = cards.locator(".title, .line, .when > *, [role=status]")
    assert await elements_in(shown) == []
    letters = await read(shown)
    for text in islice(SHORT, 0, None, 25):
        assert "".join(text.replace("\0", "").split()) in letters, text
    alive = "img, svg, a, script, style, link, iframe, object, embed, form, video, audio, meta, base, input, b, i"
    assert await elements_in(cards.locator(f":scope:has({alive})")) == []
    attributes = "all => all.flatMap(each => [...each.attributes]).map(each => each.name)"
    named = {*await cards.locator("*").evaluate_all(attributes)}
    assert not [name for name in named if name.startswith("on") or name in ("href", "src", "srcdoc", "style")]
    assert await silent.title() == f"({CARDS}) The desk · Doorstep"
    assert ADDRESS not in await silent.content()


@pytest.mark.slow
async def test_in_the_chat_a_text_is_text_with_nothing_but_bold(chat: Server, silent: Page) -> None:  # noqa: F811
    await silent.goto(chat.url)
    cookies = {each["name"]: each["value"] for each in await silent.context.cookies()}
    async with httpx.AsyncClient(base_url=chat.url, cookies=cookies, verify=False, timeout=PATIENCE) as client:
        for number, text in enumerate(in_parts(20)):
            sent = await client.post("/chat/messages", json={"event": f"e{number}", "text": text})
            assert sent.status_code == 200
    bubbles = log(silent).locator(".bubble")
    await expect(bubbles).to_have_count(40)
    inside = await elements_in(bubbles)
    assert inside
    assert not [each for each in inside if not each.startswith('<strong class="">') or each.count("<") != 2]
