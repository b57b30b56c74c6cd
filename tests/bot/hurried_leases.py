"""Imported into processes that are frozen: who is silent loses what they hold sooner than in the world."""

from storage import leases
from tests.bot.several import HURRIED

leases.SILENCE, leases.PING = HURRIED, HURRIED / 4
