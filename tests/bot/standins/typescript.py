"""JSON Schemas of types that others wrote in TypeScript: made by npm when a test asks, kept in a cache folder."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

GENERATOR = "ts-json-schema-generator@2.9.0"


def cache() -> Path:
    """Where what was made once is kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "doorstep-tests"


def schema(package: str, version: str, types: str) -> Any:
    """The JSON Schema of `Checked`, as these lines of TypeScript make it of a package's types. Skips the test where
    there is no npm, or nothing that it could ask."""
    name = hashlib.sha256(f"{GENERATOR} {package} {version} {types}".encode()).hexdigest()[:16]
    kept = cache() / f"{name}.schema.json"
    if not kept.exists():
        if shutil.which("npm") is None:
            pytest.skip("there is no npm to ask for the types")
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            _make(Path(folder), f"{package}@{version}", types).replace(kept)
    return json.loads(kept.read_text("utf-8"))


def _make(folder: Path, package: str, types: str) -> Path:
    (folder / "checked.ts").write_text(types, "utf-8")
    (folder / "package.json").write_text("{}", "utf-8")
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", package, GENERATOR]
    try:
        subprocess.run(install, cwd=folder, check=True, capture_output=True, timeout=120)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip(f"npm has no {package} here")
    made = folder / "checked.json"
    generate = ["--path", "checked.ts", "--type", "Checked", "--no-type-check", "-o", str(made)]
    program = str(folder / "node_modules" / ".bin" / "ts-json-schema-generator")
    subprocess.run([program, *generate], cwd=folder, check=True, capture_output=True, timeout=120)
    return made
