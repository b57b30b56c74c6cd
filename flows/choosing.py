"""Which of some choices someone meant: by label, number, part of a label, near spelling, or several at once."""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import dropwhile

from rapidfuzz.distance import OSA

from flows.agreement import NEGATIONS, meant
from flows.answers import Answer, Fit
from flows.dates import COUNT
from flows.words import bare, clean, fold, signs, tidy, words

_ORDINALS = {
    form: 1 + at
    for row in (
        "first second third fourth fifth sixth seventh eighth ninth tenth",
        "primero/primera/primer segundo/segunda tercero/tercera/tercer cuarto/cuarta quinto/quinta sexto/sexta "
        "septimo/septima octavo/octava noveno/novena decimo/decima",
        "premier/premiere deuxieme/seconde troisieme quatrieme cinquieme sixieme septieme huitieme neuvieme dixieme",
        "erste/ersten/erster/erstes zweite/zweiten/zweiter/zweites dritte/dritten/dritter/drittes vierte/vierten "
        "funfte/funften sechste/sechsten siebte/siebten achte/achten neunte/neunten zehnte/zehnten",
    )
    for at, forms in enumerate(row.split())
    for form in forms.split("/")
}
_LAST = frozenset("last ultimo ultima dernier derniere letzte letzten letzter letztes".split())
_ORDINAL_FIGURES = re.compile(r"(\d{1,3})(?:st|nd|rd|th|er|ere|e|eme|º|ª)?")
_ALL = frozenset(
    words(
        "all everything todo todos todas tout tous toutes alles alle tudo tutto tutti tutte allemaal wszystko "
        "wszystkie все всё всі усе усі hepsi hepsini الكل كلها همه सब सभी 全部 都 すべて 全て tot alla alt kaikki vse "
        "vsechno ολα toate mind semua semuanya every"
    )
)
_BOTH = frozenset("both ambos ambas beide beides entrambi entrambe beiden oba obie оба обидва deux begge bada".split())
_BESIDE_ALL = frozenset(
    words("of them the these those above it please options choices thanks los las les ellos ellas de por favor bitte "
    "danke merci gracias davon i like one lo anterior and together")
)  # fmt: skip
_FILLERS = frozenset(
    words(
        "the one please pls thanks thank you i id ill im want would like choose pick take go for with prefer option "
        "number choice answer nr num nº n° hi hello ok okay just el la los las lo le les der die das den dem por "
        "favor gracias quiero prefiero opcion numero merci je veux voudrais choisis option numero bitte danke ich "
        "mochte nehme will gern gerne nummer um o a um uma quero gostaria de voglio vorrei"
    )
)
_AND = frozenset(
    words("and y e et und en og och i и та і ja și és και dan ve و और 和 と & plus also auch tambien aussi")
)
_STOP = _FILLERS | _AND | _ALL | frozenset(words("with your our from that this can are mit fur von des con para"))
_SEPARATORS = re.compile(r"[,;/&+\n、，；؛،|]+")
_RANGE = re.compile(r"\d\s*[-–—~]\s*\d")
_LONGEST_CHOICE = 400
_MOST_SEVERAL = 40
_MOST_NEAR = 6

Forms = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class _Form:
    choice: int
    words: tuple[str, ...]
    bag: frozenset[str]
    negations: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Index:
    """What some choices are called; each of `tiers` maps whole forms to the choices that have them, surest first."""

    written: Mapping[str, frozenset[int]]
    keys: tuple[str, ...]
    tiers: tuple[Mapping[str, frozenset[int]], ...]
    forms: tuple[_Form, ...]
    vocabulary: frozenset[str]


def _tier(pairs: Sequence[tuple[str, int]]) -> Mapping[str, frozenset[int]]:
    found: dict[str, frozenset[int]] = {}
    for form, at in pairs:
        if form:
            found[form] = found.get(form, frozenset()) | {at}
    return found


@lru_cache(512)
def _index(choices: Forms) -> _Index:
    named = [(tuple(form for form in forms if form != key) or forms) for key, forms in choices]
    labels = [(form, at) for at, forms in enumerate(named) for form in forms]
    keys = [(bare(tidy(key)), at) for at, (key, forms) in enumerate(choices) if key in forms]
    spoken = [(words(form), at) for form, at in labels]
    forms = tuple(_Form(at, told, frozenset(told), NEGATIONS & set(told)) for told, at in spoken if told)
    return _Index(
        _tier(labels),
        tuple(key for key, _ in choices),
        (
            _tier([(bare(tidy(form)), at) for form, at in labels]),
            _tier([(" ".join(told), at) for told, at in spoken]),
            _tier(keys),
            _tier([(signs(form), at) for form, at in labels]),
            _tier([("".join(told), at) for told, at in spoken if len("".join(told)) >= 4]),
        ),
        forms,
        frozenset(word for form in forms for word in form.bag),
    )


def _only(found: Collection[int]) -> int | None:
    return next(iter(found)) if len(found) == 1 else None


def _ordinal(word: str, count: int) -> int:
    """The position, from 1, that one word names among `count`; 0 for none."""
    if len(word) == 1 and (value := float(unicodedata.numeric(word, 0))) >= 1:
        return int(value) if value.is_integer() else 0
    if figures := _ORDINAL_FIGURES.fullmatch(word):
        return int(figures[1])
    return count if word in _LAST else _ORDINALS.get(word, COUNT.get(word, 0))


def _position(plain: str, told: tuple[str, ...], count: int) -> int | None:
    """Which choice a place in the list names: "2", "#2", "option 2", "②", "the second one"."""
    core = [word for word in told if word not in _FILLERS] or [w for w in told if w == "one" and "the" not in told]
    if len(core) != 1 or re.match(r"[-−]\d", plain):
        return None
    at = _ordinal(core[0], count)
    return at - 1 if 1 <= at <= count else None


def _telling(word: str) -> bool:
    """Whether a word alone can stand for the label it is part of."""
    return word not in _STOP and (len(word) >= 3 or word[0] >= "\u2e80" or word.isdecimal() or word in NEGATIONS)


def _part(told: tuple[str, ...], index: _Index) -> int | None:
    """The one choice whose label holds all these words. A negation is in both or in neither."""
    bag = frozenset(told)
    if not bag <= index.vocabulary or not any(map(_telling, told)):
        return None
    return _only({form.choice for form in index.forms if bag <= form.bag and form.negations == bag & NEGATIONS})


def _exactly(said: str, index: _Index, reserved: Collection[str]) -> int | None:
    """The choice that is surely meant: a whole label or key, else a place in the list, else part of one label."""
    plain, told = bare(tidy(said)), words(said)
    spoken = (plain, " ".join(told), plain, "" if told else signs(said), "".join(told))
    for tier, form in zip(index.tiers, spoken, strict=True):
        if found := tier.get(form):
            return _only(found)
    if plain.startswith("/"):
        return None
    at = _position(plain, told, len(index.keys))
    part = None if fold(said) in reserved else _part(told, index)
    return None if at is not None and part not in {None, at} else part if at is None else at


def _stripped(told: tuple[str, ...]) -> tuple[str, ...]:
    """These words without the polite ones at both ends."""
    told = tuple(dropwhile(_FILLERS.__contains__, told))
    return tuple(reversed(tuple(dropwhile(_FILLERS.__contains__, reversed(told)))))


def _alike(said: str, word: str) -> bool:
    """Whether `said` is `word` misspelled or begun; figures and words under four letters must be the same."""
    if said == word:
        return True
    least = 2 if said[0] >= "\u2e80" else 4
    if said[0] != word[0] or not (said + word).isalpha() or len(said) < least:
        return False
    size = min(len(said), len(word))
    slips = 0 if size < 4 else 1 if size < 9 else 2
    return word.startswith(said) or OSA.distance(said, word, score_cutoff=slips) <= slips


def _near(said: str, index: _Index, reserved: Collection[str]) -> int | None:
    """The one choice of which this is a near spelling, first of a whole label, then of part of one."""
    told = _stripped(words(said))
    if fold(said) in reserved or said.lstrip().startswith("/") or len(told) > _MOST_NEAR:
        return None
    if not any((len(word) >= 4 and word not in _STOP) or word[0] >= "\u2e80" for word in told):
        return None
    turned = NEGATIONS & set(told)
    forms = [form for form in index.forms if form.negations == turned]
    whole = {
        form.choice for form in forms if len(form.words) == len(told) and all(map(_alike, told, form.words))
    }  # fmt: skip
    return _only(whole or {f.choice for f in forms if all(any(_alike(word, w) for w in f.bag) for word in told)})


def _one(said: str, index: _Index, reserved: Collection[str]) -> int | None:
    if (at := _exactly(said, index, reserved)) is not None:
        return at
    told = words(said)
    core = () if said.lstrip().startswith("/") else _stripped(told)
    return _exactly(" ".join(core), index, reserved) if core and core != told else None


def _row(told: tuple[str, ...], index: _Index, read: Callable[[tuple[str, ...]], int | None]) -> set[int] | None:
    """The choices named one after the other, from the end on; None where a word belongs to none of them."""
    longest = max((len(form.words) for form in index.forms), default=1) + 2
    rests: dict[int, set[int]] = {len(told): set()}
    for start in range(len(told) - 1, -1, -1):
        for end in range(min(len(told), start + longest), start, -1):
            beside = told[start:end] == ("one",) and start > 0 and told[start - 1] not in _AND
            if end in rests and not beside and (at := read(told[start:end])) is not None:
                rests[start] = rests[end] | {at}
                break
        else:
            if start + 1 in rests and told[start] in _AND | _FILLERS:
                rests[start] = rests[start + 1]
    return rests.get(0) or None


def _chunk(chunk: str, index: _Index, reserved: Collection[str]) -> tuple[set[int] | None, Fit]:
    """The choices named between two commas."""
    told = words(chunk)
    if not told:
        tier = index.tiers[3]
        shown = {_only(tier.get(sign, ())) for sign in signs(chunk)}
        return (None if None in shown else {at for at in shown if at is not None}), Fit.EXACT
    if (at := _one(chunk, index, reserved)) is not None:
        return {at}, Fit.EXACT
    if row := _row(told, index, lambda part: _exactly(" ".join(part), index, reserved)):
        return row, Fit.EXACT
    if (at := _near(chunk, index, reserved)) is not None:
        return {at}, Fit.NEAR

    def close(part: tuple[str, ...]) -> int | None:
        at = _exactly(" ".join(part), index, reserved)
        return _near(part[0], index, reserved) if at is None and len(part) == 1 else at

    return _row(told, index, close), Fit.NEAR


def _several(said: str, index: _Index, reserved: Collection[str]) -> tuple[set[int], Fit] | None:
    """All the choices named, none of them doubtful: "1 and 3", "climate, food", "all of them"."""
    said = clean(said)
    told = words(said)
    bag = set(told)
    all_of = _ALL | _BOTH if len(index.keys) == 2 else _ALL
    if index.keys and bag & all_of and bag <= all_of | _BESIDE_ALL:
        return set(range(len(index.keys))), Fit.EXACT
    if len(told) > _MOST_SEVERAL or _RANGE.search(said):
        return None
    found: set[int] = set()
    fit = Fit.EXACT
    for chunk in _SEPARATORS.split(said):
        if set(words(chunk)) <= _AND | _FILLERS - {"one"} and not signs(chunk):
            continue
        named, sure = _chunk(chunk, index, reserved)
        if not named:
            return None
        found, fit = found | named, min(fit, sure)
    return (found, fit) if found else None


def choose(
    said: str, choices: Sequence[tuple[str, Sequence[str]]], many: bool, reserved: Collection[str] = ()
) -> Answer | None:
    """The key that was meant, or for `many` the keys in the order of the choices; None where it is not clear.

    `choices` are (key, every form it may be written in). Understood are a form, its place in the list, a part that no
    other choice has, and a near spelling; agreement and refusal too, where a key is yes or no. `reserved` are folded
    words that mean something else everywhere: they are an answer only as a whole form.
    """
    index = _index(tuple([(key, tuple(forms)) for key, forms in choices]))
    at, fit = _only(index.written.get(said, ())), Fit.EXACT
    if at is None and (at := _only(index.tiers[0].get(bare(tidy(said)), ()))) is None:
        if len(said) > _LONGEST_CHOICE:
            return None
        at = _one(said, index, reserved)
    if many and at is None:
        several = _several(said, index, reserved)
        return Answer(tuple(index.keys[n] for n in sorted(several[0])), several[1]) if several else None
    if at is None and {"yes", "no"} & set(index.keys) and (meaning := meant(said)) in index.keys:
        return Answer(meaning, Fit.EXACT)
    if at is None:
        at, fit = _near(said, index, reserved), Fit.NEAR
    if at is None:
        return None
    return Answer((index.keys[at],) if many else index.keys[at], fit)
