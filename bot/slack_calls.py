"""Calls of Slack's Web API in the name of one app: slack_sdk's client, with three ways in which a call can fail."""

import logging
from contextlib import suppress
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.channels.retries import LONGEST_PAUSE

CONNECT = 10.0
"""Seconds until a connection stands."""

QUIET = logging.Logger("slack", logging.CRITICAL + 1)
"""For Slack's libraries: at their own levels they log requests whole, with tokens and with what people wrote."""

WRONG_TOKEN = {
    "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "no_permission",
    "missing_scope", "not_allowed_token_type", "org_login_required", "team_access_not_granted",
    "app_uninstalled", "access_denied",
}  # fmt: skip
"""Errors of the whole app, whatever it asks for: docs.slack.dev/reference/methods/chat.postMessage#errors."""

PERHAPS_DONE = {"internal_error", "fatal_error", "request_timeout"}
""""It's possible some aspect of the operation succeeded before the error was raised": the same page."""

SWITCHED_OFF = "messages_tab_disabled"
"""Nobody can write to the app, nor be written to: the same page."""

AWAY = {"service_unavailable", "team_added_to_org", "ratelimited", "rate_limited"}
"""It was not done, and may be later: the same page."""


class Refused(Exception):
    """Slack's answer was no.

    status       the HTTP status; 500 and more: it is broken itself
    error        Slack's word for it ("channel_not_found"); "" where it says none
    retry_after  seconds to wait; 0: it does not say
    needed       the scope that is missing, where that is it
    """

    def __init__(self, status: int, error: str, retry_after: int = 0, needed: str = "") -> None:
        super().__init__(error or str(status))
        self.status, self.error, self.retry_after, self.needed = status, error, retry_after, needed


class NotReached(Exception):
    """No connection to Slack; it was told nothing."""


class Lost(Exception):
    """There was no answer: Slack may have done it, or not."""


class SlackClient(AsyncWebClient):
    """slack_sdk's client of one bot. Every call raises Refused, NotReached or Lost, which never name a token.

    It tries nothing again by itself (the sender does), and has one session, for `patience` seconds a call.
    """

    def __init__(self, token: str, api_base: str, patience: float) -> None:
        super().__init__(token, api_base, logger=QUIET, retry_handlers=[])
        self._timeout = aiohttp.ClientTimeout(total=patience, sock_connect=min(CONNECT, patience))

    def open(self) -> aiohttp.ClientSession:
        """Its connections; made in the loop that uses them."""
        if self.session is None or self.session.closed:
            self.session = aiohttp.ClientSession(timeout=self._timeout)
        return self.session

    async def close(self) -> None:
        """Ends its connections."""
        if self.session is not None:
            await self.session.close()

    async def api_call(self, api_method: str, **more: Any) -> AsyncSlackResponse:
        """One call, as slack_sdk has it. Raises Refused, NotReached, Lost."""
        self.open()
        try:
            return await super().api_call(api_method, **more)
        except SlackApiError as error:
            raise _refused(error) from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise NotReached(type(error).__name__) from None
        except (TimeoutError, aiohttp.ClientError, ConnectionError) as error:
            raise Lost(type(error).__name__) from None

    async def upload(self, channel: str, name: str, content: bytes) -> None:
        """Shows a file in a conversation. Raises Refused; NotReached as long as nothing of it can be seen.

        An answer that is lost at the end is none of these: a file that comes twice is worse than one that may not come.
        """
        try:
            place = await self.files_getUploadURLExternal(filename=name, length=len(content))
            async with self.open().post(str(place["upload_url"]), data=content) as answer:
                if answer.status != 200:
                    raise Refused(answer.status, "the file was not taken")
        except (TimeoutError, aiohttp.ClientError, ConnectionError, Lost) as error:
            raise NotReached(type(error).__name__) from None
        files: list[dict[str, str | None]] = [{"id": str(place["file_id"]), "title": name}]
        with suppress(Lost):
            await self.files_completeUploadExternal(files=files, channel_id=channel)


def _refused(error: SlackApiError) -> Refused | Lost:
    response = error.response
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0) or 502)
    answer = getattr(response, "data", None)
    answer = answer if isinstance(answer, dict) else {}
    word = str(answer.get("error") or "")
    if word in PERHAPS_DONE or status == 504:
        return Lost(word or "504")
    if status < 400 and not word:
        status = 502  # Something in between has answered.
    headers = {str(name).lower(): value for name, value in dict(getattr(response, "headers", None) or {}).items()}
    wait = str(headers.get("retry-after") or "")
    return Refused(status, word, int(wait) if wait.isdecimal() else 0, str(answer.get("needed") or ""))


def trouble(error: Refused | NotReached | Lost) -> str:
    """What is wrong, in one line for whoever runs the bot."""
    if isinstance(error, NotReached):
        return f"Slack cannot be reached ({error})"
    if isinstance(error, Lost):
        return f"Slack did not answer ({error})"
    if error.error == "missing_scope":
        return f"the Slack app may not do this: give it the scope {error.needed or '?'}, and install it again"
    if error.error == SWITCHED_OFF:
        return "nobody can write to the Slack app: switch on App Home, Messages Tab, at api.slack.com/apps"
    if error.error in WRONG_TOKEN:
        return (
            f"Slack does not take this token ({error.error}): it is wrong or was revoked; take a new one from "
            "api.slack.com/apps"
        )
    if error.retry_after or error.status == 429:
        return f"Slack asks to wait for {error.retry_after or 'some'} seconds"
    if error.status >= 500 or error.error in AWAY:
        return f"Slack itself is broken just now ({error.error or error.status})"
    return f"Slack refuses: {error.error or error.status}"


def asked(error: Refused | NotReached | Lost) -> float:
    """Seconds for which it wants to be left alone after this; nobody takes a wrong token soon."""
    if not isinstance(error, Refused):
        return 0.0
    return error.retry_after or (LONGEST_PAUSE if error.error in WRONG_TOKEN else 0.0)
