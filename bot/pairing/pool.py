"""The buddies in memory: the cheapest for a wish are found in about half a millisecond, and nothing is decrypted.

How they are arranged, and why what is found is exact: see `bot.pairing.boxes`.
"""

from collections.abc import Collection, Iterable, Iterator
from threading import Lock
from typing import TYPE_CHECKING

from bot.pairing.rules import Helper, Terms, Verdict, Wish, free

if TYPE_CHECKING:
    from bot.pairing.boxes import Boxes


class Pool:
    """Buddies who may be asked. Whoever has no known place, or is full, is kept in it and never found.

    Any thread may read and change it: each search sees the buddies as they were when it began.
    """

    def __init__(self, helpers: Iterable[Helper] = ()) -> None:
        self._changing = Lock()
        self._known: dict[int, Helper] = {}
        self._rows: dict[int, int] = {}
        self._boxes: Boxes | None = None
        self.refresh(helpers)

    def __len__(self) -> int:
        return len(self._known)

    def refresh(self, helpers: Iterable[Helper]) -> None:
        """From now on it holds these, each once: of several with the same id the last. Quick where few have changed."""
        them = {helper.id: helper for helper in helpers}
        with self._changing:
            changed = [helper for number, helper in them.items() if self._known.get(number) != helper]
            left = [number for number in self._known if number not in them]
            for number in (*left, *(helper.id for helper in changed)):
                self._leave(number)
            self._known = them
            self._arrange([helper for helper in changed if _can_be_asked(helper)])

    def put(self, helper: Helper) -> None:
        """Adds a buddy, or replaces what was known of them."""
        with self._changing:
            if self._known.get(helper.id) == helper:
                return
            self._leave(helper.id)
            self._known[helper.id] = helper
            if not _can_be_asked(helper):
                return
            grown = self._boxes.plus(helper) if self._boxes is not None else None
            if grown is None:
                self._arrange([helper])
            else:
                self._rows[helper.id] = grown.many - 1
                self._boxes = grown

    def drop(self, helper_id: int) -> None:
        """Forgets a buddy; nothing happens where they are not known."""
        with self._changing:
            self._known.pop(helper_id, None)
            self._leave(helper_id)

    def best(self, wish: Wish, terms: Terms, skip: Collection[int] = ()) -> Iterator[tuple[Helper, Verdict]]:
        """Everyone whom the rules allow but those to `skip`, the cheapest first, the older number first among equals.

        Found one by one as they are asked for: `next(pool.best(wish, terms), None)` looks at few.
        """
        boxes = self._boxes
        return iter(()) if boxes is None else boxes.best(wish, terms, skip)

    def _leave(self, helper_id: int) -> None:
        row = self._rows.pop(helper_id, None)
        if row is not None and self._boxes is not None:
            self._boxes = self._boxes.minus(row)

    def _arrange(self, more: list[Helper]) -> None:
        """Everyone anew, with these."""
        if not more:
            return
        # numpy: not needed before there is a buddy
        from bot.pairing.boxes import arranged

        self._boxes = arranged(more, self._boxes)
        self._rows = {helper.id: row for row, helper in enumerate(self._boxes.helpers)}


def _can_be_asked(helper: Helper) -> bool:
    """By anybody at all, away or not."""
    return helper.at is not None and free(helper)
