"""One sentence for what is wrong with a configuration."""

from pydantic import BaseModel, ValidationError

from flows.pages import nearest


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
    if kind == "model_type":
        return f"`{key}` is a section: write [{key}], and its keys below"
    if kind == "missing":
        return f"{section}`{key}` is missing: add it" if path else f"the section [{key}] is missing: add it"
    return f"{section}`{key}`: {str(detail['msg']).removeprefix('Value error, ')}"


def _known_keys(path: list[str], section: type[BaseModel]) -> list[str]:
    for step in path:
        field = section.model_fields.get(step)
        found = field.annotation if field else None
        if not (isinstance(found, type) and issubclass(found, BaseModel)):
            return []
        section = found
    return [name for name in section.model_fields if name != "base"]
