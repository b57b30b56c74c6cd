"""Calls of WhatsApp's Cloud API through pywa, and what each of its errors means for a message.

The codes are those of developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes.
"""

import hmac
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TypeVar

import httpx
from pywa.errors import WhatsAppError
from pywa_async.api import GraphAPIAsync

from bot.channels.base import SendFailed
from bot.channels.web_files import File
from bot.channels.whatsapp_shown import Json, Message

VERSION = 25.0
"""The Graph API's version that the shapes here are of."""

CLOSED = 131047
"""More than 24 hours have passed since they wrote."""

PAIR = 131056
"""Too much to the same person; "wait 4^X seconds", X being how often it was tried: Cloud API, "Pair rate limits"."""

NO_NUMBER, BAD_SECRET = -1, -2
"""Codes of our own for what Meta calls 100, an invalid parameter, whatever is wrong with it."""

_BAD = 100
TOKEN = frozenset({0, 3, 10, 190, *range(200, 300), 131005})
_BUSY = frozenset({4, 80007, 130429})
_BROKEN = frozenset({1, 2, 131000, 131016, 133004, 135000})
_ACCOUNT: Mapping[int, str] = {
    NO_NUMBER: "phone_number_id is no number that this token may use: see API Setup of the app",
    BAD_SECRET: "app_secret is not the secret of this token's app: see its basic settings",
    368: "WhatsApp has restricted this account for breaking its policies: see the WhatsApp Manager",
    130497: "WhatsApp lets this account write to nobody in that country",
    131031: "WhatsApp has locked this account: see the WhatsApp Manager",
    131037: "this number's display name is not approved yet: see the WhatsApp Manager",
    131042: "WhatsApp has a problem with the way of payment: see the WhatsApp Manager",
    131045: "this number is not registered: register it in the WhatsApp Manager",
    131048: "too many people blocked or reported this number: WhatsApp lets it write to few for now",
    131057: "this account is in maintenance",
    131064: "this account has reached its messaging limit",
    133010: "this number is not registered: register it in the WhatsApp Manager",
}
"""What the whole account must wait for."""

_FINAL: Mapping[int, str] = {
    130472: "WhatsApp keeps this message back from them, as an experiment of its own",
    131021: "that is this bot's own number",
    131026: "they cannot be reached on WhatsApp: no account, one too old, or they blocked this number",
    131030: "a test number writes only to the numbers listed for it: add theirs",
    131049: "WhatsApp has delivered enough templates to them for now",
    131050: "they asked WhatsApp for no more of these messages",
    132000: "the template has other gaps than the bot fills: it needs one in its text",
    132001: "WhatsApp has no approved template of that name in that language",
    132007: "the template breaks WhatsApp's policies",
    132015: "the template is paused, for too many did not like it",
    132016: "the template was disabled, for too many did not like it",
}
"""What will not go well at another time either."""

_HALF_A_MINUTE, _MINUTE, _HOUR = timedelta(seconds=30), timedelta(minutes=1), timedelta(hours=1)
_LINES = httpx.Limits(max_connections=100, max_keepalive_connections=64)
_BSUID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
T = TypeVar("T")

# At lower levels it tells what was sent, and at each refused connection how to write a program.
logging.getLogger("pywa").setLevel(logging.ERROR)


class Refused(Exception):
    """WhatsApp's answer was no. `code` is Meta's own, `status` HTTP's (0: it was told later, by a webhook)."""

    def __init__(self, code: int, status: int = 0) -> None:
        super().__init__(code)
        self.code, self.status = code, status


class NotReached(Exception):
    """No connection to Meta; it was told nothing."""


class Lost(Exception):
    """There was no answer: Meta may have been told, or not."""


def failure(error: Refused | NotReached | Lost, tries: int = 0) -> SendFailed:
    """What such an error means for a message, which met 131056 so many times before."""
    if not isinstance(error, Refused):
        return SendFailed(trouble(error), unknown=isinstance(error, Lost))
    why, code = trouble(error), error.code
    if code == PAIR:
        return SendFailed(why, retry_after=min(timedelta(seconds=4 ** min(tries, 8)), _HOUR))
    if code in TOKEN or code in _BUSY:
        return SendFailed(why, retry_after=_MINUTE if code in TOKEN else _HALF_A_MINUTE, everyone=True)
    if code in _ACCOUNT:
        return SendFailed(why, retry_after=_HOUR, everyone=True)
    return SendFailed(why, final=code not in _BROKEN and error.status < 500 and error.status != 429)


def trouble(error: Refused | NotReached | Lost) -> str:
    """What is wrong, in one line for whoever runs the bot."""
    if isinstance(error, NotReached):
        return f"WhatsApp cannot be reached ({error})"
    if isinstance(error, Lost):
        return f"WhatsApp did not answer ({error})"
    code = error.code
    if code in TOKEN:
        return f"WhatsApp refuses this token ({code}): it is wrong, expired or revoked, or lacks a permission"
    if code == PAIR:
        return "WhatsApp wants fewer messages to this person"
    if code in _BUSY or error.status == 429:
        return f"WhatsApp wants fewer messages for now ({code})"
    if known := _ACCOUNT.get(code) or _FINAL.get(code):
        return f"{known} ({code})" if code > 0 else known
    if code in _BROKEN or error.status >= 500:
        return f"WhatsApp itself is broken just now ({code})"
    return f"WhatsApp refuses it ({code})"


class Calls:
    """Calls in the name of one number. Its errors never name the token, nor what was sent."""

    def __init__(self, token: str, phone_number_id: str, api_base: str, patience: float) -> None:
        self._session = httpx.AsyncClient(
            timeout=httpx.Timeout(patience, connect=min(10.0, patience)), limits=_LINES, trust_env=False
        )
        self._api, self._phone, self._token = GraphAPIAsync(token, self._session, VERSION), phone_number_id, token
        # pywa has no way to be told another server.
        self._session.base_url = f"{api_base.rstrip('/')}/v{VERSION}"

    async def send(self, address: str, message: Message, mark: str) -> str:
        """Meta's id of the message that was taken; `mark` comes back with all that is told of it. Raises Refused,
        NotReached, Lost."""
        whom = {"to": None, "recipient": address} if _BSUID.fullmatch(address) else {"to": address, "recipient": None}
        answer = await self._asked(
            lambda: self._api.send_message(
                self._phone,
                **whom,
                recipient_type="individual",
                typ=message.kind,
                msg=message.content,
                biz_opaque_callback_data=mark,
            )
        )
        try:
            return str(answer["messages"][0]["id"])
        except (TypeError, KeyError, IndexError):
            raise Lost("an answer without an id") from None

    async def upload(self, file: File) -> str:
        """Meta's id of a file that can be sent from now on. Raises as `send`.

        A calendar file goes as plain text, for Meta takes no other text; telephones go by the name.
        """
        kind = file.media_type.split(";")[0]
        kind = "text/plain" if kind.startswith("text/") else kind
        answer = await self._asked(
            lambda: self._api.upload_media(self._phone, file.content, kind, file.name or "picture.png")
        )
        return str(answer.get("id") or "")

    async def check(self, app_secret: str) -> None:
        """Raises as `send` where the token, the number or the app's secret is wrong.

        The secret is proven as developers.facebook.com/docs/graph-api/guides/secure-requests has it.
        """
        try:
            await self._look()
        except Refused as refused:
            raise Refused(NO_NUMBER, refused.status) if refused.code == _BAD else refused from None
        proof = hmac.digest(app_secret.encode(), self._token.encode(), "sha256").hex()
        try:
            await self._look(appsecret_proof=proof)
        except Refused as refused:
            raise Refused(BAD_SECRET, refused.status) if refused.code == _BAD else refused from None

    async def _look(self, **given: str) -> None:
        await self._asked(lambda: self._api.send_raw_request("GET", f"/{self._phone}", params={"fields": "id"} | given))

    async def templates(self, business_account_id: str, name: str) -> list[Json]:
        """The templates of this name, in each language. Raises as `send`."""
        answer = await self._asked(lambda: self._api.get_templates(business_account_id, filters={"name": name}))
        return [each for each in answer.get("data") or [] if each.get("name") == name]

    async def close(self) -> None:
        """Ends its connections."""
        await self._session.aclose()

    async def _asked(self, call: Callable[[], Awaitable[T]]) -> T:
        try:
            return await call()
        except WhatsAppError as error:
            raise Refused(error.code, error.status_code or 0) from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.InvalidURL) as error:
            raise NotReached(type(error).__name__) from None
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
            # The latter: something in between has answered, and pywa does not expect that.
            raise Lost(type(error).__name__) from None
