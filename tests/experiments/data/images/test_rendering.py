import pytest

from deepnrc.errors import UsageError
from experiments.data.images import rendering
from experiments.data.images.rendering import NO_CONTEXT, NoContextError, need, rendered

CHILD = """
import os, sys
import numpy as np
flags = dict(zip(sys.argv[1::2], sys.argv[2::2]))
print(); print()
if flags["--frames"] == "0":
    print("words", file=sys.stderr)
    code = int(os.environ["CODE"])
    sys.stderr.flush()
    os.kill(os.getpid(), -code) if code < 0 else sys.exit(code)
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


def test_a_failure_is_told_in_its_own_words_with_what_to_do(child):
    said = (
        r"^Rendering ended with exit code 1: words\. If it names an environment .* pip install -U gymnasium\. To see "
        r"all that it says, run: CODE=1 \S+ -m a_renderer --frames 0 --out frames\.npz$"
    )
    with pytest.raises(UsageError, match=said) as caught:
        rendered(child, {"frames": 0}, {"CODE": "1"}, 3)
    assert type(caught.value) is UsageError


def test_a_renderer_that_is_killed_is_told_so(child):
    with pytest.raises(UsageError, match=r"exit code -9: .* memory .* fewer frames"):
        rendered(child, {"frames": 0}, {"CODE": "-9"}, 3)


def test_where_nothing_can_be_drawn_the_words_are_passed_on(child):
    with pytest.raises(NoContextError, match=r"^words$"):
        rendered(child, {"frames": 0}, {"CODE": str(NO_CONTEXT)}, 3)


def test_an_absent_package_is_refused(monkeypatch):
    monkeypatch.setattr(rendering, "find_spec", lambda package: None)
    with pytest.raises(UsageError, match=r"package 'Box2D', which is not installed\. Get it\."):
        need("Box2D", "Get it.")
