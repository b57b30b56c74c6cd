from pathlib import Path

from flows.model import Value
from storage.store import Transaction
from tests.bot.commands.given import config, kept, one_line
from tests.bot.nursery import begun
from tests.bot.running import finished, free_port, visitor, write_config

FLOW = """
flow: saturday
start: ask
states:
  ask:
    ask: "{{ me.name }}, shall we meet on Saturday?"
    choices: {yes: {label: Yes please, go: good}, no: {label: Not now, go: bad}}
  bad: {say: Another time., end: no}
  good: {say: See you there!, end: yes}
"""
HELLO = "flow: hello\nstarts: {first_contact: true}\nstart: hi\nstates:\n  hi: {say: Hi., end: hi}\n"
SPANISH = """
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "{{ me.name }}, shall we meet on Saturday?"
msgstr "{{ me.name }}, ¿quedamos el sábado?"
"""
LEEDS = 'district == "Leeds"'


async def neighbours(tx: Transaction) -> None:
    """Seven people of Leeds, one of them Spanish, one stopped; and one of York."""
    for number, name in enumerate(["Ana", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal"]):
        person = await tx.people.add("telegram" if number < 3 else "web", "main", f"{number}", "en")
        place, language = "York" if name == "Hal" else "Leeds", "es" if name == "Cleo" else "en"
        status = "stopped" if name == "Gus" else None
        fields: dict[str, Value] = {"name": name, "place": place, "language": language, "consented": ("keep",)}
        await tx.people.save(person.id, fields, status=status)


async def group(folder: Path) -> Path:
    for name, text in (("library/saturday.yaml", FLOW), ("languages/es.po", SPANISH)):
        (folder / "flows" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "flows" / name).write_text(text, "utf-8")
    await kept(folder, neighbours)
    return config(folder)


async def waiting(folder: Path) -> list[tuple[str, int]]:
    found = await kept(folder, lambda tx: tx.inbox.untaken(100))
    return [(each.source, each.person_id) for each in found]


SHOWN = """6 people: 5 en, 1 es · 3 telegram, 3 web
  Ana, Ben, Cleo, Dan, Eve and 1 more
  1 more is left out: they asked the bot to stop

en:
  Ana, shall we meet on Saturday?
  [Yes please]
  [Not now]

es:
  Cleo, ¿quedamos el sábado?
  [Yes please]
  [Not now]

"""


async def test_who_and_what_is_shown_before_anything_is_sent(tmp_path: Path) -> None:
    file = await group(tmp_path)
    done = await finished("send", "saturday", "--to", LEEDS, "--dry-run", "--config", str(file))
    assert done == (0, SHOWN, "")
    assert await waiting(tmp_path) == []


async def test_it_asks_and_only_a_yes_sends(tmp_path: Path) -> None:
    file = await group(tmp_path)
    for answer, code in (("n\n", 1), ("\n", 1), ("y\n", 0)):
        done = await finished("send", "saturday", "--to", LEEDS, "--id", "june", "--config", str(file), said=answer)
        assert (done[0], done[2]) == (code, "")
        assert done[1].startswith(f"{SHOWN}Send to 6 people? [y/N]: ")
        assert len(await waiting(tmp_path)) == (6 if code == 0 else 0)
    assert await waiting(tmp_path) == [("send:june", number) for number in range(1, 7)]
    code, _, err = await finished("send", "saturday", "--to", LEEDS, "--config", str(file))
    assert code == 2
    assert err.endswith("doorstep: nobody answered: give --yes where nobody can\n")
    assert len(await waiting(tmp_path)) == 6


async def test_a_repeated_send_reaches_only_those_it_has_not_reached(tmp_path: Path) -> None:
    file = await group(tmp_path)
    arguments = ("--id", "june", "--yes", "--config", str(file))
    first = await finished("send", "saturday", "--to", 'name < "C"', *arguments)
    assert "Left for 2 people: the running bot writes to them now" in first[1]
    again = await finished("send", "saturday", "--to", LEEDS, *arguments)
    assert "Left for 4 people (2 had it already): " in again[1]
    assert "`--id june`" in again[1]
    assert len(await waiting(tmp_path)) == 6


async def test_ones_own_phone_is_asked_for_first(tmp_path: Path) -> None:
    file = await group(tmp_path)
    code, out, err = await finished("send", "saturday", "--to", "me", "--yes", "--config", str(file))
    assert (code, err) == (1, "")
    assert out.startswith("Write `me ")
    assert out.count("\n") == 1
    assert await waiting(tmp_path) == []


async def test_what_cannot_be_sent_is_one_line(tmp_path: Path) -> None:
    file = await group(tmp_path)

    async def refused(flow: str, to: str) -> str:
        return one_line(await finished("send", flow, "--to", to, "--yes", "--config", str(file)))

    assert "no flow `saturdays` in force (did you mean `saturday`?)" in await refused("saturdays", LEEDS)
    assert "--to, column 1: `distrct` is not known (did you mean `district`?)" in await refused(
        "saturday", "distrct > 2"
    )
    assert "no action `7`" in await refused("saturday", "signed_up:7")
    code, out, err = await finished("send", "saturday", "--to", 'district == "Narnia"', "--yes", "--config", str(file))
    assert (code, err) == (1, "")
    assert out.startswith("0 people\n")


async def test_the_running_bot_writes_to_them_and_they_answer(tmp_path: Path) -> None:
    port = free_port()
    file = write_config(tmp_path, "sqlite:///doorstep.db", port, {"saturday": FLOW, "hello": HELLO})
    process = await begun(file)
    try:
        async with visitor(port, "ana") as ana:
            await ana.say("hello")
            await ana.hear(1)

            async def consents(tx: Transaction) -> None:
                (known,) = await tx.people.page(0, 1)
                await tx.people.save(known.id, {"name": "Ana", "consented": ("keep",)})

            await kept(tmp_path, consents)
            code, _, err = await finished("send", "saturday", "--to", "true", "--yes", "--config", str(file))
            assert (code, err) == (0, "")
            assert (await ana.hear(2))[-1] == "Ana, shall we meet on Saturday?"
            await ana.say("yes")
            assert (await ana.hear(3))[-1] == "See you there!"
    finally:
        process.kill()
        await process.wait()
