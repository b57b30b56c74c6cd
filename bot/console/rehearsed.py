"""What came of a rehearsal, on a page: connections first, then what led to them, and what it asks of people. Pure.

Pictures are SVG without styles in them, which our pages' security policy would not let in; every number stands beside
its picture as text.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from bot.stats import LABELS

BUCKETS = ((1, 5), (6, 10), (11, 20), (21, 40), (41, None))
"""How many messages in a week count together: the first and the last number; None: and more."""

WANTED = (("supporters", "newcomer", "newcomers"), ("buddies", "buddy", "buddies"), ("days", "day", "days"))
"""What a rehearsal was made of, and what one and several are called."""


def shown(found: Mapping[str, Any]) -> str:
    """The sections below the form. `found` is what `doorstep rehearse --json` prints."""
    return "\n".join(
        [_headline(found), _funnel(found), _messages(found["messages"]), _cards(found["cards"]), _kept(found)]
    )


def _headline(found: Mapping[str, Any]) -> str:
    met, waiting = found["connections"], found["waiting"]
    word = "connection" if met == 1 else "connections"
    people = ", ".join(_many(found[name], one, many) for name, one, many in WANTED)
    still = f"{waiting or 'nobody'} still {'wait' if waiting > 1 else 'waits'} for a buddy"
    return (
        f'<section class="sheet"><p class="connections"><strong>{met}</strong> <span><b>{word}</b> '
        f"two people who both say they met</span></p><p>Of {people}; {still}.</p></section>"
    )


def _many(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _funnel(found: Mapping[str, Any]) -> str:
    funnel: Mapping[str, int] = found["funnel"]
    first = max(funnel.get("wrote_first", 0), 1)
    rows = [
        (LABELS.get(step, step), str(people), f"{people / first:.0%}", people / first)
        for step, people in funnel.items()
    ]
    return _table("How far they came", ("Step", "People", "Of all"), rows)


def _messages(messages: Mapping[str, Any]) -> str:
    weeks = {int(count): people for count, people in messages["person_weeks"].items()}
    together = []
    for low, high in BUCKETS:
        label = f"{low} to {high}" if high is not None else f"{low} or more"
        together.append((label, sum(people for count, people in weeks.items() if low <= count <= (high or count))))
    most = max([1, *(people for _, people in together)])
    everyone = max(sum(people for _, people in together), 1)
    rows = [(label, str(people), f"{people / everyone:.0%}", people / most) for label, people in together]
    note = (
        f"Half of them get {messages['person_week_median']:g} or fewer; the most that one person gets in a week is "
        f"{messages['person_week_most']}, what others write to them counted."
    )
    return _table("Messages to one person in a week", ("Messages", "People", "Of all"), rows, note)


def _cards(cards: Mapping[str, Any]) -> str:
    days: Sequence[int] = cards["days"]
    most = max([1, *days])
    columns = "".join(
        f'<rect x="{place + 0.1:g}" y="{most - number:g}" width="0.8" height="{number:g}"/>'
        for place, number in enumerate(days)
    )
    told = f"{cards['day_mean']:g} a day on average, {cards['day_most']} on the busiest"
    each = ", ".join(map(str, days))
    return (
        f'<section class="sheet"><h3>Cards that coordinators press</h3><p>{told}.</p>'
        f'<svg class="days" viewBox="0 0 {max(len(days), 1)} {most}" preserveAspectRatio="none" role="img" '
        f'aria-label="{told}. Each day: {each}.">{columns}</svg>'
        f'<p class="axis"><span>day 1</span><span>day {len(days)}</span></p></section>'
    )


def _kept(found: Mapping[str, Any]) -> str:
    if found["broken"]:
        said = f"<strong>A promise did not hold:</strong> {escape(found['broken'])}. Please report this."
    else:
        said = f"Every promise held; they were checked {sum(found['checks'].values()):,} times."
    return f'<section class="sheet"><p>{said}</p></section>'


def _table(title: str, heads: Sequence[str], rows: Sequence[tuple[str, str, str, float]], note: str = "") -> str:
    top = f'<th scope="col">{heads[0]}</th><th scope="col">{heads[1]}</th><td></td><th scope="col">{heads[2]}</th>'
    lines = "".join(
        f'<tr><th scope="row">{escape(label)}</th><td>{count}</td>'
        f'<td class="bar">{_bar(part)}</td><td>{share}</td></tr>'
        for label, count, share, part in rows
    )
    below = f"<p>{escape(note)}</p>" if note else ""
    return f'<section class="sheet"><h3>{title}</h3><table><tr>{top}</tr>{lines}</table>{below}</section>'


def _bar(part: float) -> str:
    """So much of its whole width; 0 to 1."""
    filled = f'<rect width="{part * 100:.1f}" height="1"/>'
    return f'<svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">{filled}</svg>'
