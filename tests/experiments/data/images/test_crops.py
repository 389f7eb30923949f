import pytest
import torch

from deepnrc.errors import UsageError
from experiments.data.images import crops
from experiments.data.images.crops import EDGES, moved_faces, patches, photographs

pytest.importorskip("skimage")


def test_photographs_are_in_three_channels():
    assert {name: picture.shape[2] for name, picture in photographs().items()} == dict.fromkeys(
        ("china", "flower", "chelsea", "coffee", "rocket", "camera"), 3
    )


def test_patches_take_turns_and_repeat():
    x, y = patches(8, 32, seed=1)
    assert (x.shape, y.argmax(1).tolist()) == ((8, 3, 32, 32), [0, 1, 2, 3, 4, 5, 0, 1])
    assert -1 <= float(x.min()) < -0.5 < 0.5 < float(x.max()) <= 1
    assert torch.equal(x, patches(8, 32, seed=1)[0])
    assert not torch.equal(x, patches(8, 32, seed=2)[0])


def test_edges_say_where_the_crop_was_moved(monkeypatch):
    monkeypatch.setattr(crops, "MOVE", 0.0)
    _, y = moved_faces(3, seed=0)
    assert torch.allclose(y, torch.tensor(EDGES).expand(3, 4))
    monkeypatch.setattr(crops, "MOVE", 0.15)
    moved, y = moved_faces(300, seed=0)
    assert moved.shape == (300, 3, 48, 48)
    # the crop's width in faces and where it starts, from where the face's own edges lie in it
    left, right = y[:, 0], 1 + y[:, 2]
    width = (1 + EDGES[2] - EDGES[0]) / (right - left)
    start = EDGES[0] - left * width
    for edge in (start, start + width - 1):
        assert edge.abs().max() == pytest.approx(0.15, abs=0.01)
        assert edge.mean() == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("call", [lambda: patches(1, 64, 0), lambda: patches(5, 16, 0), lambda: moved_faces(1, 0)])
def test_too_little_is_refused(call):
    with pytest.raises(UsageError, match="Take at least 2"):
        call()
