"""`doorstep test`: every dialog of a folder, and the first line of each that did not come true."""

from collections.abc import Callable
from pathlib import Path

from bot.config import BadConfig, read_config
from bot.group import Group
from flows.dialog import Differs, Setting, play, read_dialogs
from flows.model import Library
from flows.pages import Refused, read_text

_WIDTH = 46


def play_folder(folder: Path, library: Library, show: Callable[[str], None]) -> bool:
    """Plays the dialogs in `folder`; whether all came true. What did not is shown, both sides beside each other."""
    setting, good, count = _setting(folder), True, 0
    for file in sorted((folder / "dialogs").glob("*.y*ml")):
        name = file.as_posix()
        try:
            dialogs, problems = read_dialogs(read_text(file, name), name)
        except Refused as refused:
            dialogs, problems = [], [refused.problem]
        for problem in problems:
            good = False
            show(str(problem))
        for page in dialogs:
            count += 1
            played = play(library, page, setting)
            if played.differs:
                good = False
                show(f"{name}:{played.differs.line}: {played.name}: differs here")
                show(side_by_side(played.differs))
            else:
                show(f"{name}:{played.line}: {played.name}: ok")
    show(f"{count} dialogs{': all came true' if good and count else ''}")
    return good


def _setting(folder: Path) -> Setting:
    """The group of the configuration beside the folder, where there is one."""
    file = folder.resolve().parent / "config.toml"
    if not file.exists():
        return Setting()
    try:
        group = Group.of(read_config(file))
    except BadConfig:
        return Setting()
    return Setting(group.org, group.zone, group.languages[0], group.quiet)


def side_by_side(differs: Differs) -> str:
    """What a dialog says and what came instead, in two columns."""
    left, right = _wrapped(differs.expected), _wrapped(differs.actual)
    rows = max(len(left), len(right))
    left += [""] * (rows - len(left))
    right += [""] * (rows - len(right))
    head = f"    {'the dialog says':<{_WIDTH}} │ what came"
    return "\n".join([head, *(f"    {a:<{_WIDTH}} │ {b}" for a, b in zip(left, right, strict=True))])


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split():
        pieces = [word[n : n + _WIDTH] for n in range(0, len(word), _WIDTH)]
        for piece in pieces:
            if lines[-1] and len(lines[-1]) + 1 + len(piece) > _WIDTH:
                lines.append("")
            lines[-1] += (" " if lines[-1] else "") + piece
    return lines
