"""Conditions of `decide`, in CEL (Google's Common Expression Language), with names and types known beforehand.

A number may be compared with a whole number or a fraction, and a yes-or-no field both as text (`me.adult == 'yes'`)
and by itself (`me.has_buddy`): CEL is strict in both, so a condition is compiled in whichever reading fits.
"""

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from flows.model import Kind, Value
from flows.text import Scope, look_up

LONGEST = 1000
"""Characters: far more than anybody can read, far less than what costs time (CEL itself allows 100,000)."""

MOST_LOOPS = 2
"""`all`, `exists`, `map`, `filter` in one condition: nested, each multiplies the time of the others."""

MOST_FRACTIONS = 3
"""Numbers of a condition of which one alone may be compared with a fraction."""

_NAME = re.compile(
    r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|(?<![\w.])(?:(?:me|answers|org|pair|action)\.[a-z_]\w*|now\b)"""
)
_PLAIN = re.compile(r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|(?<![\w.])[a-z_]\w*""")
_QUOTED = re.compile(r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*\"""")
_LOOP = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(")
_OF_READING = ("`&&`", "`||`", "`!`", "a condition must")
_HAS = re.compile(r"(?<![\w.])has\s*\(")
_ERROR = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")

_TYPES = {
    Kind.TEXT: cel.Type.STRING,
    Kind.TIME: cel.Type.STRING,
    Kind.LIST: cel.Type.List(cel.Type.STRING),
    Kind.MOMENT: cel.Type.TIMESTAMP,
    Kind.DATE: cel.Type.TIMESTAMP,
    Kind.ANY: cel.Type.DYN,
}


class BadCondition(ValueError):
    """A condition that cannot be read. `code` is `check`'s; `line` and `column` count from 1 within the condition."""

    def __init__(self, what: str, code: str, line: int = 1, column: int = 1, name: str = "") -> None:
        super().__init__(what)
        self.code, self.line, self.column, self.name = code, line, column, name


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition, and how each name it uses is to be given to it."""

    program: Any
    kinds: tuple[tuple[str, Kind], ...]
    as_truth: frozenset[str]
    as_fraction: frozenset[str]

    def holds(self, scope: Scope) -> bool:
        """Whether it is true here. What reads something not known yet is false."""
        known = {}
        for name, kind in self.kinds:
            value = look_up(name, scope)
            given = None if value is None else self._given(name, kind, value)
            if given is not None:
                known[name] = given
        try:
            return self.program.eval(data=known).value() is True
        except (RuntimeError, TypeError, ValueError, OverflowError):
            # a field kept before a flow was edited can be of another type than the flow now says
            return False

    def _given(self, name: str, kind: Kind, value: Value) -> Any:
        if kind is Kind.YES_NO:
            yes = value is True or value == "yes"
            return yes if name in self.as_truth else ("yes" if yes else "no") if isinstance(value, bool) else value
        if name in self.as_fraction and isinstance(value, int | float):
            return float(value)
        if kind is Kind.DATE and isinstance(value, str):
            return _midnight(value)
        return list(value) if isinstance(value, tuple) else value


def _midnight(day: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(day), time(), tzinfo=UTC)
    except ValueError:
        return None


def names(source: str) -> Iterable[str]:
    """The dotted names that a condition reads, each once, in order."""
    return dict.fromkeys(found[0] for found in _NAME.finditer(source) if found[0][0] not in "'\"")


def compiled(source: str, known: Mapping[str, Kind]) -> Condition:
    """A condition over these names and types. Raises BadCondition: bad-condition, unknown-name or type-mismatch."""
    _refuse_long(source)
    if _HAS.search(_QUOTED.sub("", source)):
        raise BadCondition("`has` is not needed: what is not known yet counts as not true", "bad-condition")
    return _compiled(source, tuple((name, known[name]) for name in names(source) if name in known))


def _refuse_long(source: str) -> None:
    if len(source) > LONGEST:
        raise BadCondition(f"a condition of {len(source):,} characters; {LONGEST:,} are the most", "bad-condition")
    if len(_LOOP.findall(source)) > MOST_LOOPS:
        raise BadCondition(f"more than {MOST_LOOPS} of all, exists, map and filter", "bad-condition")


def over(source: str, known: Mapping[str, Kind]) -> Condition:
    """A condition whose names stand by themselves, as in `district == "Leeds"`. Raises BadCondition like `compiled`.

    In the scope of such a condition each value stands under {name: {"": value}}.
    """
    _refuse_long(source)
    found = dict.fromkeys(found[0] for found in _PLAIN.finditer(source) if found[0] in known)
    return _compiled(source, tuple((name, known[name]) for name in found))


@lru_cache(maxsize=2048)
def _compiled(source: str, kinds: tuple[tuple[str, Kind], ...]) -> Condition:
    numbers = [name for name, kind in kinds if kind is Kind.NUMBER]
    truths = [name for name, kind in kinds if kind is Kind.YES_NO][:4]
    fractions = [[], numbers, *([name] for name in numbers[:MOST_FRACTIONS])]
    readings = itertools.product(fractions, itertools.product((False, True), repeat=len(truths)))
    errors: list[BadCondition] = []
    for fraction, chosen in readings:
        as_truth, as_fraction = frozenset(itertools.compress(truths, chosen)), frozenset(fraction)
        try:
            _program(source, kinds, as_truth, as_fraction, cel.Type.INT)
        except BadCondition as error:
            errors.append(error)
            if error.code != "type-mismatch":
                break
        else:
            # whole numbers are given untyped, so that 2.5 can still be compared with 2
            return Condition(_program(source, kinds, as_truth, as_fraction, cel.Type.DYN), kinds, as_truth, as_fraction)
    # what a sign between two conditions does not go with is often only that a yes or no was read as text
    raise min(errors, key=lambda error: str(error).startswith(_OF_READING))


def _program(
    source: str, kinds: tuple[tuple[str, Kind], ...], as_truth: frozenset[str], as_fraction: frozenset[str], whole: Any
) -> Any:
    types = {}
    for name, kind in kinds:
        if kind is Kind.NUMBER:
            types[name] = cel.Type.DOUBLE if name in as_fraction else whole
        elif kind is Kind.YES_NO:
            types[name] = cel.Type.BOOL if name in as_truth else cel.Type.STRING
        else:
            types[name] = _TYPES[kind]
    try:
        program = cel.NewEnv(variables=types).compile(source)
    except RuntimeError as error:
        raise _explained(str(error), source) from None
    if program.return_type() not in (cel.Type.BOOL, cel.Type.DYN):
        raise BadCondition("a condition must come out true or false", "type-mismatch")
    return program


def _explained(message: str, source: str) -> BadCondition:
    found = _ERROR.search(message)
    if not found:
        return BadCondition(message.partition(" [")[0][:200], "bad-condition")
    line, column, what = max(1, int(found[1])), max(1, int(found[2])), found[3][:200]
    unknown = re.match(r"undeclared reference to '([^']+)'", what)
    if unknown:
        return BadCondition(f"`{unknown[1]}` is not known", "unknown-name", line, column, unknown[1])
    overload = re.match(r"found no matching overload for '([^']+)' applied to '([^']+)'", what)
    if overload:
        sign = overload[1].strip("_").replace("@in", "in").replace("_", " ")
        what = f"`{sign}` does not go with {overload[2].strip('()').replace(', ', ' and ')}"
        return BadCondition(what, "type-mismatch", line, column)
    what = _slip(source) or what.partition(", expecting")[0].partition(" expecting {")[0]
    return BadCondition(what, "bad-condition", line, column)


def _slip(source: str) -> str:
    """What somebody meant who writes conditions as one speaks; "" where that is not the mistake."""
    signs = _QUOTED.sub("", source)
    if re.search(r"(?<![=!<>])=(?!=)", signs):
        return "`==` means is, and `=` nothing"
    word = re.search(r"\b(?:and|or|not)\b", signs, re.IGNORECASE)
    return f"`&&` means and, `||` means or, `!` means not; `{word[0]}` means nothing" if word else ""
