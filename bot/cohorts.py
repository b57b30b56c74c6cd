"""How far a cohort is, in words for those who organize it."""

from storage.transaction import Transaction


async def cohort_words(tx: Transaction, name: str) -> str:
    """Like "12 people go through it together, 2 of 4 sessions are over, 9 were at all of these"."""
    cohort = await tx.campaigns.cohort(name)
    people = "1 person goes" if cohort.people == 1 else f"{cohort.people:,} people go"
    sessions = "session is" if cohort.sessions == 1 else "sessions are"
    words = f"{people} through it together, {cohort.over} of {cohort.sessions} {sessions} over"
    if not cohort.over:
        return words
    were = "1 was" if cohort.faithful == 1 else f"{cohort.faithful:,} were"
    return f"{words}, {were} at {'it' if cohort.over == 1 else 'all of these'}"
