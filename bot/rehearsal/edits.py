"""Organizers who edit flows while people talk: well, and badly."""

from pathlib import Path
from random import Random


class Edits:
    """Edits the flows of a folder. Raises OSError."""

    def __init__(self, folder: Path, chance: Random) -> None:
        self._chance = chance
        self._good = {file: file.read_text("utf-8") for file in sorted((folder / "library").glob("*.yaml"))}
        self._edited = 0

    def well(self) -> bool:
        """What a flow says of itself is written anew: it may come into force."""
        self._edited += 1
        flows = [file for file, text in self._good.items() if "\nabout: " in text]
        file = self._chance.choice(flows)
        lines = self._good[file].splitlines()
        at = next(number for number, line in enumerate(lines) if line.startswith("about: "))
        lines[at] = f"about: Written anew for the {self._edited}. time"
        self._good[file] = "\n".join(lines) + "\n"
        file.write_text(self._good[file], "utf-8")
        return True

    def badly(self) -> bool:
        """A flow is gone, cut off, or says what nobody understands: it may not come into force."""
        file = self._chance.choice(list(self._good))
        kind = self._chance.choice(("cut off", "unknown", "gone"))
        if kind == "cut off":
            file.write_text(self._good[file] + "\n  unfinished: {say: \n", "utf-8")
        elif kind == "unknown":
            file.write_text(self._good[file] + "\nnobody_knows: this\n", "utf-8")
        else:
            file = next(each for each in self._good if each.name == "always.yaml" or "run: " in self._good[each])
            file.write_text("flow: nothing\nstart: nowhere\n", "utf-8")
        return False

    def restore(self) -> None:
        """The last edit that was good stands again."""
        for file, text in self._good.items():
            file.write_text(text, "utf-8")
