from bot.menu import COMMANDS, menu
from flows.exchange import word_in
from flows.limits import WHATSAPP_LABEL
from flows.model import Library, Word
from flows.reader import STARTER, read_folder


def test_all_commands_are_understood_by_the_starter_flows_and_told_in_each_language() -> None:
    reading = read_folder(STARTER)
    menus = menu(reading.library, ["en", "es"])
    assert set(menus) == {"", "en", "es"}
    assert menus[""] == menus["en"] == COMMANDS
    assert list(menus["es"]) == list(COMMANDS)
    assert not set(menus["es"].values()) & set(COMMANDS.values())


def test_what_stands_on_the_way_out_means_stop_where_it_is_typed_and_fits_on_a_button() -> None:
    library = read_folder(STARTER).library
    for told in menu(library, ["en", "es"]).values():
        word = word_in(library, told["stop"])
        assert word is not None
        assert word.anytime == "stop"
        assert len(told["stop"]) <= WHATSAPP_LABEL


def test_only_what_the_flows_understand_is_listed_and_the_first_language_is_for_all_others() -> None:
    words = {"stop": Word(anytime="stop")}
    library = Library({}, words=words, translations={"pt-BR": {"No more messages": "Chega de mensagens"}})
    assert menu(library, ["pt-BR", "pt", "gsw"]) == {
        "": {"stop": "Chega de mensagens"},
        "pt": {"stop": "Chega de mensagens"},
    }
