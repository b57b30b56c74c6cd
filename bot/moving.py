"""After a bot account is lost: everybody who can be written to elsewhere is, and what they did not get goes there.

Nothing is sent twice: a message is taken back from the lost account in the transaction that decides it for the other
address; one that is on the wire just now is left until it has come back.
"""

from dataclasses import dataclass, replace

from bot.channels.render import split
from bot.do.base import Turn
from bot.outcome import longest_text
from flows import phrases
from flows.model import Say
from storage.addresses import Address
from storage.cards import OVER
from storage.outbox import BROADCAST, LIVE
from storage.people import ACTIVE, BLOCKED, STOPPED
from storage.transaction import Transaction

Account = tuple[str, str]
"""A channel, and which of our accounts there."""

_LOST = "lost accounts"
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is to be moved.

    elsewhere  by where: the numbers of those who can be written to there
    nowhere    the numbers of those who have no other address, and have not said *stop*
    stopped    how many more have none, and want nothing
    messages   how many messages wait, failed or are held since the account last sent anything
    """

    elsewhere: dict[Account, list[int]]
    nowhere: list[int]
    stopped: int
    messages: int


async def lost(tx: Transaction) -> list[Account]:
    """The accounts that somebody has moved away from."""
    read = (await tx.settings.get(_LOST) or "").splitlines()
    return [(channel, account) for channel, _, account in (line.partition(":") for line in read)]


async def lose(tx: Transaction, account: Account) -> None:
    """From now on whoever writes from elsewhere gets there what they did not get over this account."""
    known = await lost(tx)
    if account not in known:
        await tx.settings.set(_LOST, "\n".join(":".join(each) for each in [*known, account]))


async def plan(tx: Transaction, account: Account, to: Account | None) -> Plan:
    """Who is to be moved away from an account, to this one where they have an address there."""
    gone = {account, *await lost(tx)}
    elsewhere: dict[Account, list[int]] = {}
    nowhere, stopped, last = [], 0, 0
    while page := await tx.addresses.at(*account, last, _PAGE):
        for last in page:
            there = other(await tx.addresses.of(last), gone, to)
            if there is not None:
                elsewhere.setdefault(there.place[:2], []).append(last)
                continue
            person = await tx.people.get(last)
            if person is not None and person.status in (STOPPED, BLOCKED):
                stopped += 1
            else:
                nowhere.append(last)
    messages, _ = await tx.outbox.stranded_at(*account)
    return Plan(elsewhere, nowhere, stopped, messages)


def other(addresses: list[Address], gone: set[Account], to: Account | None) -> Address | None:
    """Where else someone can be written to: where they are written to by now, else at `to`, else at their newest."""
    live = [each for each in addresses if each.place[:2] not in gone]
    wished = [each for each in live if each.preferred] or [each for each in live if each.place[:2] == to] or live
    return wished[-1] if wished else None


async def over(turn: Turn, account: Account, to: Account | None) -> int:
    """Moves one person, in a turn of theirs; how many messages go out again. They are told where they are told."""
    tx, addresses = turn.tx, await turn.tx.addresses.of(turn.person.id)
    there = other(addresses, {account, *await lost(tx)}, to)
    if there is None:
        return 0
    if not there.preferred:
        await tx.addresses.prefer(turn.person.id, there.id)
        if turn.person.status == ACTIVE:
            quiet, zone = turn.world.group.quiet, turn.world.group.zone
            due = quiet.next_allowed(tx.now, zone) if quiet else tx.now
            moved = [Say(turn.words(phrases.MOVED))]
            # One that must wait for the morning must not hold up what they talk about.
            priority = BROADCAST if due > tx.now else LIVE
            await tx.outbox.add(turn.person, there.id, None, moved, due, priority)
    turn.person = replace(
        turn.person, address_id=there.id, channel=there.channel, account=there.account, preferred=True
    )
    return await bring(turn, account)


async def bring(turn: Turn, account: Account) -> int:
    """What they did not get over an account goes out to where they are now; how many messages that are."""
    tx, person = turn.tx, turn.person
    if (person.channel, person.account) == account:
        return 0
    sent = 0
    stranded = await tx.outbox.stranded(person.id, *account)
    for each in stranded:
        await tx.outbox.take_back(each.id, f"goes out over {person.channel}")
        if person.status in (STOPPED, BLOCKED) and not each.always:
            continue
        sent += 1
        parts = split(each.say, longest_text(person.channel))
        await tx.outbox.add(
            person, person.address_id, each.conversation_id, parts, each.due_at, each.priority,
            always=each.always,
        )  # fmt: skip
    if any(each.tried for each in stranded):
        card = await tx.cards.about("failed_send", f"person:{person.id}")
        if card is not None:
            await tx.cards.act(card.id, OVER, "")
    return sent


async def wrote_from_here(turn: Turn) -> None:
    """They wrote from an address that was not the preferred one: it is now, and they get here what they missed."""
    await turn.tx.addresses.prefer(turn.person.id, turn.person.address_id)
    turn.person = replace(turn.person, preferred=True)
    for account in await lost(turn.tx):
        await bring(turn, account)
