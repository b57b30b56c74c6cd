"""What the flow language itself costs: microseconds per turn of the engine and per whole exchange, and memory.

python tests/benchmarks/bench_advance.py
"""

import sys
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from flows.engine import advance
from flows.exchange import Exchange
from flows.model import Conversation, Event, Facts, Library, Said, Started
from flows.reader import STARTER, read_files, read_folder

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
FACTS = Facts(1, {"name": "Ana", "language": "en", "meetings": 0, "interests": ("food",)}, {"name": "Us"})
DECIDING = """
flow: deciding
start: q
states:
  q: {ask: Where?, expect: place, go: which}
  which:
    decide:
      - {when: "'climate' in me.interests && me.language == 'es'", go: over}
      - {when: me.meetings > 2, go: over}
      - {else: w}
  w: {wait: 2 days, go: over}
  over: {end: over}
"""


def microseconds(work: Callable[[], object], rounds: int = 7, times: int = 3000) -> float:
    """The best of several rounds: what else the machine does only ever adds."""
    best = float("inf")
    for _ in range(rounds):
        begun = time.perf_counter()
        for _ in range(times):
            work()
        best = min(best, time.perf_counter() - begun)
    return best / times * 1e6


def exchange(library: Library, conversation: Conversation, said: Said) -> Exchange:
    """A whole exchange that asks for nothing to be done."""
    whole = Exchange(library, [conversation], FACTS, NOW)
    for request in whole.play(said):
        raise AssertionError(f"{request} was not expected here")
    return whole


def standing(flow: str, state: str) -> Conversation:
    """Someone whose third question is open."""
    return Conversation(1, flow, 0, state, NOW, question=3, asked="?")


def main() -> None:
    """Measures and prints."""
    library = read_folder(STARTER).library
    deciding = read_files({"library/deciding.yaml": DECIDING}).library
    new = Conversation(1, "welcome", 0, "", NOW)
    turns: list[tuple[str, Library, Conversation, Event]] = [
        ("start of the welcome", library, new, Started()),
        ("a pressed choice", library, standing("welcome", "consent"), Said(choice="no", question=3, conversation=1)),
        ("a typed choice", library, standing("welcome", "consent"), Said("not now")),
        ("two typed choices", library, standing("welcome", "interests"), Said("1 and 3")),
        ("a free text", library, standing("human", "what"), Said("I would like to talk to a real person, please")),
        ("a typed place", library, standing("welcome", "place"), Said("Leeds")),
        ("a decide of two conditions", deciding, standing("deciding", "q"), Said("Leeds")),
    ]
    print("advance                            µs")
    for name, held, conversation, event in turns:
        cost = microseconds(lambda h=held, c=conversation, e=event: advance(h, c, e, FACTS, NOW))  # type: ignore[misc]
        print(f"  {name:<28}{cost:>8.1f}")
    print("exchange: routed, read, next question")
    for name, state, said in (
        ("a typed place", "place", Said("Leeds")),
        ("a typed yes", "adult", Said("yes")),
        ("two typed choices", "interests", Said("1 and 3")),
        ("a sentence not understood", "adult", Said("what do you mean by that?")),
    ):
        at = standing("welcome", state)
        print(f"  {name:<28}{microseconds(lambda a=at, s=said: exchange(library, a, s)):>8.1f}")  # type: ignore[misc]
    print(f"memory: {megabytes(100_000):.0f} MB for 100,000 conversations in the middle of the welcome")


def megabytes(count: int) -> float:
    """What so many conversations hold, each with an answer of its own."""
    tracemalloc.start()
    kept = [
        standing("welcome", "times").with_(id=n, held={"interests": ("food",), "place": f"Place {n}"})
        for n in range(count)
    ]
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return used / 1e6 if kept else 0.0


if __name__ == "__main__":
    main()
