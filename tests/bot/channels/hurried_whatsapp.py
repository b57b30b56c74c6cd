"""Imported into a process that is killed again and again: nobody waits a minute for what became of a lost answer."""

from importlib import import_module

_module = import_module("bot.channels.whatsapp")
vars(_module).update(SETTLE=2.0, GLANCE=0.2)
