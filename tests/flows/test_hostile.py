"""Files nobody means well by: one clear line each, soon, and without much memory."""

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE
from typing import NamedTuple

import pytest

MOST_SECONDS = 5.0
"""Of processor time, start included. Far above the half second it takes, for machines that are busy."""

MOST_MEMORY = 100 * 1024
"""KiB at the most, the interpreter and its libraries included."""

HEAD = "flow: hostile\nstarts: {words: [hostile]}\nstart: hello\nstates:\n"
KIB = 1024


def _say(text: str) -> str:
    return f"{HEAD}  hello:\n    say: {text}\n    end: done\n"


def _when(condition: str) -> str:
    lines = f'      - {{when: "{condition}", go: done}}\n      - else: done\n'
    return f"{HEAD}  hello:\n    decide:\n{lines}  done: {{end: x}}\n"


def _laughs() -> str:
    lines = ["a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    return "\n".join(lines)


def _fill(piece: str, size: int = 255 * KIB) -> str:
    return piece * (size // len(piece.encode()))


FILES: dict[str, Callable[[], str | bytes]] = {
    "bad-yaml random": lambda: random.Random(1).randbytes(100 * KIB),
    "bad-yaml zeros": lambda: bytes(100 * KIB),
    "too-large ten megabytes": lambda: b"x" * 10 * KIB * KIB,
    "too-large by one": lambda: b"#" * (256 * KIB + 1),
    "alias billion laughs": _laughs,
    "bad-condition long": lambda: _when("a" * 100_000),
    "bad-condition brackets": lambda: _when("(" * 900),
    "bad-condition many brackets": lambda: _when("[" * 100_000),
    "bad-condition sums": lambda: _when("+".join(["1"] * 400)),
    "bad-condition loops": lambda: _when("[1].all(a, " * 8 + "true" + ")" * 8),
    "bad-yaml brackets": lambda: _fill("["),
    "bad-yaml braces": lambda: _fill("{"),
    "bad-yaml closing": lambda: _fill("]"),
    "bad-yaml quotes": lambda: _fill('"'),
    "not-a-flow apostrophes": lambda: _fill("'") + "'" * (255 * KIB % 2),
    "bad-yaml dashes": lambda: _fill("- "),
    "bad-yaml questions": lambda: _fill("? "),
    "bad-yaml deep lines": lambda: "\n".join(" " * n + "a:" for n in range(600)),
    "bad-yaml colons": lambda: _fill("a: "),
    "bad-yaml anchors": lambda: "a: " + _fill("& "),
    "bad-yaml signs": lambda: _fill("%"),
    "bad-yaml marks": lambda: _fill("!"),
    "alias ampersands": lambda: "a: " + "&" + "a" * 100_000 + " b",
    "not-a-flow text": lambda: _fill("word "),
    "not-a-flow keys": lambda: "".join(f"k{n}: v\n" for n in range(5_000)),
    "too-large keys": lambda: "".join(f"k{n}: v\n" for n in range(26_000)),
    "not-a-flow long key": lambda: "k" * 1000 + ": v",
    "bad-yaml very long key": lambda: "k" * 200_000 + ": v",
    "not-a-flow documents": lambda: _fill("a: b\n---\n"),
    "not-a-flow spaces": lambda: _fill(" "),
    "not-a-flow empty lines": lambda: _fill("\n"),
    "unknown-key long quoted key": lambda: '"' + "k" * 900 + '": v\n' + _say("Hi."),
    "duplicate-key": lambda: _say("Hi.") + "start: hello\n",
    "text-too-long open holes": lambda: _say(_fill("{{", 100_000).join("''")),
    "text-too-long holes with spaces": lambda: _say("'{{" + " " * 100_000 + "'"),
    "text-too-long holes in holes": lambda: _say("'" + "{{ me.name | " * 8000 + "'"),
    "bad-text open holes": lambda: _say("'" + "{{" * 2000 + "'"),
    "bad-text holes with spaces": lambda: _say("'{{" + " " * 4000 + "'"),
    "bad-text holes in holes": lambda: _say("'" + "{{ me.name | " * 300 + "'"),
    "text-too-long holes": lambda: _say("'" + "{{ me.name }}" * 15_000 + "'"),
    "text-too-long spaces": lambda: _say("|\n" + "      " + "a" + " " * 200_000 + "b"),
    "text-too-long percent": lambda: _say("'" + "{ %" * 60_000 + "'"),
    "bad-duration long": lambda: HEAD + f"  hello: {{wait: {'1 day ' * 10_000}, go: done}}\n  done: {{end: x}}\n",
    "bad-duration digits": lambda: HEAD + f"  hello: {{wait: {'9' * 100_000} days, go: done}}\n  done: {{end: x}}\n",
    "unknown-name long": lambda: HEAD + f"  hello: {{wait: {'x' * 100_000}, go: done}}\n  done: {{end: x}}\n",
    "missing-target long": lambda: HEAD + f"  hello: {{say: Hi., go: {'x' * 100_000}}}\n",
    "unknown-do long": lambda: HEAD + f"  hello: {{do: {'x' * 100_000}, go: done}}\n  done: {{end: x}}\n",
    "silent-loop ring": lambda: (
        HEAD
        + "  hello: {say: Hi., go: s0}\n"
        + "".join(f"  s{n}: {{say: x, go: s{n + 1}}}\n" for n in range(1500))
        + "  s1500: {say: x, go: hello}\n"
    ),
    "too-large ring": lambda: (
        HEAD + "  hello: {say: Hi., go: s0}\n" + "".join(f"  s{n}: {{say: x, go: s{n + 1}}}\n" for n in range(8600))
    ),
    "too-large words": lambda: "flow: hostile\nstarts: {words: [" + ", ".join(f"word {n}" for n in range(21_000)),
    "duplicate-words many": lambda: (
        "flow: hostile\nstarts: {words: ["
        + ", ".join(f"word {n}" for n in range(10_000))
        + ", word 7]}\nstart: x\nstates: {x: {end: x}}\n"
    ),
    "bad-yaml python object": lambda: _say("!!python/object/apply:os.system ['touch /tmp/hostile']"),
    "bad-yaml python name": lambda: "!!python/name:os.system\n" + _say("Hi."),
    "bad-yaml include of a file": lambda: _say("!include /etc/passwd"),
    "type-mismatch picture above": lambda: (
        HEAD + '  hello: {say: Hi., attach: {picture: "../../../../etc/passwd"}, end: x}\n'
    ),
    "type-mismatch picture from the root": lambda: (
        HEAD + '  hello: {say: Hi., attach: {picture: "/etc/passwd"}, end: x}\n'
    ),
    "type-mismatch picture from elsewhere": lambda: (
        HEAD + '  hello: {say: Hi., attach: {picture: "https://x.example/a.jpg"}, end: x}\n'
    ),
    "missing-flow of a path": lambda: HEAD + "  hello: {run: ../../etc/passwd, go: done}\n  done: {end: x}\n",
    "bad-text class of a name": lambda: _say("'{{ me.__class__.__mro__ }}'"),
    "bad-text filter": lambda: _say("'{{ me.name | attr }}'"),
    "bad-text call": lambda: _say("'{{ me.name.upper() }}'"),
    "bad-condition import": lambda: _when("import('os').system('id') == 0"),
    "unknown-name class of a name": lambda: _when("me.__class__ == ''"),
    "bad-condition regex": lambda: _when("'" + "a" * 5000 + "!'.matches('(a+)+$')"),
    "bad-condition text that grows": lambda: _when("size(" + "('a'+" * 400 + "'a'" + ")" * 400 + ") > 1"),
    "bad-condition lists of lists": lambda: _when("[[1,2,3]]" + ".map(x, x + x)" * 40 + " == []"),
    "unknown-key merge": lambda: "<<: {flow: other}\n" + _say("Hi."),
    "bad-yaml other letters": lambda: _say("Hi.").encode("utf-16"),
    "bad-yaml half a letter": lambda: _say("Hi.").encode() + b"\xed\xa0\x80",
    "bad-yaml key of a list": lambda: "? [flow, hostile]\n: x\n" + _say("Hi."),
    "bad-yaml steering": lambda: _say("'\x1b]8;;https://x.example\x07'"),
    "bad-name flow of a path": lambda: _say("Hi.").replace("flow: hostile", "flow: ../../x"),
}


_MEASURING = """
import json, os, resource, sys
from bot.cli import main
own = resource.getrusage(resource.RUSAGE_SELF)
for line in sys.stdin:
    arguments, out, err = json.loads(line)
    pid = os.fork()
    if not pid:
        for number, path in ((1, out), (2, err)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        sys.argv[1:] = arguments
        code = 1
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code or 0)
    _, status, usage = os.wait4(pid, 0)
    seconds = own.ru_utime + own.ru_stime + usage.ru_utime + usage.ru_stime
    print(json.dumps([os.waitstatus_to_exitcode(status), seconds, usage.ru_maxrss]), flush=True)
"""
"""`doorstep` as often as it is asked for, each a process of its own whose start is counted: forks of one that has
imported it, which takes four times as long as a file does. One begun from the tests' own would be counted with the
memory of all tests."""


class Measured(NamedTuple):
    """What became of `doorstep`: `seconds` of processor time, KiB of `memory`."""

    code: int
    out: str
    err: str
    seconds: float
    memory: int


@pytest.fixture(scope="module")
def doorstep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Measured]]:
    """Runs `doorstep` with these arguments."""
    out, err = (tmp_path_factory.mktemp("said") / name for name in ("out", "err"))
    with subprocess.Popen([sys.executable, "-c", _MEASURING], stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asked, told = process.stdin, process.stdout

        def run(*arguments: str) -> Measured:
            print(json.dumps([arguments, str(out), str(err)]), file=asked, flush=True)
            code, seconds, memory = json.loads(told.readline())
            return Measured(code, out.read_text("utf-8"), err.read_text("utf-8"), seconds, memory)

        yield run
        asked.close()


def test_there_are_sixty() -> None:
    assert len({make() for make in FILES.values()}) >= 60


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_one_line_soon(name: str, tmp_path: Path, doorstep: Callable[..., Measured]) -> None:
    written = FILES[name]()
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "x.yaml").write_bytes(written if isinstance(written, bytes) else written.encode())
    code, out, err, seconds, memory = doorstep("check", str(tmp_path))
    lines = out.splitlines()
    assert (code, len(lines)) == (1, 1), f"{lines[:5]} {err[-300:]}"
    assert lines[0].endswith(f" [{name.partition(' ')[0]}]"), lines[0][:500]
    assert len(lines[0]) < 1000
    assert "Traceback" not in err
    assert seconds < MOST_SECONDS
    assert memory < MOST_MEMORY


def test_a_library_of_three_hundred_states_is_checked_in_a_moment(
    tmp_path: Path, doorstep: Callable[..., Measured]
) -> None:
    (tmp_path / "library").mkdir()
    for number in range(30):
        (tmp_path / "library" / f"f{number}.yaml").write_text(_flow_of_ten_states(f"f{number}"))
    code, out, _, seconds, memory = doorstep("check", str(tmp_path), "--strict")
    assert (code, out) == (0, "")
    assert seconds < MOST_SECONDS
    assert memory < MOST_MEMORY


def _flow_of_ten_states(name: str) -> str:
    asked = "".join(
        f"""
  ask{n}:
    ask: Question {n} for {{{{ me.name }}}} of {{{{ org.name }}}}?
    choices:
      yes: {{label: Yes please, go: decide{n}}}
      no: {{label: Not now, go: done}}
    save: answer{n}
    after:
      1 day: {{say: "No rush, {{{{ me.name }}}}."}}
      7 days: {{go: done}}
  decide{n}:
    decide:
      - {{when: "'climate' in me.interests && answers.answer{n} == 'yes' && size(me.times) > {n}", go: done}}
      - {{else: {f"ask{n + 1}" if n < 3 else "done"}}}
"""
        for n in range(4)
    )
    head = f"flow: {name}\nstarts: {{words: [{name}]}}\nstart: hello\nstates:\n"
    return f"{head}  hello: {{say: Hi., go: ask0}}\n{asked}\n  done: {{end: done}}\n"
