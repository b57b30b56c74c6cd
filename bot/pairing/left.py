"""Why somebody is left without a buddy, in words: of the hard rules the one that stands in the way most often."""

from collections.abc import Mapping, Sequence

import numpy as np

from bot.pairing import rules
from bot.pairing.crowd import Crowd, Indices, Truths
from bot.pairing.edges import neighbours, within
from bot.pairing.reasons import language_name
from bot.pairing.rules import HARD, Hard, Wish
from bot.pairing.sides import Block, Sides

_SENTENCES: Mapping[Hard, str] = {
    rules.oneself: "there is nobody else near",
    rules.apart: "kept apart from every buddy within {reach} km",
    rules.consent: "no buddy within {reach} km has agreed to be introduced",
    rules.adults: "no buddy within {reach} km is known to be an adult",
    rules.approved: "no buddy within {reach} km is approved yet",
    rules.active: "no buddy within {reach} km is active now",
    rules.here: "every buddy within {reach} km is away",
    rules.room: "all buddies within {reach} km are full",
    rules.speech: "nobody within {reach} km who could be asked speaks {languages}",
    rules.reach: "no buddy within {reach} km",
}
"""What each rule means to the one who is left; a new rule's own word is told where it has no sentence here."""


def why_left(sides: Sides, left: Sequence[int], had: Truths) -> dict[int, str]:
    """Why each of these supporters, by position, is left; `had` says of whom that buddies would have fitted."""
    taken = f"all buddies within {sides.terms.reach_km:g} km who fit have been given to others"
    found = {place: taken if had[place] else _alone(sides, sides.wishes[place]) for place in left}
    unsure = np.array([place for place, why in found.items() if not why], np.int64)
    for group in neighbours(sides.seeking.part(unsure)):
        found |= _most_often(sides, group)
    return found


def _alone(sides: Sides, wish: Wish) -> str:
    """What stands in the way of anyone; "" where that is not to be seen from them alone."""
    if wish.at is None:
        return "where they live is not known"
    if not wish.consented:
        return "they have not agreed to be introduced"
    if sides.terms.minimum_age > 0 and not wish.adult:
        return "not known to be an adult"
    return "" if wish.languages else "which languages they speak is not known"


def _most_often(sides: Sides, group: Crowd) -> dict[int, str]:
    block = Block(sides, group, within(sides, group))
    shape = block.allowed.shape
    near = ~np.broadcast_to(block.never(rules.reach), shape)
    open_, counts = near.copy(), np.zeros((len(group), len(HARD)), np.int64)
    for place, rule in enumerate(HARD):
        never = np.broadcast_to(block.never(rule), shape)
        counts[:, place] = (open_ & never).sum(axis=1)
        open_ &= ~never
    counts[~near.any(axis=1), HARD.index(rules.reach)] = 1
    most: Indices = counts.argmax(axis=1)
    pairs = zip(group.people.tolist(), most.tolist(), strict=True)
    return {place: _said(sides, sides.wishes[place], HARD[rule]) for place, rule in pairs}


def _said(sides: Sides, wish: Wish, rule: Hard) -> str:
    sentence = _SENTENCES.get(rule, f"{rule.__name__} says never")
    languages = " or ".join(language_name(code, "en") for code in wish.languages)
    return sentence.replace("{reach}", f"{sides.terms.reach_km:g}").replace("{languages}", languages)
