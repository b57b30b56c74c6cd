"""What is attached to messages of the chat page, each visitor their own: files to open or keep."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

FOLDER = "/chat/files"

_MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class File:
    """A file for one visitor. With `name` it is kept under that name, without one it is shown on the page."""

    media_type: str
    content: bytes
    name: str = ""


class Files(Protocol):
    """The files that visitors can ask for."""

    async def file(self, address: str, kind: str, about: int) -> File | None:
        """The file of this kind ("calendar", "qr") about this action (0: about none) for this visitor; None where
        there is none, or it is not for them."""

    async def image(self, name: str) -> File | None:
        """The picture of this name that lies beside the flows; None where there is none."""


async def attached(files: Files | None, address: str, attach: str) -> File | None:
    """What `Say.attach` names, for whom it is; None also where it is nothing any more: the words never wait for it."""
    kind, _, about = attach.partition(":")
    if not kind or files is None:
        return None
    if kind == "picture":
        return await files.image(about)
    return await files.file(address, kind, int(about) if about.isdecimal() else 0)


def router(visitor: Callable[[Request, str], str | None], files: Files) -> APIRouter:
    """Serves `GET /chat/files/KIND/ABOUT` (and `?phone=` as the chat has it) to whoever holds a visitor's cookie.

    visitor  `Web.visitor`
    """
    routes = APIRouter(include_in_schema=False)

    async def serve(request: Request, kind: str, about: str) -> Response:
        address = visitor(request, request.query_params.get("phone", ""))
        if address is None:
            return Response("Open the chat page first.", 401, media_type="text/plain")
        number = int(about) if about.isascii() and about.isdigit() and len(about) <= _MOST_DIGITS else None
        if kind == "picture":
            found = await files.image(about)
        else:
            found = await files.file(address, kind, number) if number is not None else None
        if found is None:
            return Response("There is no such file.", 404, media_type="text/plain")
        return Response(found.content, headers=_headers(found), media_type=found.media_type)

    routes.add_api_route(f"{FOLDER}/{{kind}}/{{about}}", serve, methods=["GET"], response_model=None)
    return routes


def _headers(file: File) -> dict[str, str]:
    """They are one person's, and never anything that a page could run."""
    how = f"attachment; filename*=UTF-8''{quote(file.name, safe='')}" if file.name else "inline"
    return {
        "Cache-Control": "no-store",
        "Content-Disposition": how,
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
        "X-Content-Type-Options": "nosniff",
    }
