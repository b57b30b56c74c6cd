"""The page on which an organizer rehearses a campaign: what to expect of it, as a table and as pictures.

It is rehearsed in a process of its own, with the flows of this group and invented people: nothing of the group's data
is read or changed.
"""

import asyncio
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from bot.console.entry import from_elsewhere
from bot.console.rehearsed import shown

MOST: Mapping[str, int] = {"supporters": 300, "buddies": 60, "days": 42}
"""Of each there may be so many: more takes longer than anybody looks at a page. `doorstep rehearse` takes more."""

ASKED: Mapping[str, tuple[str, int]] = {
    "supporters": ("Newcomers", 50),
    "buddies": ("Buddies", 10),
    "days": ("Days", 14),
}
"""What is asked, and what stands there first."""

PATIENCE = 600
"""Seconds that a rehearsal may take."""

LOOK_AGAIN = 3
"""Seconds after which a page that waits looks again."""

LONGEST_FORM = 512

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{again}<title>A rehearsal · Doorstep</title>
<link rel="stylesheet" href="console/page.css">
<link rel="stylesheet" href="console/rehearsal.css">
<link rel="icon" href="console/door.svg">
</head>
<body>
<main class="rehearsal">
<header class="ends"><h1 class="brand">Doorstep</h1><a href="{back}">{place}</a></header>
<section class="sheet">
<h2>Rehearse a campaign</h2>
<p>Invented people come, answer late or wrongly, go silent, and meet. You see what to expect with your flows as they are
now. It takes a minute or so, and your own people are not touched.</p>
<form method="post" action="rehearsal">
{fields}<button type="submit"{busy}>{press}</button>
</form>
<p role="status" class="status">{status}</p>
</section>
{found}</main>
</body>
</html>
"""

log = logging.getLogger(__name__)


class Rehearsals:
    """One rehearsal at a time, of the flows in this folder; the last one stays to be looked at.

    back, place  where the page leads back to, and what that is called
    """

    def __init__(self, flows: Path, back: str, place: str) -> None:
        self._flows, self._back, self._place = flows, back, place
        self._asked = {name: first for name, (_, first) in ASKED.items()}
        self._playing: asyncio.Task[None] | None = None
        self._found: Mapping[str, Any] | None = None
        self._problem = ""
        self.router = APIRouter(include_in_schema=False)
        self.router.add_api_route("/rehearsal", self._show, methods=["GET"], response_model=None)
        self.router.add_api_route("/rehearsal", self._begin, methods=["POST"], response_model=None)

    async def _show(self) -> Response:
        playing = self._playing is not None and not self._playing.done()
        fields = "".join(_field(name, self._asked[name]) for name in ASKED)
        page = _PAGE.format(
            again=f'<meta http-equiv="refresh" content="{LOOK_AGAIN}">\n' if playing else "",
            back=self._back, place=self._place, fields=fields,
            busy=" disabled" if playing else "", press="Rehearsing …" if playing else "Rehearse",
            status=escape("It is being played. This page shows it by itself." if playing else self._problem),
            found="" if playing or self._found is None else shown(self._found),
        )  # fmt: skip
        return HTMLResponse(page, headers={"Cache-Control": "no-store"})

    async def _begin(self, request: Request) -> Response:
        elsewhere = from_elsewhere(request)
        wanted = None if elsewhere else await _wanted(request)
        if wanted is None:
            return HTMLResponse("Please use the form on this page.", 403 if elsewhere else 400)
        if self._playing is None or self._playing.done():
            self._asked, self._found, self._problem = wanted, None, ""
            self._playing = asyncio.create_task(self._play())
        return RedirectResponse("./rehearsal", 303)

    async def _play(self) -> None:
        asked = [part for name, number in self._asked.items() for part in (f"--{name}", str(number))]
        # Whoever writes to the bot meanwhile comes first.
        command = [
            "nice",
            "-n",
            "3",
            sys.executable,
            "-m",
            "bot.cli",
            "rehearse",
            "--json",
            "--flows",
            str(self._flows),
            *asked,
        ]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(PATIENCE):
                told, complaint = await process.communicate()
            if told:
                self._found = json.loads(told)
            else:
                self._problem = complaint.decode("utf-8", "replace").strip() or "It ended without a word."
        except TimeoutError:
            self._problem = "It took too long. Try fewer people, or fewer days."
        except Exception:
            self._problem = "It broke: the log says how."
            log.exception("a rehearsal broke")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def run(self) -> None:
        """Until it is cancelled; then what is being played ends too."""
        try:
            await asyncio.Event().wait()
        finally:
            if self._playing is not None:
                self._playing.cancel()
                await asyncio.gather(self._playing, return_exceptions=True)


def _field(name: str, number: int) -> str:
    label, _ = ASKED[name]
    return (
        f'<label>{label} <input name="{name}" type="number" inputmode="numeric" required min="1" max="{MOST[name]}"'
        f' value="{number}"></label>\n'
    )


async def _wanted(request: Request) -> dict[str, int] | None:
    """What the form asks for; None where it is not ours."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_FORM:
            return None
    given = parse_qs(body.decode("utf-8", "replace"))
    return _numbers({name: given.get(name, [""]) for name in ASKED})


def _numbers(given: Mapping[str, Sequence[str]]) -> dict[str, int] | None:
    wanted: dict[str, int] = {}
    for name, (written, *_) in given.items():
        if not (written.isascii() and written.isdigit() and 1 <= int(written[:9]) <= MOST[name]):
            return None
        wanted[name] = int(written)
    return wanted
