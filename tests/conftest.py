"""The order of all tests: each worker does its share of the fast ones first, then its share of the slow ones."""

import os

import pytest
from hypothesis import settings

# How long an example takes on a busy machine says nothing; what must be quick is timed by its own test.
settings.register_profile("calm", deadline=None)
settings.load_profile("calm")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Workers begin with equal parts of the list and take from each other's ends; so no part may hold all that is slow.

    `slow("minutes")` comes first among the slow ones: whatever takes longest must not be begun last.
    """
    fast = [each for each in items if not each.get_closest_marker("slow")]
    slow = sorted((each for each in items if each.get_closest_marker("slow")), key=_shorter)
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    share = -(-len(fast) // workers)
    items[:] = [
        each for part in range(workers) for each in (*fast[part * share : (part + 1) * share], *slow[part::workers])
    ]


def _shorter(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("slow")
    return marker is None or not marker.args
