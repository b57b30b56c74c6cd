"""What every turn works with besides storage: the group, its terms of pairing, its places, its free buddies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from bot.config import Config
from bot.group import Group
from bot.pairing.pool import Pool
from bot.pairing.rules import Terms
from bot.places import MOST_CHOICES, Place, Places
from flows.model import nothing
from flows.times import duration


@dataclass(frozen=True, slots=True)
class Pairing:
    """The group's terms of pairing.

    reach_km       how far apart two may live, as the crow flies
    capacity       how many newcomers a buddy takes at once, where they do not say
    approval       whether a coordinator sees each match before the buddy does
    answer_within  how long a buddy is waited for
    minimum_age    nobody younger is introduced one to one
    weights        as in `rules.Terms`
    """

    reach_km: float = 25.0
    capacity: int = 3
    approval: bool = False
    answer_within: timedelta = timedelta(hours=24)
    minimum_age: int = 18
    weights: Mapping[str, float] = field(default_factory=nothing)

    def terms(self, now: datetime) -> Terms:
        """As the rules see them."""
        return Terms(now, self.reach_km, self.minimum_age, self.weights)


class PlacesNotReady(Exception):
    """The names of places are still being read: no transaction can wait for that. Load them, and run the turn again."""


@dataclass(frozen=True, slots=True)
class World:
    """One for each process.

    address  where people reach the web chat ("https://…"), for the links they are given; "" where there is none
    accounts our accounts on other platforms, as (channel, account)
    pictures where the pictures lie that flows attach: beside the flows; None where there are none
    places   the names of places that are understood
    pool     the buddies, as this process last saw them
    """

    group: Group = field(default_factory=Group)
    pairing: Pairing = field(default_factory=Pairing)
    address: str = ""
    accounts: tuple[tuple[str, str], ...] = ()
    pictures: Path | None = None
    places: Places = field(default_factory=Places)
    pool: Pool = field(default_factory=Pool)

    def place(self, text: str) -> Place | None:
        """The place that someone means; None: there is none of that name. Raises PlacesNotReady."""
        if not text:
            return None
        if not self.places.ready:
            raise PlacesNotReady
        return self.places.read(text)

    def candidates(self, text: str, limit: int = MOST_CHOICES) -> list[Place]:
        """The places that someone may mean, the likeliest first; one where it is clear. Raises PlacesNotReady."""
        if not text:
            return []
        if not self.places.ready:
            raise PlacesNotReady
        return self.places.candidates(text, limit)

    def among(self, offered: Sequence[str], text: str) -> list[Place]:
        """Of the places that they were offered those in the region that they said. Raises PlacesNotReady."""
        if not self.places.ready:
            raise PlacesNotReady
        return self.places.among(offered, text)

    @classmethod
    def of(cls, config: Config) -> "World":
        """The world of a configuration."""
        pairing = config.pairing
        within = duration(pairing.answer_within)
        assert within is not None, "the configuration was read"
        terms = Pairing(
            pairing.reach_km, pairing.capacity, pairing.approval == "coordinator", within, pairing.minimum_age,
            pairing.weights,
        )  # fmt: skip
        group = Group.of(config)
        accounts = [(kind, account) for kind, section in config.channels for account in section]
        pictures = config.flows_folder / "library"
        return cls(group, terms, config.server.public_url, tuple(accounts), pictures, Places.of(config))
