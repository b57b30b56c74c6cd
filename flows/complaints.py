"""What pydantic found wrong with a part of a page, in an organizer's words."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from flows.pages import Page, Path, Problem, near, nearest

_SHAPES = {
    "dict_type": "names with values under it",
    "model_type": "names with values under it",
    "model_attributes_type": "names with values under it",
    "list_type": "a list, like [one, two]",
    "string_type": "a text",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_too_short": "a text that is not empty",
    "string_pattern_mismatch": "a text that is not empty",
    "too_short": "at least one entry",
}
_NO_WORDS = frozenset({"string_type", "string_too_short", "string_pattern_mismatch"})
_TEXTS = frozenset({"say", "ask", "label", "when", "end", "about"})
"""What stands behind these keys is read by people (or, `when`, wants words as well)."""


def explained(
    page: Page, details: Iterable[Any], path: Path, part: type[BaseModel], nested: Mapping[str, type[BaseModel]]
) -> list[Problem]:
    """One problem for each of pydantic's complaints about the part of a page at `path`."""
    told = list(details)
    misspelt = {
        (*detail["loc"][:-1], near(detail["loc"][-1], _known(detail, part, nested)))
        for detail in told
        if detail["type"] == "extra_forbidden"
    }
    told = [detail for detail in told if detail["type"] != "missing" or detail["loc"] not in misspelt]
    return [_one(page, detail, path, part, nested) for detail in told]


def _known(detail: Any, part: type[BaseModel], nested: Mapping[str, type[BaseModel]]) -> tuple[str, ...]:
    """The keys that can stand where this one stands."""
    around = nested.get(str(detail["loc"][0]), part) if len(detail["loc"]) > 1 else part
    return tuple(field.alias or name for name, field in around.model_fields.items())


def _one(page: Page, detail: Any, path: Path, part: type[BaseModel], nested: Mapping[str, type[BaseModel]]) -> Problem:
    kind, context, steps = str(detail["type"]), detail.get("ctx") or {}, tuple(str(step) for step in detail["loc"])
    where = (*path, *(step for step in steps if step != "[key]"))
    name = next((step for step in reversed(where) if not step.isdigit()), "this")
    if kind == "extra_forbidden":
        mend = nearest(name, _known(detail, part, nested))
        return page.problem("unknown-key", f"`{name}` is not known here", (*where, ""), mend)
    if "known" in context:
        return page.problem(kind, str(detail["msg"]), where, nearest(detail["input"], context["known"]))
    if "mend" in context:
        return page.problem(kind, str(detail["msg"]), (*where, "") if "[key]" in steps else where, context["mend"])
    if kind == "missing":
        return page.problem("bad-text", f"`{name}:` is missing here", (*where[:-1], ""), f"add `{name}:`")
    if kind == "literal_error":
        what = f"`{name}` cannot be `{detail['input']}`"
        return page.problem("type-mismatch", what, where, f"it is {context['expected']}")
    written = detail["input"]
    empty = not written.strip() if isinstance(written, str) else written in (None, [], {})
    code = "bad-text" if name in _TEXTS and kind in _NO_WORDS else "type-mismatch"
    shape = _SHAPES.get(kind, str(detail["msg"]))
    what = f"`{name}` is empty, and should be {shape}" if empty else f"`{name}` should be {shape}"
    return page.problem(code, what, (*where, "") if empty else where)
