"""A Matrix account: how it logs in, and stays the same device, so that a transaction id means the same for ever.

A PUT under the same transaction id is one event only for the same device, and each log-in without a device's id makes a
new one (spec.matrix.org, Client-Server API, transaction identifiers). So the device has a name of ours, and the token
that it was given is kept.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import TypeVar

from nio import Api

from bot.channels.base import Memory
from bot.channels.matrix_calls import NOT_LET_IN, OTHER_USER, UNKNOWN_TOKEN, Calls, Json, Refused
from bot.channels.web_files import File

T = TypeVar("T")


class Account:
    """One account on one homeserver. `me` is its user id, once it is known.

    access_token  given by whoever runs the bot; "" where it logs in by password
    patience      seconds for one call
    """

    def __init__(
        self,
        homeserver: str,
        user: str,
        password: str,
        access_token: str,
        device: str,
        memory: Memory,
        patience: float,
    ) -> None:
        self.me, self.patience = "", patience
        self._user, self._password, self._given, self._device = user, password, access_token, device
        self._memory, self._whose = memory, f"{user} at {homeserver}"
        self._calls, self._transactions = Calls(homeserver), ""
        self._entering, self._naming = asyncio.Lock(), asyncio.Lock()

    async def enter(self) -> None:
        """Makes sure that it is logged in. Raises Refused, NotReached, Lost."""
        async with self._entering:
            if self.me:
                return
            self._calls.token = self._given or await self.recall("token")
            if not self._calls.token:
                await self._log_in()
            try:
                self._known_as(await self._calls.call(Api.whoami(""), self.patience))
            except Refused as refused:
                if refused.code not in UNKNOWN_TOKEN or self._given:
                    raise
                await self._log_in()
                self._known_as(await self._calls.call(Api.whoami(""), self.patience))

    async def _log_in(self) -> None:
        self._calls.token = ""
        request = Api.login(self._user, self._password, "Doorstep", self._device)
        try:
            answer = await self._calls.call(request, self.patience)
        except Refused as refused:
            wrong = refused.code in ("M_FORBIDDEN", "M_USER_DEACTIVATED", "M_INVALID_USERNAME")
            raise Refused(refused.status, NOT_LET_IN) if wrong else refused from None
        self._calls.token = str(answer["access_token"])
        await self.remember("token", self._calls.token)

    def _known_as(self, answer: Json) -> None:
        user = str(answer.get("user_id") or "")
        wanted = self._user if self._user.startswith("@") else f"@{self._user}:{user.partition(':')[2]}"
        if user.casefold() != wanted.casefold():
            raise Refused(403, OTHER_USER)
        self.me = user

    async def call(self, request: tuple[str, ...], patience: float = 0) -> Json:
        """The answer to one of nio's `Api` methods. A token that was taken away is made anew by a password.

        Raises Refused, NotReached, Lost.
        """
        return await self._as_me(lambda: self._calls.call(request, patience or self.patience))

    async def upload(self, file: File) -> str:
        """Brings a file to the homeserver; the address that messages name it by."""
        return await self._as_me(lambda: self._calls.upload(file, self.patience))

    async def _as_me(self, step: Callable[[], Awaitable[T]]) -> T:
        await self.enter()
        try:
            return await step()
        except Refused as refused:
            if refused.code not in UNKNOWN_TOKEN:
                raise
            self.me = ""
            if self._given:
                raise
        await self.enter()
        return await step()

    async def transaction(self, number: int) -> str:
        """The transaction id of an outbox row. Each database has ids of its own, or the first messages of a new one
        would be taken for those of the one before."""
        async with self._naming:
            # Many messages leave at once, and all of them must begin with what is kept.
            if not self._transactions:
                kept = await self.recall("transactions")
                if not kept:
                    kept = secrets.token_hex(8)
                    await self.remember("transactions", kept)
                self._transactions = kept
        return f"{self._transactions}-{number}"

    async def recall(self, what: str) -> str:
        """What was remembered of this account; "" where nothing was."""
        return await self._memory.get(f"{self._whose}: {what}")

    async def remember(self, what: str, text: str) -> None:
        """Keeps it over restarts."""
        await self._memory.set(f"{self._whose}: {what}", text)

    async def close(self) -> None:
        """Ends its connections."""
        await self._calls.close()
