"""Names: what texts and conditions of a flow may read, and of what type it is."""

from flows.model import Kind
from flows.names import known_names
from flows.reader import Reading, read_files


def _read(**flows: str) -> Reading:
    return read_files(
        {f"library/{name}.yaml": f"flow: {name}\nstart: a\nstates:\n{text}" for name, text in flows.items()}
    )


def _ask(answer: str, save: str) -> str:
    return f"  a: {{ask: x, {answer}, save: {save}, go: z}}\n  z: {{end: z}}\n"


def test_each_answer_has_the_type_of_its_question() -> None:
    for answer, kind in (
        ("expect: number", Kind.NUMBER),
        ("expect: yes_no", Kind.YES_NO),
        ("expect: date", Kind.DATE),
        ("expect: text", Kind.TEXT),
        ("choices: {b: B}", Kind.TEXT),
        ("choose: many, choices: {b: B}", Kind.LIST),
        ("choices_from: my_actions", Kind.TEXT),
    ):
        reading = _read(f=_ask(answer, "it"))
        assert known_names(reading.library, "f")["answers.it"] is kind


def test_an_answer_belongs_to_its_flow_and_to_those_that_share_its_conversation() -> None:
    reading = _read(
        one="  a: {run: two, go: z}\n  z: {end: z}\n",
        two=_ask("expect: text", "it"),
        three="  a: {end: z}\n",
    )
    knows = {name: "answers.it" in known_names(reading.library, name) for name in ("one", "two", "three")}
    assert knows == {"one": True, "two": True, "three": False}


def test_a_field_of_a_person_is_known_in_every_flow() -> None:
    reading = _read(one=_ask("expect: number", "me.shoes"), two="  a: {end: z}\n")
    assert known_names(reading.library, "two")["me.shoes"] is Kind.NUMBER


def test_a_field_of_the_vocabulary_keeps_its_type() -> None:
    reading = _read(one=_ask("expect: number", "me.interests"))
    assert known_names(reading.library, "one")["me.interests"] is Kind.LIST


def test_what_a_do_finds_out_is_an_answer_also_when_it_is_done_later() -> None:
    now = _read(f="  a: {do: invite_link, go: z}\n  z: {end: z}\n")
    later = _read(f="  a: {wait: pair.met, after: {1 day: {do: invite_link}}, go: z}\n  z: {end: z}\n")
    for reading in (now, later):
        assert known_names(reading.library, "f")["answers.link"] is Kind.TEXT


def test_what_cannot_be_read_is_taken_to_save_what_it_seems_to() -> None:
    reading = _read(one="  a: {ask: x, expect: nonsense, save: me.shoes, go: z}\n  z: {end: z}\n")
    assert known_names(reading.library, "one")["me.shoes"] is Kind.ANY
