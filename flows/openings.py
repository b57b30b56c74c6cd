"""Messages that begin a flow and answer its first question at once: `away until ...` among the words that start it.

What stands where the dots are has to be an answer to the first question that the flow would ask this person. Where it
is none, or the flow asks them nothing, the message means what it would mean without.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flows.model import Library
from flows.states import AskState
from flows.words import tidy, words

DOTS = ("...", "…")

MOST = 30
"""Words of a message that can be such an opening, with what stands behind it."""

ANSWERED = frozenset({"number", "date", "time", "code", "text"})
"""What a first question may expect that is answered so; one with choices may be too. Consent is not: see `check`."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How a message begins that begins this flow: its words, bare (`flows.words.words`)."""

    words: tuple[str, ...]
    flow: str


def lead(word: str) -> str | None:
    """What stands before the dots, where this is such a word: "away until" of "away until ...". It may be ""."""
    written = word.strip()
    dots = next((each for each in DOTS if written.endswith(each)), None)
    return written.removesuffix(dots).strip() if dots else None


def openings(library: Library) -> Mapping[str, tuple[Opening, ...]]:
    """All of a library in every language, by their first word; of those the longest first."""
    found: dict[str, set[Opening]] = {}
    for flow in library.flows.values():
        for word in flow.starts.words:
            if lead(word) is None:
                continue
            for spelling in (word, *(each[word] for each in library.translations.values() if word in each)):
                begins = words(lead(spelling) or "")
                if begins:
                    found.setdefault(begins[0], set()).add(Opening(begins, flow.name))
    order = {name: at for at, name in enumerate(library.flows)}
    return {
        first: tuple(sorted(same, key=lambda each: (-len(each.words), order[each.flow], each.words)))
        for first, same in found.items()
    }


def openings_of(known: Mapping[str, tuple[Opening, ...]], said: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The flows that a message may begin, each with what may be its answer.

    That is what stands behind the words, or this with the last of them: "until September" is a day, where "September"
    is none.
    """
    told = tidy(said).split(" ")
    if not known or len(told) > MOST:
        return
    first = next(iter(words(told[0])), "")
    for opening in known.get(first, ()):
        for end in range(1, len(told)):
            if words(" ".join(told[:end])) == opening.words:
                rest = " ".join(told[end:])
                yield opening.flow, (rest, f"{opening.words[-1]} {rest}")
                break


def is_answered(state: AskState) -> bool:
    """Whether a question can be answered so."""
    return state.choices is not None or state.expect in ANSWERED
