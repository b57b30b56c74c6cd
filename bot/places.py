"""Where people live: the name of a town, or a shared point, becomes a district about 1 km across, nothing finer."""

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, log10
from threading import RLock, Thread
from typing import TYPE_CHECKING, NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from bot.cells import between, cell_at, km, point, point_of
from bot.districts import District
from bot.spellings import NOWHERE, bared, is_slip, key, most_edits, near_sounds, sound
from bot.towns import Town, Towns
from bot.towns_file import FULL, OTHER
from flows.model import NOTHING
from flows.words import words

if TYPE_CHECKING:
    from bot.config import Config

__all__ = ["Place", "Places", "cell_at", "km"]

log = logging.getLogger(__name__)

LONGEST = 100
"""Characters of the longest text that is read as a place: beyond it is a story."""

OWN_NAME, OWN_COUNTRY, OWN_AREA, EACH_SLIP = 1.0, 3.0, 4.0, 2.0
"""What counts as much as ten times as many people (1.0): a town's own name and not another language's, the group's own
country, its own area, and against it each slip of the pen."""

OWN_DISTRICT = 100.0
"""What the group's own name for a place counts: more than everything else together."""

AREA_KM = 150.0
"""At this distance the group's own area counts a third as much as in its middle."""

CLEARLY = 1.0
"""So much ahead of all others of its name, a town needs no more than its name."""

DOUBT = 1.25
"""Less ahead of another, a town may not be the one that is meant: ten times as many people make 1.0, and it takes more
than that to pass over Frankfurt (Oder)."""

MOST_CHOICES = 5
"""Towns of one name between which somebody can be asked: more is no help to anybody."""

SATELLITE_KM = 60.0
"""So near to the larger town after the comma: "Horsforth, Leeds"."""

MISSPELT_ABROAD = 300_000
"""A town with fewer people, outside the group's country, is understood only as it is written. So are short names of it:
there are so many that most words are nearly one."""

CITY = 100_000
"""People of a town so large that it is known in its country without saying where it is."""

_IN = frozenset("in en im near cerca bei w na".split())
"""Words that may stand between a town and where it is."""

_PARTS = re.compile(r"[,;()/|\n]")

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A town, or a district of the group's own. `name` is read as this very place again; `cell` is the H3 cell, about
    1 km across, of its middle, and degrees are of its middle too; `zone` is the IANA name of its time zone, or "".
    `full_name` says where it is, and no other place has it: "Springfield, Illinois"; it is read as this place too."""

    name: str
    cell: str
    lat: float
    lon: float
    zone: str = ""
    full_name: str = field(default="", compare=False)


class _Found(NamedTuple):
    score: float
    town: Town
    own_name: bool = True


Look = Callable[[str], list[_Found]]


class Places:
    """Understands names of towns, as one group means them.

    districts  the group's own names of places, which come before all others
    near       the name of a place in the middle of the group's own area; "" where that is not known
    country    its two letters, like "GB"; "" is the country of `near`, or else of the time zone `zone`

    Nothing is loaded before it is needed: `begin` does so in the background, and the first question waits for it (the
    very first on a machine takes many seconds). Any thread may ask. Raises OSError where no index can be made.
    """

    def __init__(self, districts: Sequence[District] = (), near: str = "", country: str = "", zone: str = "") -> None:
        self._districts = districts
        self._own: Mapping[str, Town] = NOTHING
        self._near_name, self._near = near, point_of("")
        self._country, self._zone = country.upper(), zone
        self._opening = RLock()
        self._towns: Towns | None = None
        self._ready = False

    @classmethod
    def of(cls, config: "Config") -> "Places":
        """As the group of a configuration means them."""
        org = config.org
        return cls(config.own_districts(), near=org.place, zone=org.time_zone)

    @property
    def ready(self) -> bool:
        """Whether a question is answered at once."""
        return self._ready

    def begin(self) -> Thread:
        """Loads in the background; the thread that does."""
        thread = Thread(target=self.load, name="places", daemon=True)
        thread.start()
        return thread

    def load(self) -> Towns:
        """Loads what is not loaded, and returns once all is there."""
        with self._opening:
            if self._towns is None:
                self._towns = Towns()
                self._own = dict(self._own_places())
                self._settle(self._towns)
                self._ready = True
            return self._towns

    def _settle(self, towns: Towns) -> None:
        """Finds out where the group is. The place it is near is read as in the country of its time zone."""
        told = self._country
        if not told and self._zone:
            self._country = towns.country_of(self._zone)
        here = self.read(self._near_name)
        if here is not None:
            self._near = point_of(here.cell)
            self._country = told or towns.nearest(here.lat, here.lon).country
        elif self._near_name:
            log.warning("[org] place: there is no place of that name; write the nearest larger town")

    def read(self, text: str) -> Place | None:
        """The town that is meant, in any language, case and script, with or without accents; None: none is.

        Understood as written before misspelt, and of several the one that fits the group best. Postcodes are not known
        but as names that the group gave its districts: "LS6" is None, and "Leeds LS6" is Leeds. A region is no town.
        """
        return None if self._of_region(text) else next(iter(self._likely(text, 1)), None)

    def candidates(self, text: str, limit: int = MOST_CHOICES) -> list[Place]:
        """The towns that are meant most likely, what fits the group best first; where it is clear, only that one. Where
        a county or region is named alone, its largest towns."""
        return [self._place(town) for town in self._of_region(text)[:limit]] or self._likely(text, limit)

    def _likely(self, text: str, limit: int) -> list[Place]:
        found = self._understood(text)
        likely = [each for each in found if found[0].score - each.score < DOUBT and _is_called(each, found[0])]
        return [self._place(each.town) for each in likely[:limit]]

    def among(self, offered: Sequence[str], text: str) -> list[Place]:
        """Of places by their full names those in the country or region that was said: "MO", "la de Gales"."""
        towns = [found[0].town for name in offered if (found := self._understood(name))]
        for left in bared(tuple(words(text[:LONGEST]))):
            areas = self.load().areas(key(" ".join(left)))
            inside = [town for town in towns if any(_is_in(town, *one) for one in areas)]
            if inside:
                return [self._place(town) for town in inside]
        return []

    def at(self, lat: float, lon: float) -> Place:
        """The named place nearest to a point, in degrees. Raises ValueError where there is no such point."""
        cell_at(lat, lon)
        here, town = point(lat, lon), self.load().nearest(lat, lon)
        return self._place(min([*self._own.values(), town], key=lambda each: between(here, each.at)))

    def km_to_town(self, lat: float, lon: float) -> float:
        """How far the nearest town is from a point, in kilometres."""
        return between(point(lat, lon), self.load().nearest(lat, lon).at)

    def _own_places(self) -> Iterator[tuple[str, Town]]:
        for number, own in enumerate(self._districts, start=1):
            town = Town(-number, own.name, own.name, self._country, "", own.lat, own.lon, 0, self._zone)
            yield from ((key(name), town) for name in (own.name, *own.also))

    def _place(self, town: Town) -> Place:
        """Its own name where that alone is read as this town beyond doubt, else its full name."""
        first, second = [*self._understood(town.name)[:2], None, None][:2]
        mine = first is not None and first.town == town
        clear = second is None or (first is not None and first.score - second.score >= CLEARLY)
        name = town.name if mine and clear else town.full_name
        return Place(name, cell_at(town.lat, town.lon), town.lat, town.lon, town.zone, town.full_name)

    # --- what is meant ------------------------------------------------------------------------------------------

    def _understood(self, text: str) -> list[_Found]:
        if len(text) > LONGEST:
            return []
        whole = key(text)
        if not whole:
            return []
        only = [town for town, kind in self.load().named(whole) if kind == FULL]
        if whole in self._own or only:
            return [_Found(OWN_DISTRICT, self._own.get(whole) or only[0])]
        if whole in NOWHERE or any(" ".join(left) in NOWHERE for left in bared(tuple(words(text)))):
            return []
        written = self._read_with(self._written, text)
        if written and (written[0].own_name or written[0].town.country == self._country):
            return written
        # What is a name of a town abroad, in some language, may be a slip in the name of one that is near.
        return max(written, self._read_with(self._misspelt, text), key=_best) or self._with_county(text)

    def _read_with(self, look: Look, text: str) -> list[_Found]:
        parts = [part for part in (tuple(words(each)) for each in _PARTS.split(text)) if part]
        said = tuple(words(text))
        return (
            _first(look, said)
            or _first(look, _without_numbers(said))
            or self._in_parts(look, [part for part in map(_without_numbers, parts) if part])
            or self._with_area(look, _without_numbers(said))
        )

    def _in_parts(self, look: Look, parts: Sequence[Words]) -> list[_Found]:
        """ "Horsforth, Leeds", "Paris, Texas", "Leeds, Yorkshire": the first part, as far as it fits the next."""
        if len(parts) < 2:
            return []
        name, *rest = parts
        found, later = _first(look, name), self._in_parts(look, rest) or _first(look, rest[-1])
        for part in rest:
            fitting = self._fitting(found, part)
            if fitting:
                return fitting
            if fitting is None:
                return []
        # Nothing tells: the best known of what stands there.
        return max(found, later, key=_best)

    def _with_area(self, look: Look, said: Words) -> list[_Found]:
        """ "Leeds UK", "I live in Springfield, in Illinois": a name, and where that is."""
        for left in bared(said):
            for cut in range(len(left) - 1, max(0, len(left) - 5), -1):
                if self._is_area(left[cut:]) or look == self._written:
                    fitting = self._fitting(look(key(" ".join(_before(left, cut)))), left[cut:])
                    if fitting:
                        return fitting
        return []

    def _with_county(self, text: str) -> list[_Found]:
        """ "Leeds West Yorkshire": all of it names, of which the first is a city's. No sentence is written so."""
        said = text.split()
        if not 2 <= len(said) <= 4 or not all(word[0].isupper() and word.isalpha() for word in said):
            return []
        found = (self._written(key(" ".join(said[:cut]))) for cut in range(len(said) - 1, 0, -1))
        first = next((each for each in found if each), [])
        return first if first and first[0].town.country == self._country and first[0].town.people >= CITY else []

    def _is_area(self, said: Words) -> bool:
        return bool(self.load().areas(" ".join(said)))

    def _fitting(self, found: list[_Found], area: Words) -> list[_Found] | None:
        """Those of `found` in this area, or near this larger town; None where it is an area that holds none of them."""
        areas, name = self._areas(area), key(" ".join(area))
        inside = [each for each in found if any(_is_in(each.town, *one) for one in areas)]
        if areas:
            return inside or None
        larger = [*(each.town for each in self._written(name)), *self.load().region(name)]
        return [each for each in found if any(each.town == town or _is_beside(each.town, town) for town in larger)]

    def _areas(self, area: Words) -> list[tuple[str, str]]:
        """What is called so; of "Ontario, Canada" the one in that country."""
        whole = self.load().areas(key(" ".join(area)))
        if whole or len(area) < 2:
            return whole
        countries = {country for country, region in self.load().areas(key(area[-1])) if not region}
        return [one for one in self.load().areas(key(" ".join(area[:-1]))) if one[0] in countries]

    def _of_region(self, text: str) -> list[Town]:
        """The towns of the county or region that is named. A town of that name comes first, but for one abroad where
        the region is at home: in Britain "Surrey" is no town of Canada's."""
        if len(text) > LONGEST:
            return []
        for left in bared(tuple(words(text))):
            named = left[:-1] if len(left) > 1 and self._is_area(left[-1:]) else left
            towns = self.load().region(key(" ".join(left))) or self.load().region(key(" ".join(named)))
            home = [each for each in towns if each.country == self._country]
            if towns:
                written = self._read_with(self._written, text)
                mine = [each for each in written if each.town.country == self._country or each.town.id < 0]
                if any(each.own_name for each in mine) or (written and not home):
                    return []
                return home or [each for each in towns if each.country == towns[0].country]
        return []

    # --- names --------------------------------------------------------------------------------------------------

    def _written(self, name: str) -> list[_Found]:
        """The towns of this name, the one that fits best first."""
        towns = self.load()
        if name in self._own:
            return [_Found(OWN_DISTRICT, self._own[name])]
        return self._ranked([(town, kind, 0) for town, kind in towns.named(name)])

    def _misspelt(self, name: str) -> list[_Found]:
        """The towns whose names are nearly so."""
        most = most_edits(name)
        if not most or any(letter.isdigit() for letter in name):
            return []
        names = self.load().sounding(near_sounds(sound(name)))
        own = process.extractOne(name, list(self._own), scorer=OSA.distance, score_cutoff=most)
        if own is not None and is_slip(name, own[0], own[1]):
            return [_Found(OWN_DISTRICT, self._own[own[0]])]
        near = process.extract(name, names, scorer=OSA.distance, score_cutoff=most + 1, limit=50)
        close = [(each, slips) for each, slips, _ in near if is_slip(name, each, slips)]
        found = [(town, kind, slips) for each, slips in close for town, kind in self.load().named(each)]
        return self._ranked([each for each in found if self._is_here(each[0]) or _is_known(each[0], each[1], name)])

    def _is_here(self, town: Town) -> bool:
        near = self._near is not None and between(self._near, town.at) <= AREA_KM
        return near or town.country == self._country

    def _ranked(self, found: Sequence[tuple[Town, int, float]]) -> list[_Found]:
        best: dict[int, _Found] = {}
        for town, kind, slips in found:
            scored = _Found(self._score(town, kind, slips), town, kind != OTHER)
            best[town.id] = max(best.get(town.id, scored), scored)
        return sorted(best.values(), key=lambda each: (-each.score, each.town.id))

    def _score(self, town: Town, kind: int, slips: float) -> float:
        score = log10(town.people + 1) - EACH_SLIP * slips
        score += OWN_NAME if kind != OTHER else 0.0
        score += OWN_COUNTRY if town.country == self._country else 0.0
        if self._near is not None:
            score += OWN_AREA * exp(-between(self._near, town.at) / AREA_KM)
        return score


def _before(said: Words, cut: int) -> Words:
    """The name of a town, of words that end before where it is: of "the Springfield in"."""
    if cut < 2 or said[cut - 1] not in _IN:
        return said[:cut]
    return said[said[0] == "the" and cut > 2 : cut - 1]


def _best(found: list[_Found]) -> float:
    return found[0].score if found else 0.0


def _is_called(other: _Found, best: _Found) -> bool:
    """Whether people call a town so too, and not only those of another language, or of another time."""
    return other.own_name or not best.own_name or words(best.town.name)[0] in words(other.town.name)


def _first(look: Look, said: Words) -> list[_Found]:
    """What is found of what was said, or else of what is left without the words around it."""
    return next((found for left in bared(said) if (found := look(key(" ".join(left))))), [])


def _without_numbers(said: Words) -> Words:
    """ "Leeds LS6 2AB", "10115 Berlin": without what looks like a postcode, where anything else is left."""
    return tuple(word for word in said if not any(sign.isdigit() for sign in word))


def _is_known(town: Town, kind: int, name: str) -> bool:
    return town.people >= MISSPELT_ABROAD and len(name) >= (8 if kind == OTHER else 6)


def _is_in(town: Town, country: str, region: str) -> bool:
    return town.country == country and region in ("", town.region)


def _is_beside(town: Town, larger: Town) -> bool:
    return larger.people > town.people and between(town.at, larger.at) <= SATELLITE_KM
