"""The console's own scripts, styles and pictures, served from the package."""

from hashlib import sha256
from importlib.resources import files

from fastapi import APIRouter, Request, Response

TYPES = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
NAMES = (
    "phone.js",
    "bubbles.js",
    "queue.js",
    "trial.js",
    "cards.js",
    "desk.js",
    "phone.css",
    "page.css",
    "parts.css",
    "trial.css",
    "desk.css",
    "rehearsal.css",
    "drawing.css",
    "door.svg",
)

_CHAT_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content">
<title>Doorstep</title>
<link rel="stylesheet" href="console/page.css">
<link rel="icon" href="console/door.svg">
<script type="module" src="console/phone.js"></script>
</head>
<body>
<main class="alone">
<header class="ends"><h1 class="brand">Doorstep</h1>{link}</header>
<doorstep-phone label="Chat" base="." leave></doorstep-phone>
</main>
</body>
</html>
"""

_LINK = '<a href="desk">The desk</a>'


def chat_page(*, desk: bool) -> str:
    """The page of a chat alone, with a link to the desk where there is one."""
    return _CHAT_PAGE.format(link=_LINK if desk else "")


def content(name: str) -> str:
    """The text of one of `NAMES`."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def router() -> APIRouter:
    """Serves `NAMES` under /console/; a browser asks each time whether its copy is still the same."""
    kept = {name: content(name).encode() for name in NAMES}
    marks = {name: f'"{sha256(body).hexdigest()[:20]}"' for name, body in kept.items()}

    async def file(name: str, request: Request) -> Response:
        if name not in kept:
            return Response("There is no such file.", 404, media_type="text/plain")
        headers = {"ETag": marks[name], "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == marks[name]:
            return Response(status_code=304, headers=headers)
        return Response(kept[name], headers=headers | {"Content-Type": TYPES[name.rpartition(".")[2]]})

    served = APIRouter(include_in_schema=False)
    served.add_api_route("/console/{name}", file, methods=["GET"], response_model=None)
    return served
