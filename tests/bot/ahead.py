"""Imported into processes of `doorstep`: their clock is ahead by as many seconds as a file says, so that days pass for
them whenever a test writes that file.
"""

import os
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path


def _now() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=float(Path(os.environ["DOORSTEP_TESTS_AHEAD"]).read_text()))


_app, _shared = import_module("bot.app"), import_module("bot.commands.shared")
vars(_app).update(open_bot=partial(_app.open_bot, clock=_now))
vars(_shared).update(present=_now)
