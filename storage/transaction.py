"""What a turn works with: one transaction, by subject."""

from collections.abc import Sequence
from datetime import datetime

from storage.actions import Actions
from storage.addresses import Addresses
from storage.audit import Audit
from storage.backlog import Backlog, backlog
from storage.buddies import Buddies
from storage.campaigns import Campaigns
from storage.cards import Cards
from storage.consents import Consents
from storage.conversations import Conversations
from storage.funnel import Funnel
from storage.inbox import Inbox
from storage.jobs import Jobs
from storage.leases import Leases
from storage.ledger import Ledger
from storage.library import Library
from storage.links import Links
from storage.memory import Memory
from storage.moments import Moments
from storage.outbox import Outbox
from storage.pairs import Pairs
from storage.people import People
from storage.posted import Desks
from storage.session import Session
from storage.settings import Settings
from storage.together import Begun, Together
from storage.told import Told
from storage.tombstones import Tombstones
from storage.vault import Vault


class Transaction:
    """Everything in storage, as it is from here to the end of the work that was given it; of no use afterwards."""

    __slots__ = (
        "_session",
        "_vault",
        "actions",
        "addresses",
        "audit",
        "buddies",
        "campaigns",
        "cards",
        "consents",
        "conversations",
        "desks",
        "funnel",
        "inbox",
        "jobs",
        "leases",
        "ledger",
        "library",
        "links",
        "memory",
        "moments",
        "outbox",
        "pairs",
        "people",
        "settings",
        "told",
        "tombstones",
    )

    def __init__(self, session: Session, vault: Vault) -> None:
        self._session = session
        self._vault = vault
        self.people = People(session, vault)
        self.addresses = Addresses(session, vault)
        self.buddies = Buddies(session, vault)
        self.consents = Consents(session, vault)
        self.conversations = Conversations(session, vault)
        self.inbox = Inbox(session, vault)
        self.outbox = Outbox(session, vault)
        self.pairs = Pairs(session, vault)
        self.ledger = Ledger(session)
        self.audit = Audit(session)
        self.moments = Moments(session)
        self.funnel = Funnel(session)
        self.jobs = Jobs(session)
        self.leases = Leases(session)
        self.library = Library(session)
        self.actions = Actions(session)
        self.campaigns = Campaigns(session)
        self.cards = Cards(session, vault)
        self.desks = Desks(session, vault, self.cards)
        self.links = Links(session, vault)
        self.settings = Settings(session)
        self.tombstones = Tombstones(session, vault)
        self.told = Told(session)
        self.memory = Memory(session, vault)

    async def together(
        self, people: Sequence[int], flow: str, subject: str, occurrence: str, since: datetime
    ) -> "tuple[Transaction, Together]":
        """This transaction for the turns of several people, one after the other (`storage.together`), and what is to
        be settled at its end. `since`: from when on their reminders count. Raises NotTogether as soon as one of them
        needs a transaction of their own."""
        session = Together(self._session)
        await session.ask(people, flow, subject, occurrence, since)
        await self._vault.open(self._session, session.people)
        each = Transaction(session, self._vault)
        each.conversations = Begun(session, self._vault)
        return each, session

    async def check_keys(self) -> bool:
        """Whether the key store is marked as this database's. Raises OtherKeys where it is marked as another one's;
        OldKeyFile where the keys of this process are not those in force."""
        return await self._vault.check(self._session)

    async def mark_keys(self) -> None:
        """Marks the key store as this database's."""
        await self._vault.leave_mark(self._session)

    async def backlog(self) -> Backlog:
        """What waits, over everybody."""
        return await backlog(self._session)

    @property
    def now(self) -> datetime:
        """When this transaction began: aware UTC."""
        return self._session.now
