"""What each platform can show. Data only; every number names its source."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What one message of a platform can hold. Lengths are in characters; None: no limit that matters here.

    text           the longest text; a longer one is split when it is stored
    buttons        how many buttons one message can have; 0: choices become a numbered list
    label          the longest label of a button
    """

    text: int
    buttons: int | None
    label: int | None


WEB = Limits(text=20_000, buttons=None, label=None)
"""The console's own chat page: no platform in between. The length is what a person can scroll through."""

TERMINAL = Limits(text=20_000, buttons=0, label=None)
"""`doorstep chat`: a terminal has no buttons."""
