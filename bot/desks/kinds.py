"""The desks on other platforms. A new one is listed here: how it is made from its section of the configuration."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot import config
from bot.channels.kinds import Remote
from bot.desks.contract import Desk


def slack(section: config.SlackDesk, remotes: Sequence[Remote]) -> Desk:
    """A channel of a Slack workspace, by the app of the first Slack account."""
    from bot.channels.slack import Slack
    from bot.desks.slack import SlackDesk

    app = next(remote.app for remote in remotes if isinstance(remote, Slack))
    return SlackDesk(app, section.channel)


def telegram(section: config.TelegramDesk, remotes: Sequence[Remote]) -> Desk:
    """A group on Telegram, by a bot of its own."""
    from bot.desks.telegram import TelegramDesk

    return TelegramDesk(section.token, section.chat, section.api_base)


DESKS: Mapping[str, Callable[[Any, Sequence[Remote]], Desk]] = {"slack": slack, "telegram": telegram}
"""By the name of the section: makes a desk from it, and from the channels of other platforms. Imports the platform's
library, so it may take seconds; any thread may do it."""
