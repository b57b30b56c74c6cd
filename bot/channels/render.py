"""How a message looks where a platform has no buttons, or cannot hold all of it at once."""

from dataclasses import replace

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


def split(say: Say, most: int) -> list[Say]:
    """The same message in as many as it needs; only the last one asks, and only the first one carries what is attached.

    It is cut between paragraphs, lines or words where one is near, else where it must.
    """
    if len(say.text) <= most:
        return [say]
    texts = []
    rest = say.text
    while len(rest) > most:
        cut = next((at for mark in ("\n\n", "\n", " ") if (at := rest.rfind(mark, most // 2, most)) > 0), most)
        texts.append(rest[:cut].rstrip() or rest[:cut])
        rest = rest[cut:].lstrip()
    first = [Say(text) for text in texts]
    first[0] = replace(first[0], attach=say.attach, tried=say.tried)
    return [*first, replace(say, text=rest, attach="", tried="")] if rest else first
