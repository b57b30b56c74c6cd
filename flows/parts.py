"""The parts that states are made of, as they are written, each strict about what it holds."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from flows.times import duration, looks_like_duration
from flows.vocabulary import ATTACHMENTS, DEEDS, EXPECTS, HAPPENINGS, LISTS

Words = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]
"""A text that a person reads, with `{{ }}` in it."""


def _known(code: str, words: tuple[str, ...], what: str) -> Any:
    def check(value: Any) -> Any:
        if value not in words:
            raise PydanticCustomError(code, f"`{value}` is not {what}", {"known": words})
        return value

    return BeforeValidator(check)


def _length(value: Any) -> Any:
    if duration(str(value)) is None:
        raise PydanticCustomError("bad-duration", f"`{value}` is not a duration", {"mend": "write it like `2 days`"})
    return value


def _attachment(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("picture:"):
        value = {"picture": value.removeprefix("picture:").strip()}
    if isinstance(value, Mapping) and set(value) == {"picture"}:
        name = str(value["picture"])
        if name.rpartition(".")[2].lower() in {"jpg", "jpeg", "png", "webp"} and "/" not in name and "\\" not in name:
            return f"picture:{name}"
    elif value in ATTACHMENTS:
        return value
    raise PydanticCustomError(
        "type-mismatch",
        f"`{value}` cannot be attached",
        {"mend": f"it can be {', '.join(ATTACHMENTS)} or picture: file.jpg"},
    )


def _what_for(value: Any) -> Any:
    """A duration, or a happening: the message tells which one was meant."""
    written = str(value)
    if duration(written) is None and written not in HAPPENINGS:
        if looks_like_duration(written):
            return _length(written)
        raise PydanticCustomError("unknown-name", f"`{written}` is not a happening", {"known": HAPPENINGS})
    return value


Duration = Annotated[str, BeforeValidator(_length)]
Attachment = Annotated[str, BeforeValidator(_attachment)]
DeedName = Annotated[str, _known("unknown-do", tuple(DEEDS), "something a flow can do")]
ListName = Annotated[str, _known("unknown-list", LISTS, "a list")]
Expected = Annotated[str, _known("unknown-expect", tuple(EXPECTS), "something a question can expect")]
Bound = Annotated[float, Field(allow_inf_nan=False)]
Awaited = Annotated[str, BeforeValidator(_what_for)]
Happening = Annotated[str, _known("unknown-name", HAPPENINGS, "a happening")]


class Part(BaseModel):
    """A part of a flow file: frozen, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class After(Part):
    """One entry of `after`: what happens when so much time has passed in a state."""

    say: Words | None = None
    do: DeedName | None = None
    with_: dict[str, str] = Field(default={}, alias="with")
    go: str | None = None


class Choice(Part):
    """One choice of an `ask`. A text alone is its label."""

    label: Words
    go: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _alone(cls, written: Any) -> Any:
        return {"label": written} if isinstance(written, str) else written


class Branch(Part):
    """One line of a `decide`."""

    when: Words | None = None
    go: str | None = None
    else_: str | None = Field(default=None, alias="else")


class Wording(Part):
    """One of the wordings of a `try`."""

    say: Words
    attach: Attachment = ""
