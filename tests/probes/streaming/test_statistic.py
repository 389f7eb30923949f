import dataclasses

import pytest
import torch

from probes import Batch, Classes, Moments, NotDefinedError, Opening, Part

H, Y = torch.randn(6, 3).double(), torch.randn(6, 2).double()
LABELS = torch.arange(6) % 2


def test_a_batch_holds_what_is_known_and_none_for_what_is_not():
    batch = Batch(H, Y, LABELS)
    assert (batch.N, batch.predicted) == (6, None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        batch.predicted = LABELS


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64, torch.int64])
def test_tensors_of_any_dtype_become_a_batch_and_a_batch_stays_itself(dtype):
    batch = Batch.of(H.to(dtype), Y.to(dtype))
    assert (batch.H.dtype, batch.Y.dtype) == (torch.float64, torch.float64)
    assert torch.equal(batch.H, H.to(dtype).double())
    assert Batch.of(batch) is batch
    assert Batch.of(H.to(dtype)).Y.shape == (6, 0)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"H": H.float()}, r"holds H .* float64, and not \(6, 3\) of torch\.float32 for 6 samples\. Batch\.of"),
        ({"H": H[0]}, r"holds H with one row a sample"),
        ({"Y": Y[:5]}, r"holds Y .* and not \(5, 2\) of torch\.float64 for 6 samples"),
        ({"Y": Y[:, 0]}, r"holds Y with one row a sample"),
        ({"classes": LABELS[:5]}, r"holds classes \(6,\) of int64, and not \(5,\) of torch\.int64"),
        ({"classes": LABELS.double()}, r"holds classes \(6,\) of int64, and not \(6,\) of torch\.float64"),
        ({"predicted": LABELS[:, None]}, r"holds predicted \(6,\) of int64, and not \(6, 1\)"),
    ],
)
def test_other_shapes_and_dtypes_are_refused(given, words):
    with pytest.raises(ValueError, match=words):
        Batch(**{"H": H, "Y": Y, **given})


def test_an_opening_hands_out_what_the_first_pass_finished():
    moments = Moments(3, 2)
    opening = Opening(3, 2, first={"moments": moments})
    assert opening.finished("moments", Moments) is moments
    with pytest.raises(NotDefinedError, match="no statistic 'classes' was streamed in the first pass"):
        opening.finished("classes", Classes)
    with pytest.raises(TypeError, match="'moments' is Moments, not Classes"):
        opening.finished("moments", Classes)


def test_parts_join():
    both = Part.CLASSES | Part.PREDICTED
    assert both & Part.PREDICTED
    assert not Part.NONE & both
