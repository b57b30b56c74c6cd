"""How a message looks where a platform has no buttons."""

from flows.model import Say


def numbered(say: Say) -> str:
    """The text with its choices as a numbered list; a number answers, and so does a label."""
    if not say.choices:
        return say.text
    ticked = set(say.picked)
    lines = [
        f"  {number}. {choice.label}" + (" ✓" if choice.key in ticked else "")
        for number, choice in enumerate(say.choices, 1)
    ]
    return "\n".join([say.text, *lines])
