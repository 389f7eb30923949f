"""The house, read from the syntax trees: floors, one-way arrows, doors, and folders that can be taken in at a glance.

Every import between our own modules counts, those inside functions and under TYPE_CHECKING too.
"""

import ast
import collections
import functools
import graphlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = ("probes", "deepnrc", "experiments")
SECOND_DOORS = ("probes.ufm",)
SIDE_BY_SIDE = 16
LONGEST = 300


@functools.cache
def parsed(path):
    """The syntax tree of a file, which several tests walk through."""
    return ast.parse(path.read_text(encoding="utf-8"))


def sources(root):
    """Module name -> path, of all that is ours."""
    found = {}
    for floor in FLOORS:
        for path in sorted((root / floor).rglob("*.py")):
            found[".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")] = path
    return found


def imported(node, package):
    """Full names that an import reaches (``a.b`` for ``from a import b``), or an attribute like ``torch.nn``."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        parts = package.split(".")
        base = ".".join(
            [*parts[: len(parts) + 1 - node.level], *filter(None, [node.module])] if node.level else [node.module]
        )
        return [f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return [f"{node.value.id}.{node.attr}"]
    return []


def module_of(reached, files, importer):
    """The module of ours that a full name lies in, or None; what a door names as its own is the door's to others."""
    door, _, name = reached.rpartition(".")
    outside = door in files and room(importer) != room(door)
    if outside and files[door].name == "__init__.py" and name in public(files[door]):
        return door
    while reached and reached not in files:
        reached = reached.rpartition(".")[0]
    return reached or None


def public(path):
    """The names in a package's ``__all__``."""
    for node in parsed(path).body:
        if isinstance(node, ast.Assign) and [getattr(t, "id", None) for t in node.targets] == ["__all__"]:
            return ast.literal_eval(node.value)
    return []


def room(name):
    """What another room may name of a module: its floor, its room, or, at the top of a floor, the module itself."""
    parts = name.split(".")
    return "probes" if parts[0] == "probes" else ".".join(parts[:2])


def arrows(root):
    """(module, what it reaches, whether by attribute) for every import, and every attribute of a module's name."""
    for name, path in sources(root).items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for node in ast.walk(parsed(path)):
            for reached in imported(node, package):
                yield name, reached, isinstance(node, ast.Attribute)


def refused(root):
    """Every breach of the floors, the doors and the one way, in words."""
    files, found = sources(root), []
    graph = {name: set() for name in files}
    for name, reached, attribute in arrows(root):
        if not allowed(name, reached, attribute):
            found.append(f"{name} reaches {reached}")
        target = None if attribute else module_of(reached, files, name)
        if target is None or target == name:
            continue
        graph[name].add(target)
        outside = room(name) != room(target)
        if outside and target != room(target) and target not in SECOND_DOORS:
            found.append(f"{name} enters {target} past the door of {room(target)}")
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as cycle:
        found.append("cycle: " + " <- ".join(cycle.args[1]))
    return [*found, *_circles_of_rooms(graph)]


def _circles_of_rooms(graph):
    rooms = collections.defaultdict(set)
    for name, targets in graph.items():
        if name in FLOORS:  # a floor's own door opens on all its rooms, and none of them goes through it
            continue
        rooms[room(name)] |= {room(t) for t in targets} - {room(name)}
    try:
        graphlib.TopologicalSorter(rooms).prepare()
    except graphlib.CycleError as cycle:
        return ["circle of rooms: " + " <- ".join(cycle.args[1])]
    return []


def allowed(name, reached, attribute):
    floor, top = name.split(".")[0], reached.split(".")[0]
    if floor == "probes" and reached.startswith("torch.nn"):
        return False
    if attribute:
        return True
    if top in FLOORS:
        return FLOORS.index(top) <= FLOORS.index(floor)
    return floor != "probes" or top in {"torch", "einops", "scipy", "threadpoolctl", *sys.stdlib_module_names}


def test_imports_go_down_one_way_and_through_doors():
    assert refused(ROOT) == []


def wide(root):
    """Folders with more files of Python and folders of such side by side than can be taken in, with their number."""
    folders = [folder for top in (*FLOORS, "tests") for folder in (root / top).glob("**/")]
    shown = {folder: [p for p in folder.iterdir() if _code(p)] for folder in folders}
    return {str(f.relative_to(root)): len(inside) for f, inside in shown.items() if len(inside) > SIDE_BY_SIDE}


def _code(path):
    return path.suffix == ".py" or (path.is_dir() and any(path.rglob("*.py")))


def test_a_folder_can_be_taken_in_at_a_glance():
    assert wide(ROOT) == {}


def test_every_file_of_a_folder_counts(tmp_path):
    (tmp_path / "deepnrc/r/inner").mkdir(parents=True)
    (tmp_path / "deepnrc/r/templates").mkdir()
    for name in ("__init__", "__main__", "_version", *(f"f{i}" for i in range(SIDE_BY_SIDE - 3)), "inner/a"):
        (tmp_path / f"deepnrc/r/{name}.py").touch()
    assert wide(tmp_path) == {"deepnrc/r": SIDE_BY_SIDE + 1}
    (tmp_path / "deepnrc/r/_version.py").unlink()
    assert wide(tmp_path) == {}


@pytest.mark.parametrize("floor", FLOORS)
def test_a_name_is_used_once_in_a_package(floor):
    paths = [p for p in (ROOT / floor).rglob("*.py") if not p.stem.startswith("__")]
    stems = collections.Counter(p.stem for p in paths if floor != "probes" or "ufm" not in p.parts)
    trees = [parsed(p) for p in paths]
    classes = collections.Counter(node.name for tree in trees for node in tree.body if isinstance(node, ast.ClassDef))
    assert [name for name, count in (stems + classes).items() if count > 1] == []


def test_no_file_is_long():
    files = sources(ROOT) | {str(p.relative_to(ROOT)): p for p in (ROOT / "tests").rglob("*.py")}
    assert {name: n for name, p in files.items() if (n := len(p.read_text().splitlines())) > LONGEST} == {}


@pytest.mark.parametrize("floor", FLOORS)
def test_files_of_some_length_have_tests_of_their_own(floor):
    tests = {p.stem.removeprefix("test_") for p in (ROOT / "tests" / floor).rglob("test_*.py")}
    files = {name: p for name, p in sources(ROOT).items() if name.startswith(f"{floor}.")}
    long = [p for p in files.values() if len(p.read_text().splitlines()) > 40 and not p.stem.startswith("__")]
    without = [p.stem for p in long if not any(test.startswith(p.stem) for test in tests)]
    whole = [p.stem for p in long if p.parent.name in tests]  # a room that is one table, tested as one
    assert sorted(set(without) - set(whole)) == []


@pytest.mark.parametrize(
    ("path", "source", "breach"),
    [
        ("probes/a.py", "import numpy", "probes.a reaches numpy"),
        ("probes/a.py", "from torch import nn", "probes.a reaches torch.nn"),
        ("probes/a.py", "import torch.nn.functional as F", "probes.a reaches torch.nn.functional"),
        ("probes/a.py", "import torch\n\ndef f(x):\n    return torch.nn.Linear(x)", "probes.a reaches torch.nn"),
        ("probes/a.py", "def f():\n    from deepnrc import report", "probes.a reaches deepnrc.report"),
        ("probes/a.py", "from ..deepnrc import report", "probes.a reaches deepnrc.report"),
        ("deepnrc/s/a.py", "import experiments.data", "deepnrc.s.a reaches experiments.data"),
        ("deepnrc/b.py", "from deepnrc.c import x", "cycle: "),
        ("probes/b.py", "from . import c", "cycle: "),
        ("experiments/b.py", "try:\n    from .c import x\nexcept ImportError:\n    pass", "cycle: "),
        ("deepnrc/b.py", "def f():\n    from deepnrc.c import x", "cycle: "),
        ("deepnrc/b.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import deepnrc.c", "cycle: "),
        ("deepnrc/r/a.py", "from deepnrc.t.inner import x", "deepnrc.r.a enters deepnrc.t.inner past the door"),
        ("experiments/a.py", "from deepnrc.t import inner", "experiments.a enters deepnrc.t.inner past the door"),
        ("experiments/a.py", "from probes.p import x", "experiments.a enters probes.p past the door of probes"),
        ("deepnrc/r/a.py", "from deepnrc.t import y", "circle of rooms: "),
    ],
)
def test_a_breach_is_seen(tmp_path, path, source, breach):
    (tmp_path / "deepnrc/t").mkdir(parents=True)
    (tmp_path / "deepnrc/t/__init__.py").write_text("y = 0")
    (tmp_path / "deepnrc/t/inner.py").write_text("from deepnrc.r import z" if breach.startswith("circle") else "x = 0")
    (tmp_path / "deepnrc/r").mkdir()
    (tmp_path / "deepnrc/r/__init__.py").write_text("z = 0")
    (tmp_path / "probes").mkdir()
    (tmp_path / "probes/p.py").write_text("x = 0")
    target = tmp_path / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(source)
    if breach == "cycle: ":
        (target.parent / "c.py").write_text(f"import {path.split('/')[0]}.b")
    assert [x for x in refused(tmp_path) if x.startswith(breach)]


@pytest.mark.parametrize(
    "source",
    [
        "import math, torch, einops\nfrom torch import Tensor\nfrom .c import x",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .d import x",
        "def f():\n    from .d import x",
    ],
)
def test_what_is_allowed_passes(tmp_path, source):
    (tmp_path / "probes").mkdir()
    (tmp_path / "probes/a.py").write_text(source)
    (tmp_path / "probes/c.py").write_text("")
    (tmp_path / "probes/d.py").write_text("")
    assert refused(tmp_path) == []
