"""joblib's backends by name: refused where they are not there, the same digits where they are."""

import importlib

import joblib
import pytest

from deepnrc.errors import UsageError
from deepnrc.measuring import clusters
from deepnrc.measuring.clusters import backend


def enter(name):
    with backend(name, 2):
        pass


def test_a_typo_is_refused():
    with pytest.raises(UsageError, match=r"no backend 'lokey'\. Choose from loky, dask, ray"):
        enter("lokey")


@pytest.mark.parametrize(
    ("name", "package"), [("dask", r"pip install 'dask\[distributed\]'"), ("ray", "pip install 'ray'")]
)
def test_a_missing_package_is_said_with_its_command(name, package, monkeypatch):
    def missing(module):
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)

    monkeypatch.setattr(clusters.importlib, "import_module", missing)
    with pytest.raises(UsageError, match=package) as refusal:
        enter(name)
    assert refusal.value.exit_code == 2


@pytest.mark.parametrize("module", ["distributed", "ray"])
def test_what_is_not_installed_here_is_refused_in_earnest(module):
    try:
        importlib.import_module(module)
    except ModuleNotFoundError:
        with pytest.raises(UsageError, match="pip install"):
            enter({"distributed": "dask"}.get(module, module))
    else:
        pytest.skip(f"{module} is installed")


def test_processes_need_nothing():
    with backend("loky", 2):
        assert joblib.Parallel(n_jobs=1)([joblib.delayed(abs)(-3)]) == [3]
