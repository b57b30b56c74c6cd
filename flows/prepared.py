"""What is worked out once for a library and used in every turn: labels, what they may be called, conditions."""

from collections.abc import Mapping

from flows.conditions import Condition, compiled
from flows.model import NOTHING, Library, Shown
from flows.names import known_names
from flows.openings import Opening, openings
from flows.states import AskState, DoState, RunState

_REMEMBERED = 8
"""Libraries at once: those in force and the ones just replaced."""

_OF_PAIR = frozenset({"met", "share_contact", "end_pair", "another_buddy"})

_OF_LIST = frozenset({"sign_up", "cancel_sign_up", "claim_need"})

_PRIVATE = _OF_PAIR | {"report", "hand_over", "stop", "forget_me"}

Forms = tuple[tuple[str, tuple[str, ...]], ...]


class Prepared:
    """One library's worked-out parts, each made when it is first wanted. What people say never comes in here.

    first_contact   the flow that greets someone who writes for the first time; "" for none
    openings        how messages begin that begin a flow and answer its first question, by their first word
    """

    __slots__ = (
        "_conditions", "_forms", "_labels", "_links", "_lists", "_named", "_of_pair", "_shown", "_speaks",
        "first_contact", "library", "openings",
    )  # fmt: skip

    def __init__(self, library: Library) -> None:
        self.library = library
        self.first_contact = next((flow.name for flow in library.flows.values() if flow.starts.first_contact), "")
        self.openings: Mapping[str, tuple[Opening, ...]] = openings(library)
        self._forms: dict[int, Forms] = {}
        self._shown: dict[tuple[int, str], tuple[Shown, ...] | None] = {}
        self._conditions: dict[tuple[str, str], Condition] = {}
        self._labels: dict[str, dict[str, str]] = {}
        self._links = {flow.starts.link: flow.name for flow in library.flows.values() if flow.starts.link}
        self._lists: dict[str, frozenset[str]] = {}
        self._of_pair: dict[str, bool] = {}
        self._named: dict[tuple[str, ...], bool] = {}
        self._speaks: dict[str, bool] = {}

    def link(self, text: str) -> tuple[str, str]:
        """The flow that a deep link begins, and what stands behind its name: `/start NAME` or `/start NAME-MORE`.

        ("", "") where this is not what a platform makes of one.
        """
        command, _, payload = text.partition(" ")
        if command != "/start":
            return "", ""
        whole = payload.strip()
        name, _, more = ("", "", "") if whole in self._links else whole.partition("-")
        return self._links.get(name or whole, ""), more

    def lists(self, flow: str) -> frozenset[str]:
        """The lists a flow may want for its choices, with those of the flows it runs."""
        found = self._lists.get(flow)
        if found is None:
            states = [state for name in self._with_run(flow) for state in self.library.flows[name].states.values()]
            asked = {state.choices_from for state in states if isinstance(state, AskState)}
            found = self._lists[flow] = frozenset(name for name in asked if name)
        return found

    def speaks_of_pair(self, flow: str) -> bool:
        """Whether a flow, or one that it runs, names the pair in a text or condition, or does something with it."""
        speaks = self._speaks.get(flow)
        if speaks is None:
            speaks = self._speaks[flow] = any(self.names_pair(name) for name in self._with_run(flow))
        return speaks

    def names(self, flow: str, *names: str) -> bool:
        """Whether this flow, or one that it runs, reads one of these, like `pair.away_until`: what few read is looked
        up only then."""
        found = self._named.get((flow, *names))
        if found is None:
            states = [repr(each) for one in self._with_run(flow) for each in self.library.flows[one].states.values()]
            found = self._named[flow, *names] = any(name in state for state in states for name in names)
        return found

    def names_pair(self, flow: str) -> bool:
        """Whether this flow's own states name the pair, or do something with it."""
        named = self._of_pair.get(flow)
        if named is None:
            found = self.library.flows.get(flow)
            named = self._of_pair[flow] = any(
                "pair." in repr(state) or (isinstance(state, DoState) and state.do in _OF_PAIR)
                for state in (found.states.values() if found else ())
            )
        return named

    def signs_up(self, flow: str) -> bool:
        """Whether what is asked in this flow is whether they come to something, or what they bring to it."""
        found = self.library.flows.get(flow)
        states = found.states.values() if found else ()
        return any(isinstance(state, DoState) and state.do in _OF_LIST for state in states)

    def about_the_other(self, flow: str) -> bool:
        """Whether what is said in this flow concerns the one they were introduced to: whether they met, how it was."""
        found = self.library.flows.get(flow)
        states = found.states.values() if found else ()
        return any(isinstance(state, DoState) and state.do in _PRIVATE for state in states)

    def _with_run(self, flow: str) -> list[str]:
        found = [flow] if flow in self.library.flows else []
        for name in found:
            runs = [state.run for state in self.library.flows[name].states.values() if isinstance(state, RunState)]
            found += [each for each in dict.fromkeys(runs) if each not in found and each in self.library.flows]
        return found

    def forms(self, state: AskState) -> Forms:
        """Each key of a question's choices with every form in which it may be written, in every language."""
        found = self._forms.get(id(state))
        if found is None:
            translations = self.library.translations.values()
            found = self._forms[id(state)] = tuple(
                (key, (choice.label, key, *(words[choice.label] for words in translations if choice.label in words)))
                for key, choice in (state.choices or {}).items()
            )
        return found

    def shown(self, state: AskState, language: str) -> tuple[Shown, ...] | None:
        """A question's choices as they are read in a language; None where labels have holes."""
        key = (id(state), language if language in self.library.translations else "")
        if key not in self._shown:
            sentences = self.library.translations.get(language, NOTHING)
            labels = {name: sentences.get(choice.label, choice.label) for name, choice in (state.choices or {}).items()}
            plain = not any("{" in label for label in labels.values())
            self._shown[key] = tuple(Shown(*each) for each in labels.items()) if plain else None
        return self._shown[key]

    def labels(self, language: str) -> Mapping[str, str]:
        """{key: label} of every choice that is kept with a person, so that nobody has to read a key."""
        found = self._labels.get(language)
        if found is None:
            found = self._labels[language] = {}
            sentences = self.library.translations.get(language, NOTHING)
            for state in (state for flow in self.library.flows.values() for state in flow.states.values()):
                if isinstance(state, AskState) and (state.save or "").startswith("me."):
                    for key, choice in (state.choices or {}).items():
                        found.setdefault(key, sentences.get(choice.label, choice.label))
        return found

    def condition(self, flow: str, source: str) -> Condition:
        """A condition of a flow. Raises BadCondition where `check` would have complained."""
        found = self._conditions.get((flow, source))
        if found is None:
            found = self._conditions[flow, source] = compiled(source, known_names(self.library, flow))
        return found


_prepared: dict[int, Prepared] = {}


def prepared(library: Library) -> Prepared:
    """The worked-out parts of a library. Nothing depends on whether they were there before."""
    found = _prepared.get(id(library))
    if found is None:
        while len(_prepared) >= _REMEMBERED:
            _prepared.pop(next(iter(_prepared)), None)
        found = _prepared[id(library)] = Prepared(library)
    return found
