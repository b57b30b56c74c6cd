"""`doorstep init`: a folder of one's own."""

import shutil
from pathlib import Path

from flows.reader import STARTER
from storage import key_file

_PARTS = ("library", "languages", "dialogs")


def example() -> str:
    """The configuration that documents every key."""
    here = Path(__file__).parent
    packaged = here / "config.example.toml"
    return (packaged if packaged.exists() else here.parent / "config.example.toml").read_text("utf-8")


def make(folder: Path) -> None:
    """Writes configuration, key and the starter flows into a new folder. Raises FileExistsError, OSError."""
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(example(), "utf-8")
    key_file.create(folder / "doorstep.key")
    for part in _PARTS:
        (folder / "flows" / part).mkdir(parents=True)
        for file in sorted((STARTER / part).glob("*.*")):
            shutil.copy(file, folder / "flows" / part)
    shutil.copy(STARTER / "README.md", folder / "flows" / "README.md")
    (folder / ".gitignore").write_text("doorstep.key\n*.db\n*.db-*\n*.lock\n.doorstep/\n", "utf-8")
