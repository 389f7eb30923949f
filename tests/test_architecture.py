"""The house's floors, read from the syntax trees: imports go down a floor, or one way along it."""

import ast
import graphlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = ("probes", "deepnrc", "experiments")


def module(path, root):
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


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


def at_import(body):
    """Statements that run when the module is imported: functions and TYPE_CHECKING blocks are left out."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            yield from at_import(node.orelse)
            continue
        yield node
        yield from at_import(ast.iter_child_nodes(node))


def refused(root):
    """Every breach of the floors' order below ``root``, in words."""
    found = []
    files = {module(p, root): p for floor in FLOORS for p in sorted((root / floor).rglob("*.py"))}
    graph = {name: set() for name in files}
    for name, path in files.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for node in ast.walk(tree):
            reached = imported(node, package)
            found += [f"{name} reaches {x}" for x in reached if not allowed(name, x, isinstance(node, ast.Attribute))]
        for node in at_import(tree.body):
            if isinstance(node, ast.Import | ast.ImportFrom):
                ends = {x if x in files else x.rpartition(".")[0] for x in imported(node, package)}
                graph[name] |= ends & set(files) - {name}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as cycle:
        found.append("cycle: " + " <- ".join(cycle.args[1]))
    return found


def allowed(name, reached, attribute):
    floor, top = name.split(".")[0], reached.split(".")[0]
    if floor == "probes" and reached.startswith("torch.nn"):
        return False
    if attribute:
        return True
    if top in FLOORS:
        return FLOORS.index(top) <= FLOORS.index(floor)
    return floor != "probes" or top in {"torch", "einops", *sys.stdlib_module_names}


def test_imports_go_down_and_one_way():
    assert refused(ROOT) == []


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
    ],
)
def test_a_breach_is_seen(tmp_path, path, source, breach):
    target = tmp_path / path
    target.parent.mkdir(parents=True)
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
    (tmp_path / "probes/d.py").write_text("from . import a")
    assert refused(tmp_path) == []
