"""The commands that a platform lists for people: what may be written at any time, in each language."""

from collections.abc import Mapping, Sequence

from flows import phrases
from flows.exchange import word_in
from flows.model import NOTHING, Library

COMMANDS: Mapping[str, str] = {
    "start": phrases.START_COMMAND,
    "actions": phrases.ACTIONS_COMMAND,
    "help": phrases.HELP_COMMAND,
    "human": phrases.HUMAN_COMMAND,
    "language": phrases.LANGUAGE_COMMAND,
    "privacy": phrases.PRIVACY_COMMAND,
    "stop": phrases.STOP_COMMAND,
}


def menu(library: Library, languages: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    """For each two-letter code ("": for everybody else, in the first language), each command and what it does.

    Only what the flows in force understand is listed.
    """
    known = {word: sentence for word, sentence in COMMANDS.items() if word_in(library, f"/{word}")}
    menus: dict[str, Mapping[str, str]] = {}
    for language in languages:
        words = library.translations.get(language, NOTHING)
        translated = {word: words.get(sentence) or sentence for word, sentence in known.items()}
        menus.setdefault("", translated)
        code = language[:2].lower()
        if len(language) == 2 or language[2:3] in "-_":
            menus.setdefault(code, translated)
    return menus
