"""What a trial's page shows of it, each read in one transaction."""

from collections.abc import Collection
from zoneinfo import ZoneInfo

from bot import example
from bot.console.stage import CardView, Funnel
from bot.desks.showing import view
from bot.example import Example
from flows.model import Library
from storage.actions import Action
from storage.pairs import INTRODUCED, OFFERED, OPEN
from storage.people import Loaded
from storage.transaction import Transaction

STEPS = (
    ("hello", "wrote first"),
    ("asked", "asked for a buddy"),
    ("introduced", "pair.introduced"),
    ("signed up", "signup.made"),
    ("came", "checkin.made"),
    ("met", "pair.met"),
)
"""The funnel: what it says, and what the ledger says."""

MOST_LINES = 20_000


async def loaded(tx: Transaction, address: str) -> Loaded | None:
    """Whoever writes from this address of the web channel, and where they stand."""
    person = await tx.people.by_address("web", "web", address)
    return await tx.people.load(person.id) if person else None


async def place_of(tx: Transaction, address: str) -> str:
    """Where this visitor says they live, also while it is not kept yet; "" where they have not said."""
    found = await loaded(tx, address)
    if found is None:
        return ""
    said = [found.person.fields.get("place"), *(each.held.get("place") for each in found.conversations)]
    return next((str(each) for each in said if each), "")


async def people(tx: Transaction) -> tuple[tuple[Example, ...], Example | None]:
    """The example people, and whose phone is shown: who was asked last, or else the first of those who came last."""
    examples = await example.known(tx)
    newest, shown = 0, next((each for each in reversed(examples) if each.name == example.FIRST), None)
    for each in examples:
        for pair in await tx.pairs.of(each.id):
            if pair.state in OPEN and pair.buddy_id == each.id and pair.id > newest:
                newest, shown = pair.id, each
    return examples, shown


async def actions(tx: Transaction, address: str) -> list[Action]:
    """All that this visitor signed up for, also what has begun."""
    person = await tx.people.by_address("web", "web", address)
    return [action for action, _ in await tx.actions.signups_of(person.id)] if person else []


async def funnel(tx: Transaction, without: Collection[int]) -> Funnel:
    """How far people came, without these: example people are no success."""
    reached: dict[str, set[int]] = {}
    for line in await tx.ledger.newest(MOST_LINES):
        if line.person_id is not None and line.person_id not in without:
            reached.setdefault(line.what, set()).add(line.person_id)
    steps = tuple((label, len(reached.get(what, ()))) for label, what in STEPS)
    return Funnel(steps, await tx.ledger.subjects("pair.met"))


async def cards(tx: Transaction, library: Library, zone: ZoneInfo, limit: int) -> tuple[CardView, ...]:
    """The newest cards in words, their times in this zone."""
    return tuple([await view(tx, card, library, zone) for card in await tx.cards.newest(limit)])


async def hint(tx: Transaction, address: str) -> str:
    """What this visitor could do next, in a sentence or two, with *stars* around what to press or write; "" before
    they have written anything."""
    person = await tx.people.by_address("web", "web", address)
    if person is None:
        return ""
    done = {line.what for line in await tx.ledger.of(person.id)}
    if "pair.met" in done:
        return "Two people have met: that is what all of this is for. *Begin anew*, and say no somewhere this time."
    if "checkin.made" in done:
        return "You are there, and so is your buddy, the host. Let it be *Tomorrow*, and say that you met, as both."
    if "signup.made" in done:
        return await _until_there(tx, address)
    pairs = [pair for pair in await tx.pairs.open_of(person.id) if pair.supporter_id == person.id]
    if any(pair.state == INTRODUCED for pair in pairs):
        return "What you write now reaches your buddy, and back. Write *actions* to find something to go to together."
    offered = next((pair for pair in pairs if pair.state == OFFERED), None)
    if offered is not None:
        buddy = await tx.people.get(offered.buddy_id)
        name = buddy.fields.get("name") if buddy else None
        return f"{name or 'The buddy'} is being asked. Be *{name or 'the buddy'}*, and answer."
    return "Answer as you like, a real town included. Everything stays on this machine."


async def _until_there(tx: Transaction, address: str) -> str:
    if all(action.starts_at <= tx.now for action in await actions(tx, address)):
        return "You are there. The host has just read the *code* on the buddy's phone: send it as the newcomer."
    return "You have signed up. Now let it be *The day of the action*: reminders come on the way."
