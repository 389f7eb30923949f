import numpy as np
import pytest
import torch

from deepnrc.data.targets import as_targets, as_tensor, unit_roundoff
from deepnrc.errors import DataError, UsageError

PREDICTION = torch.zeros(4, 3)


@pytest.mark.parametrize(
    "given",
    [
        torch.arange(8.0).reshape(4, 2),
        np.arange(8.0).reshape(4, 2),
        [[0, 1], [2, 3], [4, 5], [6, 7]],
        np.arange(8).reshape(4, 2),
        np.arange(8.0).reshape(4, 2)[::-1][::-1],
        np.arange(8.0).reshape(4, 2).astype(">f8"),
    ],
)
def test_tensors_arrays_and_lists_are_the_same_targets(given):
    targets = as_targets(given, None, 1)
    assert targets.Y.dtype == torch.float64
    assert targets.Y.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert not targets.one_hot


def test_arrays_that_torch_cannot_share_are_copied():
    frozen = np.arange(3.0)
    frozen.flags.writeable = False
    assert as_tensor(frozen, "it").tolist() == [0, 1, 2]
    assert as_tensor(np.arange(3.0)[::-1], "it").tolist() == [2, 1, 0]


def test_numbers_in_lists_keep_their_digits():
    assert as_targets([[0.1], [0.2]], None, 1).Y.tolist() == [[0.1], [0.2]]


def test_a_vector_is_one_column():
    assert as_targets(torch.tensor([1.0, 2.0]), None, 1).Y.tolist() == [[1], [2]]


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8])
def test_classes_become_one_hot_as_wide_as_the_output_even_where_one_never_appears(dtype):
    targets = as_targets(torch.tensor([0, 2, 2], dtype=dtype), PREDICTION, 1)
    assert targets.Y.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 1]]
    assert targets.one_hot


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64, torch.bool])
def test_rows_with_a_single_1_are_classes_whatever_their_dtype(dtype):
    targets = as_targets(torch.eye(3).to(dtype), None, 1)
    assert targets.one_hot
    assert targets.Y.tolist() == torch.eye(3).tolist()


@pytest.mark.parametrize("row", [[0, 0, 0], [1, 1, 0], [0.5, 0.5, 0], [0, 2, 0], [-1, 1, 1]])
def test_one_row_that_is_not_one_hot_and_the_targets_are_no_classes(row):
    assert not as_targets(torch.cat([torch.eye(3), torch.tensor([row])]), None, 1).one_hot
    assert not as_targets(torch.ones(4, 1), None, 1).one_hot


@pytest.mark.parametrize(("dtype", "u"), [(torch.float16, 2**-11), (torch.bfloat16, 2**-8), (torch.float32, 2**-24)])
def test_the_roundoff_is_that_of_the_dtype_they_came_in(dtype, u):
    assert unit_roundoff(dtype) == u
    assert as_targets(torch.zeros(2, 1, dtype=dtype), None, 1).roundoff == u
    assert as_targets(torch.tensor([0, 1]), PREDICTION, 1).roundoff == 2**-53


@pytest.mark.parametrize("shape", [(4, 0), (4, 2, 1), ()])
def test_shapes_that_are_no_matrix_are_refused(shape):
    with pytest.raises(UsageError, match=r"targets of batch 7 have shape \(.*\) and dtype torch.float32\..*n >= 1"):
        as_targets(torch.zeros(shape), None, 7)


def test_complex_targets_are_refused():
    with pytest.raises(UsageError, match=r"dtype torch.complex64\. They must be real"):
        as_targets(torch.zeros(2, 2, dtype=torch.complex64), None, 1)


@pytest.mark.parametrize("given", [{"y": 1}, "text", None, [torch.zeros(2), torch.zeros(3)]])
def test_what_is_no_array_is_refused(given):
    with pytest.raises(UsageError, match=rf"target of batch 3 is a {type(given).__name__}, not a tensor or an array"):
        as_targets(given, None, 3)


def test_an_array_of_objects_is_refused_with_its_dtype():
    with pytest.raises(UsageError, match=r"is a ndarray of object, not a tensor or an array of numbers"):
        as_targets(np.array([None]), None, 1)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_targets_that_are_not_finite_are_refused(bad):
    Y = torch.zeros(5, 2)
    Y[1, 0] = Y[3, 1] = bad
    with pytest.raises(DataError, match=r"targets of batch 2 hold NaN or infinity in 2 rows"):
        as_targets(Y, None, 2)


def test_classes_outside_the_output_are_refused():
    with pytest.raises(DataError, match=r"Batch 1 has classes from 0 to 3, and the network has 3 outputs"):
        as_targets(torch.tensor([0, 3]), PREDICTION, 1)
    with pytest.raises(DataError, match=r"classes from -1 to 2"):
        as_targets(torch.tensor([-1, 2]), PREDICTION, 1)


@pytest.mark.parametrize("prediction", [None, torch.zeros(4), torch.zeros(4, 3, 2)])
def test_classes_need_an_output_that_says_how_many(prediction):
    with pytest.raises(UsageError, match=r"Integer targets are classes, but the network's output \(N, K\)"):
        as_targets(torch.tensor([0, 1]), prediction, 1)


def test_whole_numbers_are_no_classes_of_a_network_with_one_output():
    for y in (torch.zeros(4).long(), torch.tensor([0, 7])):
        with pytest.raises(UsageError, match=r"has one output, and integer targets are classes; give .* as floats"):
            as_targets(y, torch.zeros(4, 1), 1)


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (torch.arange(4)[:, None], r"whole numbers of shape \(4, 1\), .* whole numbers \(N,\), y\[:, 0\], and values"),
        (torch.zeros(4, 1, dtype=torch.uint8), r"whole numbers of shape \(4, 1\), which may be classes or values"),
        (
            torch.arange(4) > 1,
            r"true and false of shape \(4,\), .* \(N,\), y\.long\(\), and values as floats, y\.float\(\)",
        ),
        (torch.arange(4)[:, None] > 1, r"true and false of shape \(4, 1\), .* y\[:, 0\]\.long\(\)"),
        (
            np.arange(4)[:, None],
            r"with batch, such as a function lambda batch: \(batch\[0\], batch\[1\]\.float\(\)\)\.",
        ),
    ],
)
def test_a_column_that_may_be_classes_or_values_is_refused(y, said):
    with pytest.raises(UsageError, match=said) as refused:
        as_targets(y, PREDICTION, 1)
    assert refused.value.argument == "batch"


def test_several_columns_and_floats_are_values():
    for y in (torch.zeros(4, 1), torch.zeros(4, 2).long(), torch.zeros(4, 2).bool(), torch.zeros(4)):
        assert as_targets(y, None, 1).no_classes == "the targets are no classes"


@pytest.mark.parametrize(
    ("y", "kind"),
    [
        (torch.randn(50, 2).double(), torch.float32),
        ((4.5e6 + 10 * torch.randn(50, 2)).float().double(), torch.float32),
        ((torch.randn(50, 2, dtype=torch.float64) + 0.1).float().numpy().astype(np.float64), torch.float32),
        (torch.randn(50, 2, dtype=torch.float64), torch.float64),
        (torch.randint(0, 1_000_000, (50, 2)).double(), torch.float64),
        (torch.randint(-8, 8, (50, 2)).double() / 4, torch.float64),
        (torch.zeros(50, 2, dtype=torch.float64), torch.float64),
    ],
)
def test_single_precision_in_double_precision_is_seen(y, kind):
    assert as_targets(y, None, 1).roundoff == unit_roundoff(kind)


def test_the_last_written_digits_are_kept_with_the_targets():
    y = torch.rand(4, 2)
    assert as_targets(y, None, 1).resolution is None
    assert as_targets(y, None, 1, [0.5, 0]).resolution.tolist() == [0.5, 0]
    for wrong in ([0.5], [0.5, -1], [0.5, float("nan")], 0.5):
        with pytest.raises(UsageError, match="The targets' resolution must be 2 numbers from 0 up, half a unit of the"):
            as_targets(y, None, 1, wrong)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.uint32, np.uint64])
def test_whole_numbers_without_a_sign_are_classes(kind):
    for given in (np.array([0, 2, 1, 2], kind), torch.from_numpy(np.array([0, 2, 1, 2], kind))):
        assert as_targets(given, PREDICTION, 1).Y.argmax(1).tolist() == [0, 2, 1, 2]


def test_whole_numbers_that_no_class_can_have_are_refused():
    with pytest.raises(UsageError, match=r"The target of batch 1 holds whole numbers above 2\*\*63"):
        as_targets(np.array([0, 2**63], np.uint64), PREDICTION, 1)
