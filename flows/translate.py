"""The file in which a language's translations are written: made, kept up to date, and looked over."""

import re
from collections.abc import Iterator, Mapping
from io import BytesIO, StringIO
from itertools import takewhile
from string import Formatter

from babel import Locale
from babel.core import UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.pofile import PoFileError, read_po, write_po

from flows.model import Library
from flows.openings import lead
from flows.phrases import ALL as PHRASES
from flows.text import BadText, holes

_CODE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}")
_FLAGS = frozenset({"python-format", "python-brace-format"})
_OF_PEOPLE = {"PO-Revision-Date", "Last-Translator", "Language-Team"}
"""Lines of the head that people or their editors wrote, and that stay as they are."""


def catalog(library: Library, language: str, existing: str | None = None) -> str:
    """The text of `languages/LANGUAGE.po`: every sentence and word of the library, in the order of its files.

    Translations in the `existing` text are kept; those of a sentence that has changed a little are marked as fuzzy, and
    those of a sentence that is gone stand at the end as obsolete until it comes back. Nothing in it depends on when or
    where it was made: with the same library and its own answer as `existing`, the answer is the same to the byte.
    Raises ValueError: an unknown language, or an existing text that is no .po file.
    """
    locale = _locale(language)
    template = _template(library, locale)
    kept = _read(existing or "", locale)
    for key, message in list(kept.obsolete.items()):
        if message.id in template:
            kept[message.id] = message
            del kept.obsolete[key]
    unsure = {message.id for message in kept if message.fuzzy}
    kept.update(template)
    for key, message in list(kept.obsolete.items()):
        # An obsolete entry keeps no flags: one that nobody has confirmed would come back as if somebody had.
        if message.id in unsure or not message.string:
            del kept.obsolete[key]
    for message in kept:
        message.flags -= _FLAGS
    return _head(existing or "", template, kept) + _written(kept)


def _locale(language: str) -> Locale:
    try:
        if _CODE.fullmatch(language):
            return Locale.parse(language.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        pass
    raise ValueError(f"`{language[:40]}` is not the code of a language: write it like `es` or `pt_BR`")


def _template(library: Library, locale: Locale) -> Catalog:
    template = Catalog(locale=locale, fuzzy=False)
    for where, sentence in sentences(library):
        if any(letter.isalpha() for letter in sentence):
            template.add(sentence, auto_comments=[" ".join(where.split())])
    return template


def sentences(library: Library) -> Iterator[tuple[str, str]]:
    """Everything that can be translated, each with where it stands: what flows say, words people write, phrases."""
    for flow in library.flows.values():
        for word in flow.starts.words:
            yield f"{flow.name}: a word people write to start it", word
        for name, state in flow.states.items():
            for path, text in (*state.texts(), *state.labels()):
                detail = " ".join(path[:2]) if len(path) > 1 else ""
                yield f"{flow.name}/{name}" + (f": {detail}" if detail else ""), text
    for name, entry in library.anytime.items():
        for word in entry.words:
            yield f"a word people write at any time: {name}", word
    for phrase in PHRASES:
        yield "said by Doorstep itself", phrase


def _read(text: str, locale: Locale) -> Catalog:
    try:
        found = read_po(StringIO(text), locale=locale, abort_invalid=True)
    except (PoFileError, ValueError) as error:
        raise ValueError(f"the existing translations are not a .po file: {error}") from None
    found.locale = locale
    return found


def _head(existing: str, template: Catalog, kept: Catalog) -> str:
    """Comments and headers, without Babel's own, which say when and with what a file was made."""
    comments = list(takewhile(lambda line: re.match(r"#(\s|$)", line), existing.splitlines()))
    english = template.locale.english_name if template.locale else ""
    comments = comments or [f"# What the bot says, in {english}. Where a `msgstr` is left empty, the original is said."]
    theirs = {name: value for name, value in kept.mime_headers if name in _OF_PEOPLE and _is_written(existing, name)}
    headers = {
        **theirs,
        "Language": str(template.locale_identifier),
        "Plural-Forms": template.plural_forms,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
    }
    entry = "".join(f'"{_quoted(name)}: {_quoted(value)}\\n"\n' for name, value in headers.items())
    return "\n".join([*comments, 'msgid ""', 'msgstr ""', entry, ""])


def _is_written(existing: str, header: str) -> bool:
    line = re.search(rf'^"{header}:(.*)\\n"$', existing, re.MULTILINE)
    return line is not None and not re.search(r"YEAR-MO-DA|FULL NAME|LL@li\.org", line[1])


def _quoted(text: str) -> str:
    return str(text).strip().replace("\\", "\\\\").replace('"', '\\"')


def _written(kept: Catalog) -> str:
    written = BytesIO()
    write_po(written, kept, omit_header=True)
    return written.getvalue().decode()


def faults(translated: Mapping[str, str]) -> list[tuple[str, str]]:
    """The sentences whose translation reads other names than they do, or has no dots where they have, each with what is
    wrong with it."""
    found = []
    for sentence, translation in translated.items():
        # Doorstep's own sentences are filled in by Python, where a wrong name would be an error while someone waits.
        read = _braces if sentence in PHRASES else _holes
        try:
            wanted, given = read(sentence), read(translation)
        except ValueError as error:
            found.append((sentence, str(error)))
            continue
        if lead(sentence) is not None and lead(translation) is None:
            found.append((sentence, "`...` is missing at its end"))
        missing, strange = sorted(wanted - given), sorted(given - wanted)
        if missing or strange:
            told = [f"`{name}` is missing" for name in missing]
            told += [f"`{name}` is not in the original" for name in strange]
            found.append((sentence, ", ".join(told)))
    return found


def lines(written: str) -> dict[str, int]:
    """The line in a .po file, from 1, on which each sentence stands."""
    found = read_po(StringIO(written), abort_invalid=True)
    return {str(message.id): message.lineno for message in found if message.id and message.lineno}


def _holes(text: str) -> set[str]:
    try:
        return {hole.name for hole in holes(text)}
    except BadText as error:
        raise ValueError(f"{error}: {error.snippet}") from None


def _braces(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}
