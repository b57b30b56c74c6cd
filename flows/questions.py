"""Questions: how they are put, and what follows from what someone said to them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from flows import answers, choosing, phrases
from flows.answers import Answer, Fit, OutOfRange, Several
from flows.model import DONE, Caller, Conversation, Facts, Library, Option, Said, Shown, subject_of
from flows.moves import Go, Move
from flows.prepared import Forms, prepared
from flows.states import AskState
from flows.times import zone
from flows.words import fold, tidy, words

if TYPE_CHECKING:
    from flows.scene import Scene, Standing

LONGEST_TRAIL = 40
"""Steps that *back* can go back over: a question, and each flow that ran the one it is in."""

_EXPLAINED = {
    "number": phrases.SAY_NUMBER,
    "yes_no": phrases.SAY_YES_OR_NO,
    "place": phrases.SAY_PLACE,
    "date": phrases.SAY_DATE,
    "time": phrases.SAY_TIME,
    "photo": phrases.SEND_PHOTO,
    "code": phrases.SAY_CODE,
    "text": phrases.SAY_TEXT,
}

NONE = "no"
"""The key of "None of these", so that a refusal means it too; no place is called so that has its region with it."""

_NEITHER = ("neither", "none", "none of them", "not these", "ninguno", "ninguna", "ninguno de ellos")
"""As short as people say it."""

_LEADING = frozenset(
    words(
        "the one ones i im mean meant its it is that think in near by at around close to next me town city "
        "el la los las en de del cerca junto a es está que quiero quería decir creo digo uno una"
    )
)
"""Words before the one of several places that is meant."""

_LONGEST_WHICH = 100

Read = Answer | OutOfRange | Several | None
"""What something said means as an answer to a question; None where it means nothing."""


# --- asking ----------------------------------------------------------------------------------------------------


def ask(scene: "Scene", state: AskState) -> Move:
    """Puts a question that was not open before, unless it is answered already."""
    here = scene.here
    if scene.read is not None and isinstance(scene.read[0], Answer):
        read, scene.read = scene.read[0], None
        return _answered(scene, state, read)
    here.offered = ()
    shown = _shown(scene, state)
    if state.choices_from and not shown:
        return _none(state)
    here.asked = _question(scene, state)
    here.question += 1
    if state.choices_from:
        here.offered = tuple([choice.key for choice in shown])
    here.picked = ()
    here.misses = 0
    scene.show(here.asked, shown, state)
    return None


def ask_again(scene: "Scene", state: AskState, before: str = "", replaces: bool = False) -> Move:
    """Puts the open question once more, with its list as it is now; `before` is what is said with it."""
    shown, here = _shown(scene, state), scene.here
    if state.choices_from:
        if not shown:
            return _none(state)
        here.offered = tuple([choice.key for choice in shown])
        here.picked = tuple([key for key in here.picked if key in here.offered])
    here.asked = _question(scene, state)
    put = scene.translated(phrases.WHICH_PLACE) if _asks_which(state, here) else here.asked
    scene.show(f"{before}\n\n{put}" if before else put, shown, state, replaces)
    return None


def is_same(scene: "Scene", state: AskState) -> bool:
    """Whether this is the question that they read last, word for word."""
    return scene.here.asked == _question(scene, state)


def _question(scene: "Scene", state: AskState) -> str:
    """The words of a question. Where they turn out empty there must be something to answer to all the same."""
    return scene.words(state.ask) or "?"


def _none(state: AskState) -> Move:
    target = state.on.get("none", state.go)
    return Go(target) if target is not None else None


def _shown(scene: "Scene", state: AskState) -> tuple[Shown, ...]:
    if state.choices is not None:
        shown = prepared(scene.library).shown(state, scene.language)
        if shown is None:
            shown = tuple([Shown(key, scene.words(choice.label) or key) for key, choice in state.choices.items()])
        return shown
    if state.choices_from is not None:
        return tuple([Shown(option.id, option.label) for option in _options(state, scene.here, scene.facts).values()])
    if _asks_which(state, scene.here):
        names = [Shown(name, name) for name in scene.here.offered]
        return (*names, Shown(NONE, scene.translated(phrases.NONE_OF_THESE)))
    if state.expect == "yes_no":
        return (Shown("yes", scene.translated(phrases.YES_BUTTON)), Shown("no", scene.translated(phrases.NO_BUTTON)))
    return ()


def _asks_which(state: AskState, here: "Conversation | Standing") -> bool:
    """Whether they were asked which of several places they mean."""
    return state.expect == "place" and bool(here.offered)


# --- reading ---------------------------------------------------------------------------------------------------


def reading(
    library: Library, state: AskState, conversation: "Conversation | Standing", said: Said, facts: Facts, now: datetime
) -> Read:
    """What something said means as an answer to this question; None where it means nothing."""
    if said.choice is not None:
        return _pressed(state, conversation, said.choice)
    if state.choices is None and state.choices_from is None:
        if _asks_which(state, conversation) and (which := _which(library, conversation, said)) is not None:
            return which
        return _READERS[state.expect or "text"](state, said, facts, now)
    many = state.choose == "many"
    if many and conversation.picked and _is_done(library, said.text):
        return Answer(conversation.picked, Fit.EXACT)
    read = choosing.choose(said.text, _forms(library, state, conversation, facts), many, library.words.keys())
    if many and read is not None and conversation.picked:
        chosen = {*conversation.picked, *(read.value if isinstance(read.value, tuple) else ())}
        return Answer(tuple([key for key in _keys(state, conversation) if key in chosen]), read.fit)
    return read


def _pressed(state: AskState, conversation: "Conversation | Standing", choice: str | tuple[str, ...]) -> Answer | None:
    keys = _keys(state, conversation)
    if state.choose == "many":
        picked = conversation.picked if choice == DONE else (choice,) if isinstance(choice, str) else choice
        return Answer(picked, Fit.EXACT) if picked and set(picked) <= set(keys) else None
    key = choice[0] if isinstance(choice, tuple) and len(choice) == 1 else choice
    return Answer(key, Fit.EXACT) if isinstance(key, str) and key in keys else None


def _keys(state: AskState, conversation: "Conversation | Standing") -> Sequence[str]:
    if state.choices is not None:
        return tuple(state.choices)
    if _asks_which(state, conversation):
        return (*conversation.offered, NONE)
    return conversation.offered if state.choices_from else ("yes", "no") if state.expect == "yes_no" else ()


def _is_done(library: Library, said: str) -> bool:
    """Whether someone wrote what stands on the button that closes the question, in any language."""
    return len(said) <= 100 and answers.is_word(said, _in_all_languages(library, phrases.DONE_BUTTON))


def _in_all_languages(library: Library, phrase: str) -> tuple[str, ...]:
    return (phrase, *(words[phrase] for words in library.translations.values() if phrase in words))


def _which(library: Library, conversation: "Conversation | Standing", said: Said) -> Answer | None:
    """Which of the places that were offered somebody means, or none of them; None where they say neither.

    "The last" is a place. "The one in Missouri" is what it is without the words before it.
    """
    names: Forms = tuple([(name, (name,)) for name in conversation.offered])
    none = (NONE, (*_in_all_languages(library, phrases.NONE_OF_THESE), *_NEITHER))
    told = tidy(said.text).split(" ") if len(said.text) <= _LONGEST_WHICH else []
    start = next((at for at, word in enumerate(told) if not {*words(word)} <= _LEADING), len(told))
    read = choosing.choose(said.text, names, False, library.words.keys()) or choosing.choose(
        said.text, (*names, none), False, library.words.keys()
    )
    for at in range(1, start + 1 if read is None else 0):
        read = read or choosing.choose(" ".join(told[at:]), names, False, library.words.keys())
    # What is nearly one of them, and altogether another place, is that.
    return None if read is not None and read.fit is Fit.NEAR and said.place else read


def _options(state: AskState, conversation: "Conversation | Standing", facts: Facts) -> dict[str, Option]:
    lines, about = facts.lists.get(state.choices_from or "", ()), subject_of(conversation, "action")
    return {line.id: line for line in lines if line.action in ("", about)}


def _forms(library: Library, state: AskState, conversation: "Conversation | Standing", facts: Facts) -> Forms:
    """Each key with every form in which it may be written: its label in each language, and the key itself.

    What has gone from a list since it was shown keeps its number.
    """
    if state.choices is not None:
        return prepared(library).forms(state)
    options = _options(state, conversation, facts)
    return tuple([(key, (options[key].label,) if key in options else ()) for key in conversation.offered])


def _date(state: AskState, said: Said, facts: Facts, now: datetime) -> Read:
    return answers.date(said.text, now.astimezone(zone(facts.zone)).date(), facts.language)


def _place(state: AskState, said: Said, facts: Facts, now: datetime) -> Read:
    if said.places:
        return Several(said.places)
    if said.place is None:
        return answers.place(said.text)
    return Answer(said.place, Fit.TYPE) if said.place else None


# Where a platform has no buttons, yes and no are a numbered list.
_YES_NO = (("yes", (phrases.YES_BUTTON,)), ("no", (phrases.NO_BUTTON,)))

_READERS: Mapping[str, Callable[[AskState, Said, Facts, datetime], Read]] = {
    "text": lambda state, said, facts, now: (answers.name if state.save == "me.name" else answers.text)(said.text),
    "number": lambda state, said, facts, now: answers.number(said.text, state.least, state.most),
    "yes_no": lambda state, said, facts, now: answers.yes_no(said.text) or choosing.choose(said.text, _YES_NO, False),
    "place": _place,
    "date": _date,
    "time": lambda state, said, facts, now: answers.time(said.text),
    "photo": lambda state, said, facts, now: Answer(said.photo, Fit.TYPE) if said.photo else None,
    "code": lambda state, said, facts, now: answers.code(said.text),
}


# --- what follows ----------------------------------------------------------------------------------------------


def answer(scene: "Scene", state: AskState, said: Said) -> Move:
    """What follows from what they said: an answer is kept and leads on, a miss is explained."""
    if state.choose == "many" and isinstance(said.choice, str) and said.choice != DONE:
        return _toggle(scene, state, said.choice)
    known, scene.read = scene.read, None
    read = known[0] if known else reading(scene.library, state, scene.here, said, scene.facts, scene.now)
    skipped = not (isinstance(read, Answer) and read.fit >= Fit.NEAR) and _is_skip(scene, said)
    if skipped and "skip" in state.on:
        return _on(scene, state.on["skip"])
    if isinstance(read, Answer) and not (skipped and state.expect != "text"):
        if _asks_which(state, scene.here) and read.value == NONE:
            return _none_of_these(scene, state)
        return _answered(scene, state, read)
    if isinstance(read, Several) and read.names != scene.here.offered:
        return _offer(scene, state, read.names)
    return _missed(scene, state, read)


def _is_skip(scene: "Scene", said: Said) -> bool:
    """Whether they would rather not say: the word alone, or "Done" with nothing picked."""
    if said.choice is not None:
        return said.choice == DONE and not scene.here.picked
    if len(said.text) > 100:
        return False
    word = scene.library.words.get(fold(said.text))
    return word is not None and word.anytime == "skip"


def _on(scene: "Scene", target: str | None) -> Move:
    """Leaves the question behind, so that *back* finds it, with the flows that ran this one before it."""
    here = scene.here
    here.trail = (*here.trail, *here.callers, Caller(here.flow, here.state))[-LONGEST_TRAIL:]
    return Go(target) if target is not None else None


def _answered(scene: "Scene", state: AskState, read: Answer) -> Move:
    key = read.value if isinstance(read.value, str) else ""
    if state.choices_from and key in (options := _options(state, scene.here, scene.facts)):
        scene.learn(options[key].facts)
    if state.save is not None:
        scene.save(state.save, read.value)
    target = state.on.get(key, state.go) if state.choices is not None or state.expect == "yes_no" else state.go
    if state.choices is not None and key in state.choices:
        target = state.choices[key].go or target
    return _on(scene, target)


def _toggle(scene: "Scene", state: AskState, key: str) -> Move:
    keys = _keys(state, scene.here)
    if key in keys:
        chosen = set(scene.here.picked) ^ {key}
        scene.here.picked = tuple([each for each in keys if each in chosen])
    return ask_again(scene, state, replaces=True)


def _offer(scene: "Scene", state: AskState, names: tuple[str, ...]) -> Move:
    """Asks which of these places they mean: a question of its own, so that older buttons are known as old."""
    scene.here.offered = names
    scene.here.question += 1
    return ask_again(scene, state)


def _none_of_these(scene: "Scene", state: AskState) -> Move:
    here = scene.here
    here.offered = ()
    here.question += 1
    here.misses += 1
    return ask_again(scene, state, scene.translated(phrases.ANOTHER_PLACE) if here.misses % 3 else _human(scene))


def _missed(scene: "Scene", state: AskState, read: Read) -> Move:
    scene.here.misses += 1
    human = scene.here.misses % 3 == 0
    return ask_again(scene, state, _human(scene) if human else _why(scene, state, read))


def _human(scene: "Scene") -> str:
    return scene.words(phrases.OFFER_HUMAN)


def _why(scene: "Scene", state: AskState, read: Read) -> str:
    """What would have been understood, in one sentence."""
    if state.choices is not None or state.choices_from is not None or _asks_which(state, scene.here):
        return scene.translated(phrases.PICK_MANY if state.choose == "many" else phrases.PICK_ONE)
    if isinstance(read, OutOfRange):
        both = read.least is not None and read.most is not None
        one = phrases.NUMBER_LEAST if read.least is not None else phrases.NUMBER_MOST
        sentence = scene.translated(phrases.NUMBER_FROM_TO if both else one)
        return sentence.replace("{least}", _plain(read.least)).replace("{most}", _plain(read.most))
    return scene.translated(_EXPLAINED[state.expect or "text"])


def _plain(number: float | None) -> str:
    return "" if number is None else f"{number:.15g}"
