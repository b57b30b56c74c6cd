"""The house: a floor imports only from floors below it, and nothing runs in a circle."""

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ("flows", "storage", "bot")
"""From the ground up."""

FLOWS_MAY_IMPORT = {"pydantic", "pydantic_core", "ruamel", "babel", "rapidfuzz", "cel_expr_python"}

Imports = dict[str, set[str]]


def imports(root: Path) -> Imports:
    """Each module of the floors under `root`, with every module that it imports when it runs."""
    files = {_module(root, file): file for floor in FLOORS for file in (root / floor).rglob("*.py")}
    return {
        module: {_known(name, files) for name in _imported(ast.parse(file.read_text("utf-8")), module, file)}
        for module, file in files.items()
    }


def _module(root: Path, file: Path) -> str:
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _known(name: str, files: dict[str, Path]) -> str:
    """The module that `from x import y` means: `x.y` where that is one of ours, else `x`."""
    return (
        name
        if name in files or "." not in name
        else name
        if name not in files and name.rpartition(".")[0] not in files
        else name.rpartition(".")[0]
    )


def _imported(tree: ast.AST, module: str, file: Path) -> Iterator[str]:
    for node in _run(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = module if file.name == "__init__.py" else module.rpartition(".")[0]
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{source}.{alias.name}" for alias in node.names)


def _run(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but what stands under `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        checking = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        yield node
        yield from _run(ast.Module(node.orelse, []) if checking and isinstance(node, ast.If) else node)


def upward(found: Imports) -> list[str]:
    """Every import of a floor above."""
    floor = {name: height for height, name in enumerate(FLOORS)}
    return [
        f"{module} imports {name}"
        for module, names in sorted(found.items())
        for name in sorted(names)
        if floor.get(name.partition(".")[0], -1) > floor[module.partition(".")[0]]
    ]


def circle(found: Imports) -> list[str]:
    """The modules of one circle, or none."""
    try:
        TopologicalSorter(
            {
                module: {run for name in names for run in _begun(name, module) if run in found and run != module}
                for module, names in found.items()
            }
        ).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _begun(name: str, by: str) -> Iterator[str]:
    """What begins to run when `by` imports `name`: the packages around it first, but those around `by` run already."""
    parts = name.split(".")
    packages = (".".join(parts[:depth]) for depth in range(1, len(parts)))
    yield from (package for package in packages if not by.startswith(f"{package}."))
    yield name


def foreign(found: Imports) -> list[str]:
    """Every import of `flows` that is neither its own, nor the standard library, nor one of the few it may have."""
    allowed = {"flows", *FLOWS_MAY_IMPORT, *sys.stdlib_module_names}
    return [
        f"{module} imports {name}"
        for module, names in sorted(found.items())
        for name in sorted(names)
        if module.partition(".")[0] == "flows" and name.partition(".")[0] not in allowed
    ]


# --- our house -------------------------------------------------------------------------------------------------


def test_a_floor_imports_only_from_floors_below() -> None:
    assert upward(imports(ROOT)) == []


def test_nothing_runs_in_a_circle() -> None:
    assert circle(imports(ROOT)) == []


def test_the_ground_floor_stands_on_few_libraries() -> None:
    assert foreign(imports(ROOT)) == []


def test_every_floor_is_looked_at() -> None:
    found = imports(ROOT)
    assert {"flows.engine", "storage.store", "bot.turn"} <= set(found)
    assert "flows.scene" in found["flows.engine"]
    assert "flows.scene" not in found["flows.states"]


# --- the checker itself ----------------------------------------------------------------------------------------


def house(folder: Path, **files: str) -> Imports:
    """A small house: `flows__a="import x"` is flows/a.py."""
    for name, source in files.items():
        file = folder / (name.replace("____init__", "/__init__").replace("__", "/", 1) + ".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
    return imports(folder)


@pytest.mark.parametrize(
    "source",
    [
        "import bot.b",
        "from bot import b",
        "from bot.b import c",
        "def late():\n    import bot.b",
        "if 1:\n    import storage",
    ],
)
def test_an_upward_import_is_seen_wherever_it_stands(tmp_path: Path, source: str) -> None:
    assert upward(house(tmp_path, flows__a=source, bot__b="c = 1")) != []


def test_an_import_downward_is_fine(tmp_path: Path) -> None:
    assert upward(house(tmp_path, flows__a="", storage__s="import flows.a", bot__b="from storage import s")) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("import flows.b", "import flows.a"),
        ("from flows import b", "from flows.a import x"),
        ("from . import b", "from .a import x"),
        ("from .b import x", "def late():\n    from flows import a"),
    ],
)
def test_a_circle_is_seen(tmp_path: Path, one: str, other: str) -> None:
    assert set(circle(house(tmp_path, flows__a=one, flows__b=other))) == {"flows.a", "flows.b"}


def test_a_circle_of_three_is_seen(tmp_path: Path) -> None:
    found = house(tmp_path, flows__a="import flows.b", flows__b="import flows.c", flows__c="import flows.a")
    assert len(set(circle(found))) == 3


def test_a_circle_through_a_package_is_seen(tmp_path: Path) -> None:
    found = house(tmp_path, flows__deep____init__="import flows.a", flows__deep__b="", flows__a="import flows.deep.b")
    assert set(circle(found)) == {"flows.deep", "flows.a"}


def test_a_package_may_import_what_is_in_it(tmp_path: Path) -> None:
    found = house(tmp_path, bot__deep____init__="from bot.deep import b", bot__deep__b="from bot.deep import c")
    assert circle(found) == []


def test_what_is_imported_for_types_alone_runs_in_no_circle(tmp_path: Path) -> None:
    checked = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from flows.a import x\nelse:\n    import bot.b"
    found = house(tmp_path, flows__a="import flows.b", flows__b=checked, bot__b="")
    assert circle(found) == []
    assert upward(found) == ["flows.b imports bot.b"]


def test_a_library_that_flows_may_not_have_is_seen(tmp_path: Path) -> None:
    found = house(
        tmp_path, flows__a="import sqlalchemy.orm\nimport re\nfrom babel.dates import x", storage__s="import sqlalchemy"
    )
    assert foreign(found) == ["flows.a imports sqlalchemy.orm"]
