"""What agrees, what refuses, and what must be asked again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.agreement import NEITHER, NO, YES, greets, meant
from flows.answers import Fit, yes_no
from flows.words import bare, fold, signs, tidy, words

AGREES = """
yes|Yes|YES!|yes.|yesss|yessss!!!|y|yep|yup|yeah|yea|ya|sure|sure, yes|Sure thing!|ok|OK|Okay|okkk|k|yeah ok
yes please|Yes, please!|yes thanks|yes thank you|ok great|of course|Of course!|absolutely|definitely|certainly
count me in|I'm in!|sounds good|that works|let's do it|please do|yes I am|yes I do|I do|we did|I can
yes, I'd love to|sure, no problem|oh yes|well yes|haha yes|yes yes yes|uh-huh|alright then|all right|+1|👍
👍🏽|👍👍👍|👌|✅|yes 👍|ok 🙂|Yes, sorry!|yes :)|sí|Sí!|si|siii|SÍ|claro|claro que sí|¡Claro que sí!
sí, por favor|sí gracias|vale|vale, gracias|de acuerdo|por supuesto|dale|me apunto|sí quiero|está bien|cómo no
oui|Oui !|ouais|bien sûr|bien sur|d'accord|d’accord|oui merci|avec plaisir|oui, volontiers|ça marche
je veux bien|bien sûr que oui|ja|Ja!|jaaa|ja gerne|Ja, gerne!|ja bitte|klar|na klar|natürlich|ja klar|gern
sehr gerne|auf jeden Fall|jawohl|einverstanden|ja, danke|sim|Sim!|claro que sim|sim, por favor|com certeza
sim obrigada|beleza|sì|certo|va bene|sì grazie|volentieri|certo che sì|d'accordo|ja hoor|jazeker|graag
ja graag|is goed|tak|tak, proszę|oczywiście|oczywiscie|jasne|chętnie|да|Да!|да, конечно|конечно|хорошо|ага
давай|с удовольствием|да, спасибо|так|звісно|так, будь ласка|добре|із задоволенням|evet|EVET|evet lütfen
tabii ki|olur|tamam|نعم|نعم، شكرا|أجل|طبعاً|طبعا|موافق|بله|بله، ممنون|آره|حتماً|हाँ|हां|जी हाँ|हाँ, ज़रूर|ठीक है
haan ji|是|是的|好|好的|好的，谢谢|好的谢谢|可以|没问题|当然可以|はい|はい、お願いします|もちろん|うん
はいはい|ぜひ|sí, si us plau|és clar|i tant|d'acord|ja tack|absolut|gärna|ja tak|selvfølgelig|meget gerne
ja takk|gjerne|kyllä|joo|kyllä kiitos|totta kai|ano|ano, děkuji|jasně|samozřejmě|ναι|Ναί|ΝΑΙ|βεβαίως|εντάξει
ναι, ευχαριστώ|da, desigur|de acord|bineînțeles|igen|igen, köszönöm|persze|rendben|ya|iya|tentu saja|boleh
ya, terima kasih
"""

REFUSES = """
no|No|NO!|no.|nooo|noooo!!|n|nope|nah|no thanks|No, thanks!|no thank you|nope sorry|sorry, no|no way|not now
not yet|never|not really|no not now|no no no|please don't|I can't|no I can't|no, I don't|I'd rather not
no, I'm good|nah I'm fine thanks|of course not|absolutely not|definitely not|thanks, but no
thanks but no thanks|not interested|I'll pass|count me out|unfortunately not|I'm afraid not|-1|👎|👎🏿|❌
no 👎|no :)|🙅‍♀️|no gracias|no, gracias|ahora no|para nada|claro que no|mejor no|todavía no|todavia no|no puedo
non|non merci|pas maintenant|pas du tout|bien sûr que non|pas encore|nan|surtout pas|nein|Nein danke
nein, danke|nö|lieber nicht|auf keinen Fall|noch nicht|leider nicht|nee|não|nao|não, obrigado|agora não
claro que não|no grazie|non ora|certo che no|nee|nee dank je|nee, bedankt|liever niet|nee hoor|nie
nie, dziękuję|nie teraz|raczej nie|нет|Нет, спасибо|неа|не сейчас|не хочу|конечно нет|ні|ні, дякую|не зараз
hayır|HAYIR|hayir|hayır teşekkürler|istemiyorum|لا|لا شكرا|لا، شكراً|ليس الآن|نه|نه ممنون|خیر|नहीं|जी नहीं
नहीं, धन्यवाद|अभी नहीं|不|不是|不要|不用了，谢谢|不用谢谢|没有|不行|いいえ|いいえ、結構です|無理です|no, gràcies
ara no|nej|nej tack|inte nu|nej tak|ellers tak|nei takk|ikke nå|ei|ei kiitos|ei nyt|ne, děkuji|nechci|ještě ne
όχι|ΟΧΙ|όχι, ευχαριστώ|nu, mulțumesc|nu acum|nem|nem, köszönöm|most nem|tidak|tidak, terima kasih|belum|nggak
"""

UNCLEAR = """
||.|!|?|...|yes?|no?|ok?|really?|yes but no|yes and no|no yes|no wait, yes|yeah no|yeah, nah|ok no|sure, no
not sure|I'm not sure|I don't know|idk|dunno|no idea|maybe|maybe yes|perhaps|probably|I think so|I guess
yes if it rains|yes, but only on Sundays|yes but later|yes later|later|only if Ana comes|no problem|no worries
thanks|thank you|please|sorry|I am sorry|I'm fine|I'm good|I am good thanks|hello|hi|good|great|well|yesterday
yes sir no sir|know|now|noon|not|not bad|no doubt|no one told me|there is no bus|say yes to the dress
what does yes mean|is that a yes or a no|I said no to them last year but come now|noise|nothing
surely you jest|what time is it|1|2|12|yes 2|no 1|👍👎|🤔|yes 🤔|🤷|🙂|❤️|🙏|👍 but not today|ok boomer
I do not know|can you|do you|I will not say|why not|yes, no, maybe|make sure|see you|too|nose|si llueve|no sé
no se|no lo sé|sí pero no|sí y no|sí o no|tal vez|quizás|depende|a lo mejor|ya veremos|no sé, sí|oui et non
oui mais non|peut-être|je ne sais pas|ja und nein|ja nein|jein|vielleicht|ja aber|weiß nicht|ich weiß nicht
nicht sicher|ja, wenn es geht|talvez|não sei|sim e não|forse|non so|misschien|weet ik niet|ja maar|może
nie wiem|tak i nie|да нет|да нет, наверное|не знаю|может быть|может|так і ні|не знаю|можливо|belki|bilmiyorum
evet hayır|لا أعرف|لا اعرف|ربما|نعم ولا|لا بأس|نمی دانم|شاید|नहीं पता|शायद|पता नहीं|हाँ नहीं|不知道|也许|是不是
好不好|要不要|可以吗|对不起|はいいいえ|わかりません|たぶん|大丈夫です|kanske|vet inte|måske|kanskje|ehkä
en tiedä|možná|nevím|δεν ξέρω|ίσως|poate|nu știu|talán|nem tudom|mungkin|tidak tahu|https://example.org/yes
yesno|noyes
"""


def listed(table: str) -> list[str]:
    return [said for line in table.strip().splitlines() for said in line.split("|")]


@pytest.mark.parametrize("said", listed(AGREES))
def test_agreement_is_yes(said: str) -> None:
    assert meant(said) == "yes"


@pytest.mark.parametrize("said", listed(REFUSES))
def test_refusal_is_no(said: str) -> None:
    assert meant(said) == "no"


@pytest.mark.parametrize("said", listed(UNCLEAR))
def test_what_is_mixed_doubtful_or_unknown_is_neither(said: str) -> None:
    assert meant(said) == ""


@pytest.mark.parametrize("said", ["Hi", "¡Hola!", "good morning.", "Buenos dias", "こんにちは", "hello 👋"])
def test_a_hello_greets(said: str) -> None:
    assert greets(said)


@pytest.mark.parametrize("said", ["", "👋", "hi Ana", "hello there, who are you?", "thanks", "hi " * 50])
def test_more_than_a_hello_does_not_greet(said: str) -> None:
    assert not greets(said)


def test_the_tables_are_long_enough_to_mean_something() -> None:
    assert min(len(listed(table)) for table in (AGREES, REFUSES, UNCLEAR)) >= 100


PLAIN = [(w.strip(), "yes") for lang in YES.values() for w in lang.split(",")]
PLAIN += [(w.strip(), "no") for lang in NO.values() for w in lang.split(",")]


def test_every_listed_word_means_what_its_list_says() -> None:
    assert [(word, meant(word)) for word, meaning in PLAIN if meant(word) != meaning] == []


def test_words_beside_the_point_decide_nothing_alone() -> None:
    alone = {meant(word) for listed_words in NEITHER.values() for word in listed_words.split(",")}
    assert alone == {""}


@pytest.mark.parametrize("yes", ["yes", "sí", "oui", "ja", "да", "evet", "نعم", "हाँ", "是的", "はい"])
@pytest.mark.parametrize("no", ["no", "non", "nein", "нет", "hayır", "لا", "नहीं", "不是", "いいえ"])
def test_a_yes_beside_a_no_is_never_taken(yes: str, no: str) -> None:
    for said in (f"{yes} {no}", f"{no}, {yes}", f"{yes} 👎", f"{no} 👍", f"{yes} thanks {no}"):
        assert meant(said) == ""


@given(st.sampled_from(PLAIN), st.text(alphabet="abcdefghij", min_size=5, max_size=9))
def test_an_unknown_word_beside_a_yes_or_no_leaves_it_open(plain: tuple[str, str], unknown: str) -> None:
    if not words(unknown) or meant(f"yes {unknown}") == "yes":
        return
    assert meant(f"{plain[0]} {unknown}") == ""


@given(
    st.sampled_from(PLAIN),
    st.sampled_from([str.upper, str.lower, str.title]),
    st.sampled_from(["!", ".", " ", "…", ""]),
)
def test_case_and_punctuation_change_nothing(plain: tuple[str, str], case: object, end: str) -> None:
    assert callable(case)
    assert meant(f"{case(plain[0])}{end}") == plain[1]


def test_a_yes_is_as_sure_as_a_button() -> None:
    answer = yes_no("sure, yes")
    assert answer is not None
    assert (answer.value, answer.fit) == ("yes", Fit.EXACT)
    assert yes_no("yes but no") is None


@given(st.text())
def test_tidying_and_folding_twice_change_nothing(said: str) -> None:
    assert tidy(tidy(said)) == tidy(said)
    assert fold(fold(said)) == fold(said)
    assert meant(said) in {"yes", "no", ""}


@pytest.mark.parametrize(
    ("said", "tidied"),
    [
        ("  a \n b\t c ", "a b c"),
        ("st\x00op", "stop"),
        ("\u202eevil\u202c", "evil"),
        ("e\u0301", "é"),
        ("\ud800a\udfff", "a"),
        ("\ufeffhi\u200b", "hi"),
        ("👩‍🌾", "👩‍🌾"),
        ("", ""),
        ("x" * 9000, "x" * 4000),
    ],
)
def test_tidy_keeps_what_is_seen(said: str, tidied: str) -> None:
    assert tidy(said) == tidied


@pytest.mark.parametrize(
    ("said", "folded"),
    [
        ("  Stop! ", "stop"),
        ("/start", "start"),
        ("«Ayuda»", "ayuda"),
        ("¿AYUDA?", "ayuda"),
        ("Él está", "el esta"),
        ("ΝΑΊ", "ναι"),
        ("мой", "мой"),
        ("がく", "がく"),
        ("हाँ", "हाँ"),
        ("شُكْرًا", "شكرا"),
        ("İstanbul IŞIK ışık", "istanbul isik isik"),
        ("łódź", "lodz"),
        ("straße", "strasse"),
        ("stop 🛑", "stop"),
        ("???", "?"),
        ("❤️", "❤"),
        ("2️⃣", "2"),
    ],
)
def test_fold_compares_whole_messages(said: str, folded: str) -> None:
    assert fold(said) == folded


def test_accents_go_only_where_writers_leave_them_out() -> None:
    assert bare("ÉŁñ") == "eln"
    assert bare("й") == "й"


def test_words_and_signs_are_told_apart() -> None:
    assert words("🌱 Don't  stop—Climate!") == ("dont", "stop", "climate")
    assert words("نمی‌خواهم") == ("نمیخواهم",)
    assert signs("👍🏽👍🏽 ok ❤️") == "👍❤"
