"""Three hundred messages in ten languages: every word that means *stop* is found, no sentence that only holds one."""

import pytest

from flows.exchange import word_in
from flows.model import Library
from flows.reader import STARTER, read_folder

STOPS = {
    "en": ("stop", "unsubscribe", "opt out"),
    "es": ("parar", "baja", "dejar de recibir"),
    "de": ("stopp", "abmelden", "aufhören"),
    "fr": ("arrêt", "arrêter", "arrêtez"),
    "it": ("fermati", "basta", "stop"),
    "pt": ("sair", "cancelar", "stop"),
    "pl": ("przestań", "stop", "quit"),
    "ru": ("стоп", "отписаться", "stop"),
    "ar": ("توقف", "إلغاء", "stop"),
    "zh": ("停止", "退订", "stop"),
}
WAYS = ("{}", "{}!", "  {} ", "\u200e{}\u200f", "🙏 {}.")
"""As people write one word: with a mark behind it, spaces, unseen marks of direction, an emoji."""

SENTENCES = {
    "en": (
        "the bus stop is near",
        "please don't stop",
        "I can't stop laughing",
        "where does it end?",
        "we quit it",
    ),
    "es": ("la parada de autobús", "no quiero parar", "estoy de baja", "vivo en la planta baja", "sin parar de reír"),
    "de": ("nicht aufhören bitte", "an der Stopp-Straße", "ich will nicht aufhören", "wo anmelden?", "stopp mal kurz"),
    "fr": ("l'arrêt de bus", "je ne veux pas arrêter", "sans arrêt", "arrêter de fumer", "on s'est arrêtés là"),
    "it": ("basta una parola", "non mi basta", "la fermata del bus", "fermati a cena da noi", "mi basta un'ora"),
    "pt": ("vou sair agora", "quero sair contigo", "não posso sair", "a sair do trabalho", "cancelar a reunião?"),
    "pl": ("nie przestań śpiewać", "przestań się martwić", "przystanek stop", "stop na rogu", "nie chcę quit"),
    "ru": ("на знаке стоп", "не хочу отписаться", "стоп-кран там", "как отписаться от него", "кадр стоп красивый"),
    "ar": ("لا توقف أبدا", "توقف الحافلة هنا", "إلغاء الاجتماع غدا", "أين توقف", "بدون توقف"),
    "zh": ("不要停止", "停止线在哪里", "怎么退订报纸", "我不想退订", "雨停止了吗"),
}
FURTHER = {
    "nl": ("uitschrijven", "kan ik me uitschrijven van zaterdag?"),
    "tr": ("dur", "dur bir dakika geliyorum"),
    "hi": ("रुको", "रुको मैं आ रहा हूँ"),
    "ja": ("やめる", "たばこをやめるつもり"),
    "uk": ("відписатися", "не хочу відписатися"),
    "el": ("σταμάτα", "σταμάτα να ανησυχείς"),
    "he": ("הסר", "הסר דאגה מליבך"),
    "ko": ("그만", "그만 자야겠어요"),
    "vi": ("dừng lại", "xe buýt dừng lại ở đây"),
    "id": ("berhenti", "bus berhenti di sini"),
    "fa": ("لغو", "جلسه لغو شد"),
    "sw": ("sitisha", "usisitisha mkutano"),
    "ro": ("dezabonare", "fără dezabonare vă rog"),
    "hu": ("leiratkozás", "nem kell leiratkozás"),
    "cs": ("odhlásit", "nechci se odhlásit"),
    "sv": ("sluta", "jag vill inte sluta"),
    "bn": ("বন্ধ করুন", "দরজা বন্ধ করুন"),
    "ur": ("بند کریں", "دروازہ بند کریں"),
    "tl": ("itigil", "huwag itigil ang tugtog"),
}
"""More languages: a word, and a sentence that only holds it."""

FORMS = ("{}", "{}!", "🙂 {}")


@pytest.fixture(scope="module")
def library() -> Library:
    return read_folder(STARTER).library


def stops(library: Library, text: str) -> bool:
    word = word_in(library, text)
    return word is not None and word.anytime == "stop"


@pytest.mark.parametrize("language", STOPS)
def test_every_word_that_means_stop_is_found_however_it_is_written(library: Library, language: str) -> None:
    messages = [way.format(word) for word in STOPS[language] for way in WAYS]
    messages += [message.upper() for message in messages]
    assert [message for message in messages if not stops(library, message)] == []


@pytest.mark.parametrize("language", SENTENCES)
def test_a_sentence_that_only_holds_one_stops_nothing(library: Library, language: str) -> None:
    messages = [form.format(sentence) for sentence in SENTENCES[language] for form in FORMS]
    assert [message for message in messages if stops(library, message)] == []


def test_there_are_three_hundred() -> None:
    assert sum(map(len, STOPS.values())) * len(WAYS) + sum(map(len, SENTENCES.values())) * len(FORMS) == 300


@pytest.mark.parametrize("language", FURTHER)
def test_stop_is_understood_in_further_languages_too(library: Library, language: str) -> None:
    word, sentence = FURTHER[language]
    assert [way for way in WAYS if not stops(library, way.format(word))] == []
    assert [form for form in FORMS if stops(library, form.format(sentence))] == []


def test_there_are_more_than_twenty_languages() -> None:
    assert len(STOPS.keys() | FURTHER.keys()) == 29
