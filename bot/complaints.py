"""One sentence for what is wrong with a configuration."""

from pydantic import BaseModel, ValidationError

from flows.pages import nearest

_PLAIN = {
    "int_type": "write a whole number, without quotes",
    "int_parsing": "write a whole number, without quotes",
    "int_from_float": "write a whole number",
    "float_type": "write a number, without quotes",
    "float_parsing": "write a number, without quotes",
    "bool_type": "write true or false, without quotes",
    "bool_parsing": "write true or false, without quotes",
    "string_type": 'write a text, in "quotes"',
    "string_too_short": "it must not be empty",
    "string_pattern_mismatch": "it must not be empty",
    "too_short": "it must not be empty",
    "finite_number": "write a number, without quotes",
    "tuple_type": 'write a list, like ["en", "es"]',
}
"""What pydantic says of these kinds is for programmers."""


def sentence(error: ValidationError, whole: type[BaseModel]) -> str:
    """What is wrong with a file that should have been a `whole`: the section, the key, and how to mend it."""
    # What is misspelt also looks like something missing: the misspelling is what to say.
    detail = min(error.errors(include_url=False), key=lambda each: each["type"] != "extra_forbidden")
    *path, key = [step for step in detail["loc"] if isinstance(step, str)]
    section = f"[{'.'.join(path).removesuffix('.main')}] " if path else ""
    kind = str(detail["type"])
    if kind == "extra_forbidden":
        mend = nearest(key, _known_keys(path, whole))
        return f"{section}`{key}` is not known here" + (f" ({mend})" if mend else "")
    if kind in {"model_type", "dict_type"}:
        return f"`{key}` is a section: write [{'.'.join([*path, key])}], and its keys below"
    if kind == "missing":
        return f"{section}`{key}` is missing: add it" if path else f"the section [{key}] is missing: add it"
    told = _PLAIN.get(kind) or str(detail["msg"]).removeprefix("Value error, ")
    told = told.replace("Input should be ", "it must be ")
    return f"{section}`{key}`: {told}"


def _known_keys(path: list[str], section: type[BaseModel]) -> list[str]:
    for step in path:
        field = section.model_fields.get(step)
        found = field.annotation if field else None
        if not (isinstance(found, type) and issubclass(found, BaseModel)):
            return []
        section = found
    return [name for name in section.model_fields if name != "base"]
