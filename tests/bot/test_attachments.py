"""Files of the chat page, through its HTTP edge, for whoever holds a visitor's cookie."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from icalendar import Calendar

from bot.attachments import LARGEST_PICTURE, StoredFiles
from bot.channels.web import COOKIE, Web
from bot.channels.web_files import router
from bot.group import Group
from bot.history import StoredHistory
from bot.world import World
from storage.actions import CANCELLED, PROPOSED, PUBLISHED
from storage.signups import YES
from storage.store import Store
from storage.transaction import Transaction

STARTS = datetime(2026, 3, 7, 10, tzinfo=UTC)
ANA, BO, STRANGER = "a" * 32, "b" * 32, "c" * 32

Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def ask(store: Store, tmp_path: Path) -> AsyncIterator[Ask]:
    """Asks for a file as a visitor ("" for nobody); Ana and Bo have written, Ana hosts nothing."""

    async def people(tx: Transaction) -> None:
        for address in (ANA, BO):
            await tx.people.add("web", "web", address, "en")

    await store.run(people)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "map.jpg").write_bytes(b"\xff\xd8 map")
    group = Group(org={"name": "Neighbours"}, quiet=None)
    world = World(group, address="https://chat.example.org", pictures=pictures)
    app = FastAPI()
    web = Web(StoredHistory(store, "web"))
    app.include_router(router(web.visitor, StoredFiles(store, world)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:

        async def get(path: str, who: str = ANA) -> httpx.Response:
            cookies = {"Cookie": f"{COOKIE}={who}"} if who else {}
            return await client.get(path, headers=cookies)

        yield get


async def action(store: Store, **more: Any) -> int:
    told = {
        "title": "Clean-up", "starts_at": STARTS, "ends_at": STARTS + timedelta(hours=2), "zone": "Europe/London",
        "district": "Leeds", "address": "1 Park Row", "secret": "secret 20469", "state": PUBLISHED, **more,
    }  # fmt: skip
    return await store.run(lambda tx: tx.actions.add(**told))


async def number_of(store: Store, who: str) -> int:
    person = await store.run(lambda tx: tx.people.by_address("web", "web", who))
    assert person is not None
    return person.id


def event(answer: httpx.Response) -> Any:
    assert answer.status_code == 200
    (found,) = Calendar.from_ical(answer.content).walk("VEVENT")
    return found


async def test_a_calendar_file_is_kept_under_the_name_of_the_action(store: Store, ask: Ask) -> None:
    answer = await ask(f"/chat/files/calendar/{await action(store, title='Bäume/pflanzen: jetzt!')}")
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''B%C3%A4ume%20pflanzen%20jetzt.ics"
    assert answer.headers["cache-control"] == "no-store"
    assert event(answer)["summary"] == "Bäume/pflanzen: jetzt!"


async def test_where_exactly_is_only_in_the_file_of_who_comes(store: Store, ask: Ask) -> None:
    number, ana = await action(store), await number_of(store, ANA)
    await store.run(lambda tx: tx.actions.sign_up(number, ana, YES))
    assert event(await ask(f"/chat/files/calendar/{number}", ANA))["location"] == "1 Park Row, Leeds"
    others = await ask(f"/chat/files/calendar/{number}", BO)
    assert event(others)["location"] == "Leeds"
    assert "Park Row" not in others.text


async def test_what_is_only_proposed_has_a_file_for_its_host_alone(store: Store, ask: Ask) -> None:
    number = await action(store, state=PROPOSED, host_id=await number_of(store, ANA))
    assert (await ask(f"/chat/files/calendar/{number}", ANA)).status_code == 200
    assert (await ask(f"/chat/files/calendar/{number}", BO)).status_code == 404


async def test_a_cancelled_action_says_so(store: Store, ask: Ask) -> None:
    assert event(await ask(f"/chat/files/calendar/{await action(store, state=CANCELLED)}"))["status"] == "CANCELLED"


@pytest.mark.parametrize("who", ["", "not a visitor"])
async def test_who_has_no_chat_has_no_files(store: Store, ask: Ask, who: str) -> None:
    assert (await ask(f"/chat/files/calendar/{await action(store)}", who)).status_code == 401


async def test_who_never_wrote_has_no_files(store: Store, ask: Ask) -> None:
    assert (await ask(f"/chat/files/calendar/{await action(store)}", STRANGER)).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["calendar/0", "calendar/999", "calendar/x", "calendar/-1", "calendar/" + "9" * 30, "calendar/٣", "else/1", "1"],
)
async def test_what_is_not_there_is_not_found(store: Store, ask: Ask, path: str) -> None:
    await action(store)
    assert (await ask(f"/chat/files/{path}")).status_code == 404


async def test_each_has_a_picture_of_their_own_invitation(ask: Ask) -> None:
    hers, his = await ask("/chat/files/qr/0", ANA), await ask("/chat/files/qr/0", BO)
    assert hers.headers["content-type"] == "image/svg+xml"
    assert hers.headers["content-disposition"] == "inline"
    assert "default-src 'none'" in hers.headers["content-security-policy"]
    assert hers.content != his.content


async def test_who_was_forgotten_has_no_files(store: Store, ask: Ask) -> None:
    number, ana = await action(store), await number_of(store, ANA)

    async def forget(tx: Transaction) -> None:
        await tx.people.forget(ana)

    await store.run(forget)
    assert (await ask(f"/chat/files/calendar/{number}")).status_code == 404


async def test_on_a_platform_a_code_is_a_picture_of_dots_and_only_for_that_platforms_people(store: Store) -> None:
    async def people(tx: Transaction) -> None:
        await tx.people.add("telegram", "main", "1001", "en")

    await store.run(people)
    files = StoredFiles(store, World(address="https://chat.example.org"), "main", "telegram")
    code = await files.file("1001", "qr", 0)
    assert code is not None
    assert (code.media_type, code.content[:4]) == ("image/png", b"\x89PNG")
    assert await files.file("1002", "qr", 0) is None


async def test_pictures_that_lie_beside_the_flows_are_shown_and_nothing_else_is_ever_read(
    store: Store, tmp_path: Path
) -> None:
    folder = tmp_path / "library"
    folder.mkdir()
    (folder / "map.jpg").write_bytes(b"\xff\xd8 map")
    (folder / "welcome.yaml").write_text("flow: welcome")
    (folder / "large.png").write_bytes(b"x" * (LARGEST_PICTURE + 1))
    (folder / "folder.png").mkdir()
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    files = StoredFiles(store, World(pictures=folder))
    found = await files.image("map.jpg")
    assert found is not None
    assert (found.media_type, found.content) == ("image/jpeg", b"\xff\xd8 map")
    for name in (
        "../secret.jpg", "/etc/passwd", "..", "", "welcome.yaml", "link.jpg", "large.png", "folder.png", "gone.jpg",
        "map.jpg/", "a\x00.jpg", f"{'x' * 300}.jpg", str(tmp_path / "secret.jpg"),
    ):  # fmt: skip
        assert await files.image(name) is None, name
    assert await StoredFiles(store, World()).image("map.jpg") is None


async def test_a_picture_is_on_the_page_for_whoever_has_a_chat_there(store: Store, ask: Ask) -> None:
    answer = await ask("/chat/files/picture/map.jpg")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert (await ask("/chat/files/picture/gone.jpg")).status_code == 404
    assert (await ask("/chat/files/picture/..%2fsecret.jpg")).status_code == 404
    assert (await ask("/chat/files/picture/map.jpg", "")).status_code == 401
