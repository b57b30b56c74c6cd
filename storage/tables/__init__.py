"""Every table. Columns called `sealed` hold what is personal, under the key of the person the row belongs to.

Moments are BIGINT microseconds since 1970 UTC in the database and aware UTC datetimes in Python. Texts that are
missing are empty, never NULL; NULL means that something has not happened (or was deleted).
"""

from storage.tables.actions import ACTIONS, CAMPAIGNS, CLAIMS, NEEDS, SIGNUPS
from storage.tables.columns import KEYS_SCHEMA, Moment, Row, micros, moment
from storage.tables.desk import AUDIT, CARD_LINES, CARDS, POSTED, POSTED_LINES
from storage.tables.pairs import PAIRS
from storage.tables.people import ADDRESSES, BLOCKS, CONSENTS, LINKS, PEOPLE, PERSON_KEYS, TOMBSTONES, PersonRow
from storage.tables.talk import CONVERSATIONS, INBOX, OUTBOX, STARTED, ConversationRow, InboxRow, OutboxRow
from storage.tables.upkeep import JOBS, LEASES, LEDGER, LIBRARIES, SETTINGS

__all__ = [
    "ACTIONS", "ADDRESSES", "AUDIT", "BLOCKS", "CAMPAIGNS", "CARDS", "CARD_LINES", "CLAIMS", "CONSENTS",
    "CONVERSATIONS", "INBOX", "JOBS", "KEYS_SCHEMA", "LEASES", "LEDGER", "LIBRARIES", "LINKS", "NEEDS", "OUTBOX",
    "PAIRS", "PEOPLE", "PERSON_KEYS", "POSTED", "POSTED_LINES", "SETTINGS", "SIGNUPS", "STARTED", "TOMBSTONES",
    "ConversationRow", "InboxRow", "Moment", "OutboxRow", "PersonRow", "Row", "micros", "moment",
]  # fmt: skip
