"""What ``make oldest`` installs: the lower bound of every package in setup.cfg."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def oldest():
    spec = importlib.util.spec_from_file_location("oldest", ROOT / ".ci" / "oldest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.oldest


SETUP = """
[options]
install_requires =
    one>=1.9
    two-b>=2
[options.extras_require]
more =
    one[part,other]>=1.10
    three>=0.1
all =
    deepnrc[more]
"""


def test_of_several_bounds_the_highest_is_the_oldest_version(oldest):
    assert oldest(SETUP) == ["one==1.10", "two-b==2", "three==0.1"]


@pytest.mark.parametrize("line", ["four", "four<2", "four>=1,<2", "four==1"])
def test_a_package_without_a_lower_bound_alone_is_refused(oldest, line):
    with pytest.raises(ValueError, match="no package with a lower bound alone"):
        oldest(SETUP.replace("three>=0.1", line))


def test_every_package_that_we_name_has_one(oldest):
    assert {"torch", "timm", "einops", "scikit-learn", "seaborn", "sphinx", "pytest"} <= {
        line.split("==")[0] for line in oldest((ROOT / "setup.cfg").read_text(encoding="utf-8"))
    }
