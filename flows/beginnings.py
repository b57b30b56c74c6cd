"""What begins a flow and answers its first question in one message, for one person: see `flows.openings`."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from flows.answers import Answer
from flows.engine import advance, state_of
from flows.model import Conversation, Facts, Library, Said, Started
from flows.openings import is_answered, openings_of
from flows.prepared import prepared
from flows.questions import reading
from flows.states import AskState


def beginnings(library: Library, said: str) -> Iterator[tuple[str, str]]:
    """Each flow that a message may begin, with what may answer its first question there."""
    for flow, rests in openings_of(prepared(library).openings, said):
        yield from ((flow, rest) for rest in rests)


def first_answer(library: Library, new: Conversation, rest: str, facts: Facts, now: datetime) -> Answer | None:
    """What this means as an answer to the first question of a conversation that is to begin; None where it means
    nothing, or that flow asks this person nothing before it does something.

    Days and numbers are read in every language of the library: whoever begins in Spanish goes on in it.
    """
    turn = advance(library, new, Started(), facts, now)
    state = state_of(library, turn.conversation)
    if turn.pending is not None or not isinstance(state, AskState) or not is_answered(state):
        return None
    for language in dict.fromkeys((facts.language, *library.translations)):
        read = reading(library, state, turn.conversation, Said(rest), replace(facts, language=language), now)
        if isinstance(read, Answer):
            return read
    return None
