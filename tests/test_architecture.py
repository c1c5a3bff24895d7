"""The rooms of the package and which may import which, read from the source with `ast`."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

SOURCES = [path for folder in ("speech_lstm", "runtime", "export", "models") for path in (ROOT / folder).rglob("*.py")]

ORDER = (
    "speech_lstm.models",
    # The runtime, by the way the audio goes.
    "speech_lstm.runtime.errors",
    "speech_lstm.runtime.options",
    "speech_lstm.runtime.results",
    "speech_lstm.runtime.content",
    "speech_lstm.runtime.alone",
    "speech_lstm.runtime.audio",
    "speech_lstm.runtime.lexicon",
    "speech_lstm.runtime.text",  # public names of it
    "speech_lstm.runtime.model",
    "speech_lstm.runtime.grammar",
    "speech_lstm.runtime.decoding",
    "speech_lstm.runtime.wake",
    "speech_lstm.runtime.compiled",
    "speech_lstm.runtime.free",
    "speech_lstm.runtime.live",
    "speech_lstm.runtime",  # its public names
    "speech_lstm",
    "speech_lstm.writing",
    # Training and what surrounds it.
    "speech_lstm.config",
    "speech_lstm.acoustic",
    "speech_lstm.data",
    "speech_lstm.export",
    "speech_lstm.training",
    "speech_lstm.evaluation",
    "speech_lstm.assets",
    "speech_lstm.batch",
    "speech_lstm.serve",
    "speech_lstm.cli",
    "speech_lstm.__main__",
    "speech_lstm.pyinstaller",
)
"""Rooms, from the ground up: each may import from itself and from those before it."""

RUNTIME_NEEDS = {"numpy", "onnxruntime"}
"""What the runtime may import at import time, apart from the standard library and itself."""


@dataclass(frozen=True)
class Import:
    target: str
    """Absolute name of the imported module, or of a name inside it."""
    line: int
    at_import: bool
    """Outside functions, so that it runs when the module is imported."""
    for_types: bool
    """Under `if TYPE_CHECKING:`, so that it never runs."""


def imports_of(tree: ast.Module, package: str) -> Iterator[Import]:
    """All imports of a module in that package, one for every imported name."""

    def visit(node: ast.AST, at_import: bool, for_types: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for name in node.names:
                yield Import(name.name, node.lineno, at_import, for_types)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            for name in node.names:
                yield Import(f"{source}.{name.name}", node.lineno, at_import, for_types)
        elif isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for statement in node.body:
                yield from visit(statement, at_import, True)
            for statement in node.orelse:
                yield from visit(statement, at_import, for_types)
        else:
            inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for child in ast.iter_child_nodes(node):
                yield from visit(child, at_import and not inside, for_types)

    yield from visit(tree, True, False)


def all_imports() -> dict[str, list[Import]]:
    """Module -> its imports, for every module of the package."""
    found = {}
    for path in SOURCES:
        parts = path.relative_to(ROOT).with_suffix("").parts
        parts = parts if parts[0] == "speech_lstm" else ("speech_lstm", *parts)
        package = ".".join(parts[:-1])
        module = package if parts[-1] == "__init__" else ".".join(parts)
        found[module] = list(imports_of(ast.parse(path.read_text()), package))
    return found


IMPORTS = all_imports()


def module_of(target: str) -> str:
    """The module of this package that an import loads: the target itself, or the one that holds the name."""
    return target if target in IMPORTS else target.rpartition(".")[0]


def room_of(module: str) -> str:
    """The longest entry of `ORDER` that is the module or holds it; only `__init__` is in the two without a room."""
    room = max((room for room in ORDER if f"{module}.".startswith(f"{room}.")), key=len)
    assert room not in ("speech_lstm", "speech_lstm.runtime") or module == room, f"{module} is in no room of ORDER"
    return room


def test_every_module_is_in_a_room_and_every_room_has_modules() -> None:
    assert {room_of(module) for module in IMPORTS} == set(ORDER)


@pytest.mark.parametrize("room", ORDER)
def test_no_import_runs_upward(room: str) -> None:
    """Nor do those inside functions, nor those for types."""
    upward = [
        f"{module}:{found.line} imports {module_of(found.target)}"
        for module, imports in IMPORTS.items()
        if room_of(module) == room
        for found in imports
        if found.target.split(".")[0] == "speech_lstm"
        and ORDER.index(room_of(module_of(found.target))) > ORDER.index(room)
    ]
    assert not upward


def test_no_import_goes_in_a_circle() -> None:
    """Imports inside functions count; those for types do not, since they never run."""
    graph = {
        module: {module_of(found.target) for found in imports if not found.for_types} & set(IMPORTS)
        for module, imports in IMPORTS.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"modules import each other: {' <- '.join(error.args[1])}")


def test_no_module_is_longer_than_300_lines() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in SOURCES}
    assert not [f"{path.relative_to(ROOT)}: {lines}" for path, lines in lengths.items() if lines > 300]


def test_the_runtime_imports_numpy_onnxruntime_and_the_standard_library_at_import_time() -> None:
    allowed = RUNTIME_NEEDS | set(sys.stdlib_module_names)
    others = [
        f"{module}:{found.line} imports {found.target}"
        for module, imports in IMPORTS.items()
        if module.startswith("speech_lstm.runtime")
        for found in imports
        if found.at_import and not found.for_types and found.target.split(".")[0] not in {*allowed, "speech_lstm"}
    ]
    assert not others


def test_imports_are_found_wherever_they_stand() -> None:
    source = """
import os, numpy.typing
from typing import TYPE_CHECKING
from . import sibling
from ..room import name
if TYPE_CHECKING:
    import torch
def later():
    from soundfile import read
"""
    found = list(imports_of(ast.parse(source), "house.here"))
    assert [(each.target, each.at_import, each.for_types) for each in found] == [
        ("os", True, False),
        ("numpy.typing", True, False),
        ("typing.TYPE_CHECKING", True, False),
        ("house.here.sibling", True, False),
        ("house.room.name", True, False),
        ("torch", True, True),
        ("soundfile.read", False, False),
    ]
