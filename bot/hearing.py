"""What someone said, as it happens in a turn of theirs: when it comes, or later, where the first tries broke."""

from bot import moving, other_phone, own_phone, relay
from bot.do.base import Turn
from bot.outcome import say_to
from bot.pairing import harvest
from bot.play import play
from flows import phrases
from flows.exchange import word_in
from flows.model import Said, Say
from storage.pairs import SUPPORTER
from storage.people import ACTIVE, STOPPED


async def hear(turn: Turn, said: Said) -> None:
    """Answers it. Who has said *stop* is answered too, and written to again only once they wish it."""
    if await other_phone.written(turn, said):
        return
    if not turn.person.preferred:
        await moving.wrote_from_here(turn)
    if turn.person.status == STOPPED:
        await _after_stop(turn, said)
    elif await own_phone.claim(turn.tx, said.text, turn.person.id):
        await say_to(turn, None, [Say(turn.words(phrases.YOUR_PHONE))])
    elif not await relay.named(turn, said) and not await relay.pressed(turn, said):
        await play(turn, said)


async def _after_stop(turn: Turn, said: Said) -> None:
    word = word_in(turn.library, said.text, turn.person.role or SUPPORTER) if said.choice is None else None
    if word and not word.anytime:
        await turn.tx.people.save(turn.person.id, turn.fields, status=ACTIVE)
        await harvest.noticed(turn, harvest.RESUMED)
        await play(turn, said)
    elif word or turn.conversations:
        # Asking for help, or to be forgotten, is no wish to be written to again: only this is answered.
        await play(turn, said, always=True)
    else:
        await say_to(turn, None, [Say(turn.words(phrases.STOPPED))], always=True)
