"""The channels. A new one is listed here: what it can show, and how an account of it is made."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from fastapi import APIRouter

from bot import config
from bot.channels.base import Channel, Memory, Reached, Report
from bot.channels.web_files import Files
from flows.limits import MATRIX, SLACK, TELEGRAM, TERMINAL, WEB, WHATSAPP, Limits

LIMITS: Mapping[str, Limits] = {
    "web": WEB,
    "terminal": TERMINAL,
    "telegram": TELEGRAM,
    "whatsapp": WHATSAPP,
    "slack": SLACK,
    "matrix": MATRIX,
}
"""By the channel's name: texts are split when they are stored."""


class Remote(Channel, Protocol):
    """A channel whose platform is elsewhere. `router` holds what the platform calls here, if it calls at all."""

    @property
    def router(self) -> APIRouter: ...

    async def close(self) -> None:
        """Ends its connections. Nothing may be sent afterwards."""


@dataclass(frozen=True, slots=True)
class Around:
    """What an account of any platform is made with.

    place_at  the name of the district of a point: latitude, longitude in degrees. May block; raises ValueError, OSError
    report    for this account
    address   where this server is reached from outside ("https://…"); "" where it is not
    files     what is attached to this account's messages
    memory    what this account knows again after a restart
    commands  for each language ("": all others), what the words do that people may write at any time
    reached   for this account, where its platform has links that open a chat
    unreadable  in the group's first language, that encrypted messages cannot be read
    """

    place_at: Callable[[float, float], str]
    report: Report
    files: Files
    memory: Memory
    address: str = ""
    commands: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    reached: Reached | None = None
    unreadable: str = ""


def telegram(section: config.Telegram, account: str, around: Around) -> Remote:
    """A Telegram bot."""
    from bot.channels.telegram import Hook, Telegram  # aiogram takes seconds and 170 MB

    hook = None
    if section.mode == "webhook":
        secret = section.secret or hmac.digest(section.token.encode(), b"doorstep: webhook", "sha256").hex()
        hook = Hook(f"{around.address.rstrip('/')}/telegram/{quote(account)}", f"/telegram/{account}", secret)
    return Telegram(
        section.token,
        account,
        place_at=around.place_at,
        api_base=section.api_base,
        hook=hook,
        commands=around.commands,
        files=around.files,
        report=around.report,
        reached=around.reached,
    )


def whatsapp(section: config.WhatsApp, account: str, around: Around) -> Remote:
    """A number of WhatsApp's Cloud API."""
    from bot.channels.whatsapp import Number, WhatsApp  # pywa takes half a second
    from bot.channels.whatsapp_template import Template

    template = None
    if section.template:
        template = Template(section.template, section.template_language, section.business_account_id)
    return WhatsApp(
        Number(section.phone_number_id, section.token, section.app_secret, section.verify_token),
        account,
        place_at=around.place_at,
        api_base=section.api_base,
        template=template,
        files=around.files,
        report=around.report,
    )


def slack(section: config.Slack, account: str, around: Around) -> Remote:
    """The direct messages of a Slack app. A desk finds the app itself at `Slack.app`."""
    from bot.channels.slack import Slack
    from bot.slack_app import SlackApp

    app = SlackApp(
        section.bot_token,
        account,
        app_token=section.app_token,
        signing_secret=section.signing_secret,
        api_base=section.api_base,
        report=around.report,
    )
    return Slack(app, files=around.files)


def matrix(section: config.Matrix, account: str, around: Around) -> Remote:
    """A Matrix account, or the bridge's behind it."""
    from bot.channels.matrix import Matrix

    return Matrix(
        section.homeserver,
        section.user,
        account,
        password=section.password,
        access_token=section.access_token,
        place_at=around.place_at,
        memory=around.memory,
        bridge=section.bridge,
        unreadable=around.unreadable,
        files=around.files,
        report=around.report,
    )


KINDS: Mapping[str, Callable[[Any, str, Around], Remote]] = {
    "telegram": telegram,
    "whatsapp": whatsapp,
    "slack": slack,
    "matrix": matrix,
}
"""By the name of the section: makes the channel of one account from it. Imports the platform's library, so it may take
seconds; any thread may do it."""
