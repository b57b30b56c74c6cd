"""Conditions: types known beforehand, false where something is not known, and never an exception."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.conditions import BadCondition, compiled, names, over
from flows.model import Kind

KNOWN = {
    "me.name": Kind.TEXT,
    "me.interests": Kind.LIST,
    "me.meetings": Kind.NUMBER,
    "me.attended": Kind.NUMBER,
    "me.adult": Kind.YES_NO,
    "me.has_buddy": Kind.YES_NO,
    "me.joined": Kind.MOMENT,
    "answers.day": Kind.DATE,
    "answers.x": Kind.ANY,
    "now": Kind.MOMENT,
}
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def holds(source: str, **me: Any) -> bool:
    answers: dict[str, Any] = {name: me.pop(name) for name in ("day", "x") if name in me}
    scope: dict[str, dict[str, Any]] = {"me": me, "answers": answers, "now": {"": NOW}}
    return compiled(source, KNOWN).holds(scope)


@pytest.mark.parametrize(
    ("source", "me"),
    [
        ("'climate' in me.interests", {"interests": ("food", "climate")}),
        ("me.interests.size() == 2", {"interests": ("a", "b")}),
        ("me.interests.exists(each, each.startsWith('cl'))", {"interests": ("climate",)}),
        ("me.name == 'Ana' && me.meetings > 2", {"name": "Ana", "meetings": 3}),
        ("me.meetings > 2.5", {"meetings": 3}),
        ("me.meetings >= 2", {"meetings": 2.5}),
        ("me.meetings > 1.5 && me.attended == 1", {"meetings": 2, "attended": 1}),
        ("me.adult == 'yes'", {"adult": "yes"}),
        ("me.adult", {"adult": "yes"}),
        ("!me.adult", {"adult": "no"}),
        ("me.has_buddy == 'no' || me.adult", {"has_buddy": False, "adult": True}),
        ("me.has_buddy", {"has_buddy": True}),
        ("me.joined < now", {"joined": datetime(2026, 5, 1, tzinfo=UTC)}),
        ("answers.day > now", {"day": "2026-06-02"}),
        ("answers.x == 3", {"x": 3}),
        ("true", {}),
    ],
)
def test_a_condition_holds(source: str, me: dict[str, Any]) -> None:
    assert holds(source, **me)


@pytest.mark.parametrize(
    "source",
    [
        "me.name == 'Ana'",
        "me.name != 'Ana'",
        "!me.adult",
        "me.meetings < 1000",
        "!('a' in me.interests)",
        "answers.day < now",
    ],
)
def test_what_reads_something_not_known_is_false(source: str) -> None:
    assert not holds(source)


def test_an_or_with_one_side_known_and_true_holds() -> None:
    assert holds("me.name == 'Ana' || me.meetings == 0", meetings=0)


@given(
    st.sampled_from(
        ["me.meetings > 2", "'a' in me.interests", "me.name == 'x'", "me.adult", "me.joined < now", "answers.day > now"]
    ),
    st.one_of(
        st.integers(), st.floats(), st.text(), st.booleans(), st.none(), st.tuples(st.text()), st.just(NOW),
        st.sampled_from(["2026-02-30", "9999-12-31", ""]),
    ),
)  # fmt: skip
def test_a_value_of_another_type_than_the_flow_says_is_no_exception(source: str, value: Any) -> None:
    fields = dict.fromkeys(("meetings", "interests", "name", "adult", "joined", "day"), value)
    assert holds(source, **fields) in {True, False}


@pytest.mark.parametrize(
    ("source", "code", "column"),
    [
        ("me.name = 'x'", "bad-condition", 9),
        ("me.nmae == 'x'", "unknown-name", 3),
        ("now > now && age > 3", "unknown-name", 14),
        ("me.name > 3", "type-mismatch", 9),
        ("me.name", "type-mismatch", 1),
        ("'a' == 'a' ? 1 : 2", "type-mismatch", 1),
        ("x" * 1001, "bad-condition", 1),
        ("[1].all(a, [1].all(b, [1].all(c, true)))", "bad-condition", 1),
        ("", "bad-condition", 1),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(source: str, code: str, column: int) -> None:
    with pytest.raises(BadCondition) as refused:
        compiled(source, KNOWN)
    assert (refused.value.code, refused.value.column) == (code, column)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("me.name = 'x'", "`==` means is"),
        ("me.name == 'a = b' and me.adult == 'yes'", "`&&` means and"),
        ("me.name == 'and' me.adult", "mismatched input"),
    ],
)
def test_who_writes_a_condition_as_one_speaks_is_told_the_signs(source: str, told: str) -> None:
    with pytest.raises(BadCondition, match=told):
        compiled(source, KNOWN)


def test_the_names_of_a_condition_are_found_outside_of_its_texts() -> None:
    assert list(names("'me.name' == me.name && \"pair.other\" != answers.x || me.name == now")) == [
        "me.name",
        "answers.x",
        "now",
    ]


def test_a_condition_can_be_over_names_that_stand_by_themselves() -> None:
    known = {"district": Kind.TEXT, "meetings": Kind.NUMBER, "interests": Kind.LIST}

    def here(source: str, **values: Any) -> bool:
        return over(source, known).holds({name: {"": value} for name, value in values.items()})

    assert here('district == "meetings"', district="meetings", meetings=3)
    assert here("meetings > 2 && district.startsWith('L')", district="Leeds", meetings=3)
    assert here("interests.exists(i, i == 'food')", interests=("food",))
    assert not here("meetings > 2", district="Leeds")
    with pytest.raises(BadCondition) as bad:
        over("meetings > 2 && distrct == 'x'", known)
    assert (bad.value.code, bad.value.name, bad.value.column) == ("unknown-name", "distrct", 17)
    with pytest.raises(BadCondition, match="characters"):
        over("x" * 1001, known)
