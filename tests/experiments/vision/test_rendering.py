import pytest

from deepnrc.errors import UsageError
from experiments.vision import rendering
from experiments.vision.rendering import NO_CONTEXT, NoContextError, need, rendered

CHILD = """
import os, sys
import numpy as np
flags = dict(zip(sys.argv[1::2], sys.argv[2::2]))
print(); print()
if flags["--frames"] == "0":
    print("words", file=sys.stderr)
    sys.exit(int(os.environ["CODE"]))
np.savez(flags["--out"], x=np.arange(int(flags["--frames"])))
"""


@pytest.fixture
def child(tmp_path, monkeypatch):
    """The name of a module that writes numbers, or fails."""
    (tmp_path / "a_renderer.py").write_text(CHILD)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "a_renderer"


def test_arrays_come_back(child):
    assert rendered(child, {"frames": 3}, {}, 3)["x"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(("code", "kind"), [(NO_CONTEXT, NoContextError), (1, UsageError)])
def test_a_failure_is_told_in_its_own_words(child, code, kind):
    with pytest.raises(UsageError, match=f"exit code {code}: words") as caught:
        rendered(child, {"frames": 0}, {"CODE": str(code)}, 3)
    assert type(caught.value) is kind


def test_an_absent_package_is_refused(monkeypatch):
    monkeypatch.setattr(rendering, "find_spec", lambda package: None)
    with pytest.raises(UsageError, match=r"package 'Box2D', which is not installed\. Get it\."):
        need("Box2D", "Get it.")
