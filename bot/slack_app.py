"""One Slack app: its connection to Slack, shared by the channel of supporters and the desk of coordinators."""

import asyncio
import logging
from collections.abc import Sequence

from fastapi import APIRouter, Request, Response
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.channels.base import Report
from bot.channels.retries import SHORTEST_PAUSE, Retries
from bot.log import place
from bot.slack_calls import QUIET, Lost, NotReached, Refused, SlackClient, asked, trouble
from bot.slack_socket import Socket

SILENCE = 120.0
"""Seconds after which a socket on which nothing comes, not even a ping, is opened anew."""

LOOK = 60.0
"""Seconds between two calls of auth.test: they find a revoked token, and an app that calls so often keeps getting its
events, where a silent one was forgotten (bolt-python#1529, python-slack-sdk#1701)."""

LARGEST_CALL = 1 << 20
"""Bytes that a call from Slack may have; an event with a full message is a tenth of that."""

_log = logging.getLogger(__name__)


class SlackApp:
    """One Slack app. The channel and the desk register what they listen for on `bolt`, and call Slack by `client`.

    bolt    slack_bolt's app. Slack is told that an event was taken only when its listener has come back; where that
            raises it is not told, so that the event comes again. What nobody listens for is taken. (The client that
            Bolt hands to listeners tells no failures apart: use the one here)
    client  calls Slack; raises Refused, NotReached, Lost
    user    the bot's own user id, `team` its workspace's; "" until it is known
    router  `POST /slack/ACCOUNT`, where Slack calls an app that has no app token

    app_token       "xapp-…": Socket Mode; without one Slack calls here, and signs with `signing_secret`
    report          told why it cannot work, once for each reason, and "" when it can
    patience        seconds for one call
    pause           seconds before the first new try
    silence, look   as the numbers above
    """

    def __init__(
        self,
        bot_token: str,
        account: str = "main",
        *,
        app_token: str = "",
        signing_secret: str = "",
        api_base: str = "https://slack.com/api/",
        report: Report = lambda why: None,
        patience: float = 20.0,
        pause: float = SHORTEST_PAUSE,
        silence: float = SILENCE,
        look: float = LOOK,
    ) -> None:
        self.account, self.everywhere, self.user, self.team = account, not app_token, "", ""
        self.client = SlackClient(bot_token, api_base, patience)

        async def authorize() -> AuthorizeResult:
            return self._myself()

        self.bolt = AsyncApp(
            name="doorstep",
            logger=QUIET,
            process_before_response=True,
            client=self.client,
            signing_secret=signing_secret,
            request_verification_enabled=not app_token,
            authorize=authorize,
        )
        self.bolt.error(self._broke)
        self._tries, self._look = Retries((Refused, NotReached, Lost), trouble, report, asked=asked, pause=pause), look
        self._socket = Socket(self.bolt, self.client, app_token, silence) if app_token else None
        self._listening = False
        self.router = APIRouter(include_in_schema=False)
        if self._socket is None:
            self.router.add_api_route(f"/slack/{account}", self._called, methods=["POST"], response_model=None)

    async def listen(self) -> None:
        """Hands to Bolt's listeners what people do, until it is cancelled."""
        looking: asyncio.Task[None] | None = None
        try:
            await self._tries.until_done(self._introduce)
            self._listening = True
            looking = asyncio.create_task(self._keep_looking())
            await (looking if self._socket is None else self._socket.listen(self._tries))
        finally:
            self._listening = False
            if looking is not None:
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)

    async def close(self) -> None:
        """Ends its connections. Nothing may be sent afterwards."""
        await self.client.close()

    def say(self, why: str) -> None:
        """Reports why it cannot work; "" once it can."""
        self._tries.say(why)

    async def _introduce(self) -> None:
        me = await self.client.auth_test()
        self.user, self.team = str(me["user_id"]), str(me["team_id"])
        self._bot = str(me.get("bot_id") or "")

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(self._look)
            await self._tries.until_done(self._introduce)

    def _myself(self) -> AuthorizeResult:
        """Who we are, for Bolt: without asking Slack while an event waits."""
        return AuthorizeResult(
            enterprise_id=None, team_id=self.team, bot_user_id=self.user, bot_id=self._bot, bot_token=self.client.token
        )

    async def _broke(self, error: Exception) -> None:
        # Only its kind and place: its message may quote what people wrote.
        _log.warning("slack %s: an event could not be kept, and comes again: %s", self.account, place(error))

    async def _called(self, request: Request) -> Response:
        """Slack calls: 200 once it is stored."""
        if not self._listening:
            return Response(status_code=503)
        length = request.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > LARGEST_CALL:
            return Response(status_code=413)
        headers: dict[str, str | Sequence[str]] = {name: request.headers.get(name, "") for name in _HEADERS}
        try:
            # Bolt breaks over what is no number, and over what is no ASCII.
            int(request.headers.get("x-slack-request-timestamp", ""))
            request.headers.get("x-slack-signature", "").encode("ascii")
            called = AsyncBoltRequest(body=(await request.body()).decode(), headers=headers)
        except ValueError:
            return Response(status_code=401)
        answer = await self.bolt.async_dispatch(called)
        if answer.status == 404:
            return Response(status_code=200)
        return Response(
            answer.body,
            503 if answer.status >= 500 else answer.status,
            media_type=answer.headers.get("content-type", ["text/plain"])[0],
        )


_HEADERS = ("content-type", "x-slack-signature", "x-slack-request-timestamp")
