"""A real browser on a server of its own: what the tests of the pages share."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from tests.waiting import PATIENCE

OWN = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

expect.set_options(timeout=PATIENCE * 1000)


class Server:
    """A script as a process of its own: it can be killed and comes back at the same address."""

    def __init__(self, script: str, file: Path, kind: str) -> None:
        self.script, self.file, self.kind, self.port = script, file, kind, "0"
        self.start()

    def start(self) -> None:
        root = Path(__file__).parents[2]
        command = [sys.executable, self.script, str(self.file), self.port, self.kind]
        environment = os.environ | {"PYTHONPATH": str(root)}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=environment, cwd=self.file.parent
        )
        assert self.process.stdout
        self.port = self.process.stdout.readline().split()[1]
        self.url = f"http://127.0.0.1:{self.port}/"

    def kill(self) -> None:
        self.process.kill()
        self._gone()

    def stop(self) -> str:
        self.process.terminate()
        return self._gone()

    def _gone(self) -> str:
        left, _ = self.process.communicate(timeout=PATIENCE)
        return left

    def said(self) -> list[str]:
        """What people said, as it was kept."""
        kept = json.loads(self.file.read_text()) if self.file.exists() else {}
        return [row["text"] for rows in kept.values() for row in rows if row["mine"]]


@contextmanager
def serving(script: str, folder: Path, kind: str) -> Iterator[Server]:
    """The server for as long as a test takes."""
    server = Server(script, folder / "kept.json", kind)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """Debian's browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def page(chromium: Browser) -> AsyncIterator[Page]:
    """A page that fails the test where a script fails, something is blocked, or a request goes elsewhere."""
    context = await chromium.new_context(locale="en-GB")
    context.set_default_timeout(PATIENCE * 1000)
    opened = await context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda said: wrong.append(said.text) if "Security Policy" in said.text else None)
    context.on("request", lambda asked: wrong.append(asked.url) if not asked.url.startswith(OWN) else None)
    yield opened
    await context.close()
    assert wrong == []


def field(page: Page | Locator) -> Locator:
    """Where one writes."""
    return page.get_by_role("textbox", name="Write a message")


def log(page: Page | Locator) -> Locator:
    """What was said."""
    return page.get_by_role("log")


async def say(page: Page | Locator, text: str) -> None:
    """Writes it and sends it."""
    await field(page).fill(text)
    await field(page).press("Enter")


async def seen(page: Page | Locator, text: str, times: int = 1) -> None:
    """It stands there, so many times."""
    await expect(log(page).get_by_text(text, exact=True)).to_have_count(times)
