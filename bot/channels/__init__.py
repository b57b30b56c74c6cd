"""One file per platform. A new channel's limits are listed here, so that texts are split when they are stored."""

from collections.abc import Mapping

from flows.limits import TERMINAL, WEB, Limits

LIMITS: Mapping[str, Limits] = {"web": WEB, "terminal": TERMINAL}
"""By the channel's name."""
