"""Questions: how they are put, and what follows from what someone said to them."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from flows import answers, phrases
from flows.answers import Answer, Fit, OutOfRange
from flows.model import DONE, Caller, Conversation, Facts, Library, Option, Said, Shown
from flows.states import AskState, Go, Move

if TYPE_CHECKING:
    from flows.scene import Scene

LONGEST_TRAIL = 20
"""Questions that *back* can go back over."""

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


def ask(scene: "Scene", state: AskState) -> Move:
    """Puts a question that was not open before."""
    shown = _shown(scene, state)
    if state.choices_from and not shown:
        target = state.on.get("none", state.go)
        return Go(target) if target is not None else None
    text = scene.words(state.ask)
    scene.conversation = scene.conversation.with_(
        question=scene.conversation.question + 1,
        asked=text,
        offered=tuple(choice.key for choice in shown) if state.choices_from else (),
        picked=(),
        misses=0,
    )
    scene.show(text, shown, state)
    return None


def ask_again(scene: "Scene", state: AskState, before: str = "") -> None:
    """Puts the open question once more, as it was shown; `before` is what is said with it."""
    text = scene.words(state.ask)
    scene.show(f"{before}\n\n{text}" if before else text, _shown(scene, state), state)


def answer(scene: "Scene", state: AskState, said: Said) -> Move:
    """What follows from what they said: an answer is kept and leads on, a miss is explained."""
    if said.choice is not None and state.choose == "many" and isinstance(said.choice, str) and said.choice != DONE:
        return _toggle(scene, state, said.choice)
    read = reading(scene.library, state, scene.conversation, said, scene.facts, scene.now)
    if isinstance(read, Answer):
        return _answered(scene, state, read)
    if "skip" in state.on and _is_skip(scene.library, said):
        return _on(scene, Go(state.on["skip"]))
    return _missed(scene, state, read)


def reading(
    library: Library, state: AskState, conversation: Conversation, said: Said, facts: Facts, now: datetime
) -> Answer | OutOfRange | None:
    """What something said means as an answer to this question; None where it means nothing."""
    if said.choice is not None:
        return _pressed(state, conversation, said.choice)
    if state.choices is not None or state.choices_from is not None:
        many = state.choose == "many"
        return answers.choose(said.text, _forms(library, state, conversation, facts), many, library.words.keys())
    return _READERS[state.expect or "text"](state, said, facts, now)


def _pressed(state: AskState, conversation: Conversation, choice: str | tuple[str, ...]) -> Answer | None:
    keys = _keys(state, conversation)
    if state.choose == "many":
        picked = conversation.picked if choice == DONE else (choice,) if isinstance(choice, str) else choice
        return Answer(picked, Fit.EXACT) if picked and set(picked) <= set(keys) else None
    key = choice[0] if isinstance(choice, tuple) and len(choice) == 1 else choice
    return Answer(key, Fit.EXACT) if isinstance(key, str) and key in keys else None


def _keys(state: AskState, conversation: Conversation) -> Sequence[str]:
    if state.choices is not None:
        return tuple(state.choices)
    return conversation.offered if state.choices_from else ("yes", "no") if state.expect == "yes_no" else ()


def _shown(scene: "Scene", state: AskState) -> tuple[Shown, ...]:
    if state.choices is not None:
        return tuple(Shown(key, scene.words(choice.label)) for key, choice in state.choices.items())
    if state.choices_from is not None:
        return tuple(Shown(option.id, option.label) for option in scene.facts.lists.get(state.choices_from, ()))
    if state.expect == "yes_no":
        return (Shown("yes", scene.words(phrases.YES_BUTTON)), Shown("no", scene.words(phrases.NO_BUTTON)))
    return ()


def _options(state: AskState, facts: Facts) -> dict[str, Option]:
    return {option.id: option for option in facts.lists.get(state.choices_from or "", ())}


def _forms(
    library: Library, state: AskState, conversation: Conversation, facts: Facts
) -> list[tuple[str, Sequence[str]]]:
    """Each key with every form in which it may be written: its label in each language, and the key itself."""
    if state.choices is None:
        options = _options(state, facts)
        return [(key, (options[key].label,) if key in options else ()) for key in conversation.offered]
    translations = library.translations.values()
    return [
        (key, (choice.label, key, *(words[choice.label] for words in translations if choice.label in words)))
        for key, choice in state.choices.items()
    ]


def _photo(state: AskState, said: Said, facts: Facts, now: datetime) -> Answer | None:
    return Answer(said.photo, Fit.TYPE) if said.photo else None


def _place(state: AskState, said: Said, facts: Facts, now: datetime) -> Answer | None:
    return Answer(said.place, Fit.TYPE) if said.place else answers.place(said.text)


_READERS = {
    "text": lambda state, said, facts, now: answers.text(said.text),
    "number": lambda state, said, facts, now: answers.number(said.text, state.least, state.most),
    "yes_no": lambda state, said, facts, now: answers.yes_no(said.text),
    "place": _place,
    "date": lambda state, said, facts, now: answers.date(
        said.text, now.astimezone(ZoneInfo(facts.zone)).date(), facts.language
    ),
    "time": lambda state, said, facts, now: answers.time(said.text),
    "photo": _photo,
    "code": lambda state, said, facts, now: answers.code(said.text),
}


def _is_skip(library: Library, said: Said) -> bool:
    word = library.words.get(answers.fold(said.text))
    return word is not None and word.anytime == "skip"


def _on(scene: "Scene", move: Move) -> Move:
    """Leaves the question behind, so that *back* finds it."""
    here = Caller(scene.conversation.flow, scene.conversation.state)
    scene.conversation = scene.conversation.with_(trail=(*scene.conversation.trail, here)[-LONGEST_TRAIL:])
    return move


def _answered(scene: "Scene", state: AskState, read: Answer) -> Move:
    key = read.value if isinstance(read.value, str) else ""
    if state.choices_from and key in (options := _options(state, scene.facts)):
        scene.learn(options[key].facts)
    if state.save is not None:
        scene.save(state.save, read.value)
    target = state.on.get(key, state.go) if state.choices is not None or state.expect == "yes_no" else state.go
    if state.choices is not None and key in state.choices:
        target = state.choices[key].go or target
    return _on(scene, Go(target) if target is not None else None)


def _toggle(scene: "Scene", state: AskState, key: str) -> Move:
    conversation = scene.conversation
    if key in _keys(state, conversation):
        chosen = set(conversation.picked) ^ {key}
        picked = tuple(each for each in _keys(state, conversation) if each in chosen)
        scene.conversation = conversation.with_(picked=picked)
    scene.show(scene.words(state.ask), _shown(scene, state), state, replaces=True)
    return None


def _missed(scene: "Scene", state: AskState, read: OutOfRange | None) -> Move:
    misses = scene.conversation.misses + 1
    scene.conversation = scene.conversation.with_(misses=misses)
    ask_again(scene, state, phrases_for(scene, state, read) if misses % 3 else scene.words(phrases.OFFER_HUMAN))
    return None


def phrases_for(scene: "Scene", state: AskState, read: OutOfRange | None) -> str:
    """What would have been understood, in one sentence."""
    if state.choices is not None or state.choices_from is not None:
        return scene.words(phrases.PICK_MANY if state.choose == "many" else phrases.PICK_ONE)
    if isinstance(read, OutOfRange):
        both = read.least is not None and read.most is not None
        least_only = phrases.NUMBER_LEAST if read.least is not None else phrases.NUMBER_MOST
        sentence = scene.translated(phrases.NUMBER_FROM_TO if both else least_only)
        return sentence.format(least=_plain(read.least), most=_plain(read.most))
    return scene.words(_EXPLAINED[state.expect or "text"])


def _plain(number: float | None) -> str:
    return "" if number is None else f"{number:g}"
