"""What platforms can show: every number with its source."""

import ast
from itertools import pairwise
from pathlib import Path

from flows import limits
from flows.limits import Limits, Rate


def _given() -> dict[str, Limits]:
    return {name: value for name, value in vars(limits).items() if isinstance(value, Limits)}


def _rates() -> dict[str, Rate]:
    return {name: value for name, value in vars(limits).items() if isinstance(value, Rate)}


def test_every_limit_allows_a_message_at_all() -> None:
    assert _given()
    for name, limit in _given().items():
        assert limit.text >= 1000, name
        assert limit.buttons is None or limit.buttons >= 0, name
        assert limit.label is None or limit.label >= 10, name


def test_every_rate_lets_something_through() -> None:
    assert _rates()
    for name, rate in _rates().items():
        assert min(rate.messages, rate.seconds, rate.burst) > 0, name


def test_every_limit_names_its_source() -> None:
    body = ast.parse(Path(limits.__file__).read_text()).body
    told = {
        one.targets[0].id
        for one, following in pairwise(body)
        if isinstance(one, ast.Assign)
        and isinstance(one.targets[0], ast.Name)
        and isinstance(following, ast.Expr)
        and isinstance(following.value, ast.Constant)
    }
    assert told >= {*_given(), *_rates()}
