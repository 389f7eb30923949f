import os
import subprocess
import sys
from pathlib import Path

import pytest

import deepnrc

ROOT = Path(__file__).parents[2]
SELDOM = ("joblib", "matplotlib", "seaborn", "timm", "sklearn", "scipy.stats", "jinja2", "h5py", "distributed")
HEAVY = ("torch", "pandas", "numpy", "matplotlib", "seaborn", "timm", "einops", "probes", "deepnrc.measuring")


def python(code: str, folder: Path = ROOT, *paths: Path) -> subprocess.CompletedProcess[str]:
    """Run code in a Python of its own, in a folder, with further folders in front of the packages."""
    path = os.pathsep.join(map(str, [*paths, ROOT]))
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, env=os.environ | {"PYTHONPATH": path}
    )


@pytest.mark.parametrize(
    "code",
    [
        "import deepnrc; dir(deepnrc); deepnrc.__version__; deepnrc.UsageError",
        "from deepnrc.commands import main; main(['--version'])",
        *(
            f"from deepnrc.commands import main\ntry: main({[*command, '--help']})\nexcept SystemExit: pass"
            for command in ([], ["probe"], ["layers"], ["heatmap"], ["spectrum"], ["report"], ["probes"], ["selftest"])
        ),
    ],
)
def test_importing_and_asking_for_help_bring_nothing_heavy(code: str) -> None:
    done = python(f"{code}\nimport sys\nprint('loaded', [name for name in {HEAVY} if name in sys.modules])")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "loaded []"


def test_every_public_name_comes_and_a_probe_runs_without_what_few_runs_need() -> None:
    done = python(
        "import sys, deepnrc; print([name for name in deepnrc.__all__ if getattr(deepnrc, name) is None],"
        f" [name for name in {SELDOM} if name in sys.modules])\n"
        "import torch; x = torch.randn(50, 4)\n"
        "deepnrc.probe(torch.nn.Linear(4, 2), (x, x[:, :2]), progress=False)\n"
        "print('torch._dynamo' in sys.modules)  # which takes longer to import than this took\n"
    )
    assert (done.stdout, done.stderr) == ("[] []\nFalse\n", "")
    assert {"load_data", "load_checkpoint", "load_model", "Table"} < set(deepnrc.__all__) <= set(dir(deepnrc))
    assert list(deepnrc.__all__) == sorted(deepnrc.__all__, key=lambda name: (not name.isupper(), name))


def test_a_star_import_brings_every_public_name() -> None:
    names: dict[str, object] = {}
    exec("from deepnrc import *", names)
    assert set(deepnrc.__all__) <= set(names)


def test_other_names_are_no_attributes() -> None:
    with pytest.raises(AttributeError, match=r"^module 'deepnrc' has no attribute 'prob'"):
        deepnrc.prob  # type: ignore[attr-defined]  # noqa: B018
    assert not hasattr(deepnrc, "carry")


@pytest.mark.parametrize("name", ["probes.py", "probes/__init__.py", "probes/readme.txt"])
def test_a_file_of_the_user_s_in_the_way_of_our_probes_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("")
    done = python("import deepnrc", tmp_path, tmp_path)
    if name.endswith(".txt"):  # a folder without __init__.py gives way to a package further down the path
        assert (done.returncode, done.stderr) == (0, "")
    else:
        assert done.stderr.splitlines()[-1] == (
            f"ImportError: DeepNRC needs its own package 'probes', but Python found another one at {tmp_path / name}. "
            "Rename that file or folder, or run from another directory."
        )
