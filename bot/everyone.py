"""Everyone there is, page by page."""

from collections.abc import AsyncIterator

from storage.people import Known
from storage.transaction import Transaction

_PAGE = 500


async def everyone(tx: Transaction) -> AsyncIterator[Known]:
    """All who are not forgotten, by number."""
    after = 0
    while page := await tx.people.page(after, _PAGE):
        for known in page:
            yield known
        after = page[-1].id
