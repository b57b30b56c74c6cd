"""How names of places are written and misspelt: one key for all spellings, and words that surround a name."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

from flows.words import words

SHORTEST_MISSPELT = 5
"""A shorter name is understood only as it is written: nearly every short word is nearly the name of some town."""

_ALIKE = {"st": "saint", "ste": "sainte", "sankt": "saint", "mt": "mount", "ft": "fort"}
_SOUNDS = str.maketrans(
    {**dict.fromkeys("aeiouywh αεηιουω аеёиоуыэюяйьъіїєґ"), "c": "k", "q": "k", "x": "k", "z": "s", "v": "f"}
)
_CONSONANTS = "bdfgjklmnprst"

_LEADS = (
    "i live in, i live near, i live at, i am in, i am from, i am near, im in, im from, im near, we live in, we are in, "
    "the one in, the one near, the one, in the, el de, la de, el que esta en, la que esta en, i mean the one in, "
    "i mean, "
    "we are from, live in, living in, based in, its, it is, my town is, my city is, near to, close to, next to, "
    "outside, just outside, around, near, from, in, at, the city of, the town of, city of, town of, north, south, "
    "east, west, central, greater, downtown, vivo en, vivo cerca de, soy de, estoy en, cerca de, en, ich wohne in, "
    "wohne in, ich bin in, ich bin aus, ich komme aus, in der nahe von, bei, aus, nahe, jhabite a, jhabite, "
    "je suis a, je suis de, je vis a, pres de, a, moro em, sou de, perto de, em, abito a, vivo a, vicino a, sono di, "
    "ik woon in, vlakbij"
)
_TAILS = (
    "please, area, region, city, town, city centre, city center, town centre, downtown, thanks, thank you, i think, "
    "por favor, gracias, centro, ciudad, bitte, umgebung, stadt, centre ville, sil vous plait, merci"
)
LEADS = {tuple(words(lead)) for lead in _LEADS.split(",")}
TAILS = {tuple(words(tail)) for tail in _TAILS.split(",")}

_NOWHERE = (
    "yes, no, yeah, yep, yup, nope, ok, okay, sure, maybe, none, nothing, nowhere, anywhere, everywhere, somewhere, "
    "wherever, whatever, here, there, home, at home, my home, house, my house, online, internet, remote, earth, world, "
    "moon, mars, space, idk, dunno, i dont know, dont know, not sure, unsure, unknown, na, n a, null, test, testing, "
    "asdf, qwerty, hello, hi, hey, hola, hallo, ciao, bonjour, thanks, thank you, please, start, stop, help, "
    "skip, back, next, never, always, later, soon, today, tomorrow, now, never mind, nevermind, no thanks, not now, "
    "not telling, i wont say, i wont tell you, private, secret, why, what, who, where, when, how, which, good, bad, "
    "fine, great, nice one, cool, same, other, another, any, all, both, same place, none of these, me, you, me too, "
    "us, we, them, because, monday, tuesday, wednesday, thursday, friday, saturday, sunday, weekend, evening, "
    "bot, human, person, people, place, town, city, village, country, street, road, school, work, office, job, "
    "north, south, east, west, center, centre, left, right, up, down, postcode, zip, address, location, "
    "si, no se, no lo se, nada, ninguno, ninguna, ningun sitio, ninguna parte, en ninguna parte, aqui, alli, casa, "
    "mi casa, en casa, quien, que, porque, por que, tal vez, quizas, claro, vale, gracias, manana, hoy, luego, "
    "ja, nein, vielleicht, nichts, nirgends, nirgendwo, hier, dort, zuhause, zu hause, keine, keine ahnung, "
    "weiss nicht, weiss ich nicht, ich weiss nicht, ich weiss es nicht, danke, bitte, warum, morgen, heute, egal, "
    "oui, non, peut etre, rien, nulle part, ici, chez moi, je ne sais pas, jsais pas, aucun, aucune, merci, demain, "
    "sim, nao, nao sei, talvez, obrigado, obrigada, nenhum, nenhuma, lugar nenhum, em casa, "
    "non so, non lo so, niente, nessuno, forse, grazie, qui, "
    "да, нет, не знаю, нигде, здесь, дома, ничего, привет, так, ні, ніде, тут, "
    "لا, نعم, لا اعرف, لا أعرف, 不知道, 没有, 是, 不"
)
NOWHERE = {" ".join(words(each)) for each in _NOWHERE.split(",")}
"""What people write instead of a place."""


def key(text: str) -> str:
    """The form in which names are compared: words of `flows.words`, "St" and "Saint" alike; "" where there is none."""
    return " ".join([_ALIKE.get(word, word) for word in words(text)])


@lru_cache(maxsize=1 << 12)
def sound(name: str) -> str:
    """What most misspellings of a key leave as it is: its consonants, alike ones as one, none doubled."""
    return "".join([letter for letter, _ in groupby(name.replace("ph", "f").translate(_SOUNDS))])


def near_sounds(heard: str) -> set[str]:
    """`heard`, and where it is long enough every sound that is one slip away: one more, one less, another, swapped."""
    if len(heard) < 2:
        return {heard}
    near = {heard}
    for at in range(len(heard) + 1):
        before, after = heard[:at], heard[at:]
        near.update(before + letter + after for letter in _CONSONANTS)
        if after:
            near.add(before + after[1:])
            near.update(before + letter + after[1:] for letter in _CONSONANTS)
        if len(after) > 1:
            near.add(before + after[1] + after[0] + after[2:])
    return near


def most_edits(name: str) -> int:
    """How many slips (a letter more, less, another, two swapped) a key may have and still be understood."""
    return 0 if len(name) < SHORTEST_MISSPELT else 1 if len(name) < 9 else 2


def is_slip(name: str, of: str, slips: float) -> bool:
    """Whether a key with so many slips is another misspelt: all begin alike, and what sounds the same may have more."""
    begins = name[0] == of[0] or name[:2] == of[1::-1]
    return begins and (slips <= most_edits(name) or (len(name) > 7 and sound(name) == sound(of)))


def bared(said: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """What is left of typed words without those that lead to a name or follow it, the longest first."""
    yield said
    while True:
        led = max((len(lead) for lead in LEADS if said[: len(lead)] == lead and len(lead) < len(said)), default=0)
        tail = max((len(tail) for tail in TAILS if said[-len(tail) :] == tail and len(tail) < len(said)), default=0)
        if led and tail and led + tail >= len(said):
            tail = 0
        if not led and not tail:
            return
        said = said[led : len(said) - tail]
        yield said
