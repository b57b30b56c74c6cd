"""Which names texts and conditions of a flow may read, and what type each has."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from flows.model import Flow, Kind, Library
from flows.states import AskState, DoState, Pausing, RunState, State
from flows.vocabulary import ACTION, DEEDS, EXPECTS, ME, ORG, PAIR


def kind_saved(state: AskState) -> Kind:
    """The type of what this question saves."""
    if state.choose == "many":
        return Kind.LIST
    return EXPECTS[state.expect] if state.expect else Kind.TEXT


def _both(one: Kind | None, other: Kind) -> Kind:
    """The type of a name that is saved in two places."""
    texts = {Kind.TEXT, Kind.YES_NO}
    if one is None or one is other:
        return other
    return Kind.TEXT if {one, other} <= texts else Kind.ANY


def saved_about_people(flows: Iterable[Flow], guessed: Iterable[str] = ()) -> Mapping[str, Kind]:
    """The fields of `me`: the vocabulary's, and every `me.x` that some flow saves.

    `guessed` are names that something saves which could not be read: of any type.
    """
    fields = dict.fromkeys((name.removeprefix("me.") for name in guessed if name.startswith("me.")), Kind.ANY)
    fields.update(ME)
    for flow in flows:
        for state in flow.states.values():
            if isinstance(state, AskState) and state.save and state.save.startswith("me."):
                name = state.save.removeprefix("me.")
                if name not in ME:
                    fields[name] = _both(fields.get(name), kind_saved(state))
    return fields


def saved_in_conversations(flows: Mapping[str, Flow], guessed: Iterable[str] = ()) -> Mapping[str, Mapping[str, Kind]]:
    """For each flow, the answers it can read: its own, and those of flows that share its conversation by `run`."""
    together = _sharing(flows)
    bare = dict.fromkeys((name for name in guessed if "." not in name), Kind.ANY)
    kept: dict[str, dict[str, Kind]] = {}
    for name, flow in flows.items():
        answers = kept.setdefault(together[name], dict(bare))
        if flow.starts.link:
            answers["linked"] = Kind.TEXT
        for state in flow.states.values():
            if isinstance(state, AskState) and state.save and "." not in state.save:
                answers[state.save] = _both(answers.get(state.save), kind_saved(state))
            for deed in _deeds(state):
                answers.update(DEEDS[deed].answers)
    return {name: kept[together[name]] for name in flows}


def _deeds(state: State) -> Iterator[str]:
    if isinstance(state, DoState):
        yield state.do
    if isinstance(state, Pausing):
        yield from (entry.do for entry in state.after.values() if entry.do is not None)


def _sharing(flows: Mapping[str, Flow]) -> dict[str, str]:
    """Each flow's group: flows joined by `run`, in either direction, named after one of them."""
    group = {name: name for name in flows}
    for name, flow in flows.items():
        for state in flow.states.values():
            if isinstance(state, RunState) and state.run in flows:
                old, new = group[state.run], group[name]
                group = {each: new if of == old else of for each, of in group.items()}
    return group


def known_names(library: Library, flow: str) -> Mapping[str, Kind]:
    """Every dotted name that texts and conditions of this flow may read, with its type."""
    return _known(_Identity(library), flow)


class _Identity:
    """A library as a key of a cache: itself, not what it holds."""

    __slots__ = ("library",)

    def __init__(self, library: Library) -> None:
        self.library = library

    def __hash__(self) -> int:
        return id(self.library)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and other.library is self.library


@lru_cache(maxsize=1024)
def _known(library: _Identity, flow: str) -> Mapping[str, Kind]:
    held = library.library
    groups: Mapping[str, Mapping[str, Kind]] = {
        "me": held.me,
        "answers": held.answers.get(flow, {}),
        "org": ORG,
        "pair": PAIR,
        "action": ACTION,
    }
    names = {f"{group}.{name}": kind for group, fields in groups.items() for name, kind in fields.items()}
    return {**names, "now": Kind.MOMENT}
