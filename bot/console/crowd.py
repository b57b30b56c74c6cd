"""Not more requests at once than memory is there for: what comes on top is told to come again."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

MOST = 256
"""Requests that bring something, under way at once. Each may hold a body of some megabytes and waits for its turn to be
on the disk; all of them together are less than a second's work."""

AGAIN = 1
"""Seconds after which to come again. Webhooks do so by themselves, and the chat page too."""


class Crowd:
    """Answers 503 with Retry-After while `most` requests that bring something (POST) are under way."""

    def __init__(self, app: ASGIApp, most: int = MOST) -> None:
        self._app, self._most, self._inside = app, most, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
        elif self._inside >= self._most:
            full = JSONResponse({"error": "Too much at once. Try again in a moment."}, 503, {"Retry-After": str(AGAIN)})
            await full(scope, receive, send)
        else:
            self._inside += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._inside -= 1
