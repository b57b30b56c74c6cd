"""A translation file holds every sentence, keeps what translators wrote, and is the same whenever it is made."""

from io import StringIO

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from flows.check import check
from flows.limits import WHATSAPP_LABEL
from flows.model import Anytime, Flow, Library, Starts
from flows.phrases import ALL as PHRASES
from flows.phrases import NUMBER_FROM_TO
from flows.reader import STARTER, read_files, read_folder, translation
from flows.states import AskState, EndState, SayState, State, TryState
from flows.translate import catalog, faults, sentences

TOWN = "Which town are you near? You can also share your location."


def library(**texts: str) -> Library:
    """A small library; `say` and `ask` can be given other words."""
    states: dict[str, State] = {
        "hello": SayState(say=texts.get("say", "Hi {{ me.name }}! I'm the bot of {{ org.name }}."), go="town"),
        "town": AskState.model_validate(
            {
                "ask": texts.get("ask", TOWN),
                "choices": {"near": "Near here", "far": {"label": "Far away", "go": "tried"}},
                "after": {"1 day": {"say": "No rush."}, "7 days": {"go": "tried"}},
                "go": "tried",
            }
        ),
        "tried": TryState.model_validate({"try": {"warm": {"say": "So glad!"}, "dots": {"say": "…"}}, "go": "done"}),
        "done": EndState(end="done"),
    }
    flows = {"welcome": Flow("welcome", "hello", states, starts=Starts(words=("start",)))}
    return Library(flows, {"help": Anytime(("help", "?"), "help")})


def read(text: str) -> Catalog:
    return read_po(StringIO(text), abort_invalid=True)


def entry(text: str, sentence: str) -> Message:
    found = read(text)[sentence]
    assert found is not None
    return found


def translated(text: str, sentence: str, into: str) -> str:
    """The text of a .po file after a translator has been at it."""
    before = f'msgid "{sentence}"\nmsgstr ""'
    assert before in text
    return text.replace(before, f'msgid "{sentence}"\nmsgstr "{into}"')


# --- what stands in it -----------------------------------------------------------------------------------------


def test_every_sentence_stands_in_it_in_the_order_of_the_files() -> None:
    expected = [
        *("start", "Hi {{ me.name }}! I'm the bot of {{ org.name }}.", TOWN, "No rush.", "Near here", "Far away"),
        *("So glad!", "help"),
    ]
    found = [str(message.id) for message in read(catalog(library(), "es")) if message.id]
    assert found == [*expected, *(phrase for phrase in PHRASES)]


def test_each_says_where_it_stands() -> None:
    text = catalog(library(), "es")
    assert entry(text, TOWN).auto_comments == ["welcome/town"]
    assert entry(text, "No rush.").auto_comments == ["welcome/town: after 1 day"]
    assert entry(text, "Far away").auto_comments == ["welcome/town: choices far"]
    assert entry(text, "So glad!").auto_comments == ["welcome/tried: try warm"]
    assert entry(text, "start").auto_comments == ["welcome: a word people write to start it"]
    assert entry(text, "help").auto_comments == ["a word people write at any time: help"]


def test_a_sentence_said_twice_is_one_entry_with_both_places() -> None:
    text = catalog(library(say="No rush."), "es")
    assert entry(text, "No rush.").auto_comments == ["welcome/hello", "welcome/town: after 1 day"]


def test_the_head_names_the_language_and_its_plurals_and_no_date() -> None:
    text = catalog(library(), "pl")
    assert '"Language: pl\\n"' in text
    assert "nplurals=3" in text
    assert "Date" not in text
    assert "Babel" not in text
    assert "in Polish" in text.splitlines()[0]


def test_what_looks_like_a_format_is_not_called_one() -> None:
    text = catalog(library(say="100 % of us, {really}"), "es")
    assert "python" not in text


@pytest.mark.parametrize("language", ["es", "pt_BR", "pt-BR", "zh_Hans", "ar"])
def test_the_library_reads_what_was_written(language: str) -> None:
    text = translated(catalog(library(), language), "No rush.", "…")
    assert dict(translation(text)) == {"No rush.": "…"}


def test_the_starter_library_can_be_translated() -> None:
    starter = read_folder(STARTER).library
    text = catalog(starter, "es")
    wanted = {sentence for _, sentence in sentences(starter) if any(letter.isalpha() for letter in sentence)}
    assert {str(message.id) for message in read(text) if message.id} == wanted


def test_the_starter_library_is_translated_whole_and_its_labels_fit_everywhere() -> None:
    for file in (STARTER / "languages").glob("*.po"):
        starter, written = read_folder(STARTER).library, file.read_text("utf-8")
        translated = translation(written)
        assert [one for _, one in sentences(starter) if one not in translated and any(map(str.isalpha, one))] == []
        assert catalog(starter, file.stem, written) == written, "`doorstep translate` would change it"
        labels = [label for flow in starter.flows.values() for s in flow.states.values() for _, label in s.labels()]
        assert [label for label in labels if max(len(label), len(translated[label])) > WHATSAPP_LABEL] == []


# --- what is kept ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changed", [library(), library(say="Another {{ me.name }}"), library(ask="Which town?")])
def test_made_again_it_is_the_same_to_the_byte(changed: Library) -> None:
    first = catalog(library(), "es")
    assert catalog(library(), "es") == first
    again = catalog(changed, "es", translated(first, TOWN, "¿Qué ciudad?"))
    assert catalog(changed, "es", again) == again


def test_translations_and_comments_of_people_are_kept() -> None:
    first = translated(catalog(library(), "es"), TOWN, "¿Qué ciudad?")
    first = first.replace("#. welcome/town\n", "# Informal, please.\n#. welcome/town\n")
    text = catalog(library(), "es", first)
    assert entry(text, TOWN).string == "¿Qué ciudad?"
    assert entry(text, TOWN).user_comments == ["Informal, please."]


def test_the_head_that_people_wrote_is_kept() -> None:
    head = '# Spanish, by Ana\n#\n# and Luis\nmsgid ""\nmsgstr ""\n"Last-Translator: Ana <ana@example.org>\\n"\n'
    head += '"PO-Revision-Date: 2024-05-01 10:00+0200\\n"\n"Language-Team: LANGUAGE <LL@li.org>\\n"\n'
    head += '"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    text = catalog(library(), "es", head)
    assert text.startswith("# Spanish, by Ana\n#\n# and Luis\nmsgid")
    assert "Last-Translator: Ana <ana@example.org>" in text
    assert "PO-Revision-Date: 2024-05-01 10:00+0200" in text
    assert "Language-Team" not in text
    assert catalog(library(), "es", text) == text


def test_a_changed_sentence_keeps_its_translation_as_fuzzy_until_somebody_looks() -> None:
    first = translated(catalog(library(), "es"), TOWN, "¿Qué ciudad?")
    changed = TOWN.replace("town", "village")
    text = catalog(library(ask=changed), "es", first)
    assert entry(text, changed).string == "¿Qué ciudad?"
    assert entry(text, changed).fuzzy
    assert changed not in translation(text)


def test_a_sentence_that_is_gone_waits_at_the_end_and_can_come_back() -> None:
    first = translated(catalog(library(), "es"), TOWN, "¿Qué ciudad?")
    gone = catalog(library(ask="12345 67890?"), "es", first)
    assert TOWN not in [message.id for message in read(gone)]
    assert f'#~ msgid "{TOWN}"\n#~ msgstr "¿Qué ciudad?"' in gone
    assert catalog(library(ask="12345 67890?"), "es", gone) == gone
    back = catalog(library(), "es", gone)
    assert entry(back, TOWN).string == "¿Qué ciudad?"
    assert "#~" not in back


def test_what_nobody_confirmed_does_not_come_back_as_confirmed() -> None:
    first = translated(catalog(library(), "es"), TOWN, "¿Qué ciudad?")
    unsure = first.replace("#. welcome/town\n", "#. welcome/town\n#, fuzzy\n")
    gone = catalog(library(ask="12345 67890?"), "es", unsure)
    assert TOWN not in translation(catalog(library(), "es", gone))


def test_quotes_backslashes_and_lines_come_through() -> None:
    said = 'She said "hi"\\ and\n\tleft: 日本 🌱 \u2028 {{ me.name }}\n'
    assert entry(catalog(library(say=said), "es"), said).id == said


# --- what is refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["", "zz", "spanish", "../es", "es/../..", "es_", "es.po", "C", "e" * 300, "es\n"])
def test_an_unknown_language_is_refused(language: str) -> None:
    with pytest.raises(ValueError, match="is not the code of a language"):
        catalog(library(), language)


def test_a_file_that_is_not_a_catalog_is_refused() -> None:
    with pytest.raises(ValueError, match=r"not a \.po file"):
        catalog(library(), "es", "flow: welcome\n")


# --- faults ----------------------------------------------------------------------------------------------------


def test_a_translation_that_reads_the_same_names_has_no_fault() -> None:
    good = {
        "Hi {{ me.name }}, {{ action.starts | when }}!": "¡{{action.starts|date}}, {{ me.name }}!",
        "Literally {so}": "Literalmente {así}",
        NUMBER_FROM_TO: "Un número de {least} a {most}.",
    }
    assert faults(good) == []


@pytest.mark.parametrize(
    ("sentence", "into", "what"),
    [
        ("Hi {{ me.name }}!", "¡Hola!", "`me.name` is missing"),
        ("Hi!", "¡Hola {{ me.name }}!", "`me.name` is not in the original"),
        ("Hi {{ me.name }}!", "{{ me.nombre }}", "`me.name` is missing, `me.nombre` is not in the original"),
        ("Hi {{ me.name }}!", "¡Hola {{ me.name }!", "only {{ name }}"),
        ("away until ...", "fuera hasta", "`...` is missing at its end"),
        (NUMBER_FROM_TO, "Un número desde {least}.", "`most` is missing"),
        (NUMBER_FROM_TO, "De {least} a {most.__class__}", "`most.__class__` is not in the original"),
        (NUMBER_FROM_TO, "De {least} a {most", "expected '}'"),
    ],
)
def test_a_translation_that_reads_other_names_is_a_fault(sentence: str, into: str, what: str) -> None:
    ((found, told),) = faults({"Fine": "Bien", sentence: into})
    assert found == sentence
    assert what in told


@pytest.mark.parametrize("written", ["Hola {{ me.nme }}", "Hola {{ me.name", "Hola"])
def test_a_translation_that_reads_other_names_is_refused_on_its_line(written: str) -> None:
    flow = 'flow: a\nabout: x\nstarts: {words: [go]}\nstart: s\nstates:\n  s: {say: "Hi {{ me.name }}", end: x}\n'
    head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    po = f'{head}msgid "Hi {{{{ me.name }}}}"\nmsgstr "{written}"\n'
    (problem,) = check(read_files({"library/a.yaml": flow, "languages/es.po": po}))
    assert (problem.file, problem.line, problem.code, problem.warning) == ("languages/es.po", 5, "bad-text", False)


@pytest.mark.parametrize("open_", ['msgstr "Hola', 'msgstr ""\n"Hola\\"', 'msgid "Hi', 'msgstr "Hola\r'])
def test_a_text_that_is_not_closed_is_no_shorter_text(open_: str) -> None:
    po = f'msgid ""\nmsgstr ""\n\nmsgid "Hi."\n{open_}\n'
    (problem,) = read_files({"languages/es.po": po}).problems
    assert (problem.line, problem.code) == (5 + open_.count("\n"), "bad-text")
    assert "close the quotes" in str(problem)
