"""Targets of low rank: the spectrum, the noise and the teachers are what was asked for."""

import pytest
import torch

from experiments.data.lowrank import TEACHERS, LowRank


def spectrum(y):
    """Eigenvalues of the covariance of targets (N, n), the largest first."""
    centred = y.double() - y.double().mean(0)
    return torch.linalg.eigvalsh(centred.T @ centred / len(y)).flip(0)


def signal(described, seed=0):
    """The targets in float64, before noise, scaling and splitting."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(described.samples, described.input_dim, dtype=torch.float64, generator=generator)
    return described._signal(x, generator)


def everything(described, seed=0):
    """All targets as studies get them."""
    data = described.load(seed)
    return torch.cat((data.y, data.y_test))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("rank", "wanted", "expected"),
    [
        (2, (1.0, 0.49), [1, 0.49]),
        (1, (1.0, 0.49), [1]),
        (4, (1.0, 0.49), [1, 0.49, 0.49, 0.49]),
        (3, (8.0, 4.0, 1.0), [1, 0.5, 0.125]),
        (10, (1.0,), [1] * 10),
    ],
)
def test_a_prescribed_spectrum_is_exact(rank, wanted, expected, seed):
    values = spectrum(signal(LowRank(rank=rank, spectrum=wanted), seed))
    assert (values[:rank] / values[0]).tolist() == pytest.approx(expected, rel=1e-9)
    assert (values[rank:] / values[0]).abs().max().item() < 1e-9 if rank < 10 else True


def test_what_studies_get_has_it_to_float32_with_mean_variance_1():
    values = spectrum(everything(LowRank()))
    assert float(values[1] / values[0]) == pytest.approx(0.49, rel=1e-5)
    assert float(values.sum()) == pytest.approx(10, rel=1e-5)
    assert float(values[2] / values[0]) < 1e-12


@pytest.mark.parametrize("teacher", TEACHERS)
@pytest.mark.parametrize("rank", [1, 2, 5])
def test_every_teacher_has_its_rank_whatever_the_seed(teacher, rank):
    for seed in range(12):
        values = spectrum(signal(LowRank(rank=rank, teacher=teacher, samples=300), seed))
        assert int((values > 1e-13 * values[0]).sum()) == rank


def test_the_linear_teacher_is_linear_and_the_others_are_not():
    left = {}
    for teacher in TEACHERS:
        data = LowRank(teacher=teacher).load(0)
        design = torch.cat((data.x, torch.ones(len(data.x), 1)), 1)
        left[teacher] = float(
            (data.y - design @ torch.linalg.lstsq(design, data.y, driver="gelsd").solution).var() / data.y.var()
        )
    assert left["linear"] < 1e-10
    assert min(left["spectrum"], left["network"]) > 0.05


@pytest.mark.parametrize("teacher", TEACHERS)
def test_targets_are_a_function_of_the_inputs(teacher):
    described = LowRank(teacher=teacher, samples=60, input_dim=3, rank=2)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(30, 3, dtype=torch.float64, generator=generator)
    y = described._signal(torch.cat((x, x.flip(0))), generator)
    torch.testing.assert_close(y[:30], y[30:].flip(0), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("rank", [1, 2, 5])
def test_the_shaped_targets_are_linear_in_as_many_nonnegative_features(rank):
    described, generator = LowRank(rank=rank), torch.Generator().manual_seed(3)
    x = torch.randn(400, 20, dtype=torch.float64, generator=generator)
    y = described._signal(x, generator)
    assert int(torch.linalg.matrix_rank(y)) == rank  # not centred: an offset would be one direction more


@pytest.mark.parametrize("noise", [0.1, 0.5])
def test_noise_has_its_level_and_is_isotropic(noise):
    values = spectrum(everything(LowRank(noise=noise, samples=20_000)))
    assert (values[2:] / noise**2).tolist() == pytest.approx([1] * 8, abs=0.1)
    clean = spectrum(everything(LowRank(samples=20_000)))
    assert (values[:2] - clean[:2]).tolist() == pytest.approx([noise**2] * 2, rel=0.15, abs=0.03)


def test_targets_are_left_centred_or_standardised_on_the_training_part():
    plain, centred, scaled = (LowRank(targets=how).load(0) for how in ("none", "centre", "standardise"))
    torch.testing.assert_close(plain.y - plain.y.mean(0), centred.y)
    assert plain.y.mean(0).abs().max() > 0.3
    assert centred.y.mean(0).abs().max() < 1e-5
    torch.testing.assert_close(scaled.y.std(0, correction=0), torch.ones(10))
    assert (centred.y.std(0) - 1).abs().max() > 0.1


def test_a_fifth_is_held_out():
    data = LowRank(samples=200).load(0)
    assert (data.x.shape, data.y.shape, len(data.x_test)) == ((160, 20), (160, 10), 40)
    assert data.x.dtype == data.y.dtype == torch.float32


def test_inputs_are_standard_normal():
    data = LowRank(samples=20_000).load(0)
    assert spectrum(data.x).tolist() == pytest.approx([1] * 20, abs=0.08)


def test_the_seed_decides_the_digits():
    first, again, other = (LowRank().load(seed) for seed in (0, 0, 1))
    assert torch.equal(first.y, again.y)
    assert not set(first.x[:, 0].tolist()) & set(other.x[:, 0].tolist())  # other samples, not only another split


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"rank": 11}, "rank must lie between 1 and the target width 10; it is 11"),
        ({"rank": 0}, "rank must lie between 1 and the target width 10; it is 0"),
        ({"teacher": "spectral"}, "no teacher 'spectral'; choose from spectrum, network, linear"),
        ({"samples": 0}, r"a width \(20\) and samples \(0\) of at least 1"),
        ({"input_dim": 0}, r"a width \(0\) and samples"),
        ({"spectrum": ()}, r"one or more positive eigenvalues; it is \(\)"),
        ({"spectrum": (1.0, 0.0)}, r"one or more positive eigenvalues; it is \(1.0, 0.0\)"),
        ({"noise": -0.1}, "target noise must be 0 or more and finite; it is -0.1"),
        ({"noise": float("nan")}, "target noise must be 0 or more and finite; it is nan"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        LowRank(**wrong)


@pytest.mark.parametrize(
    "described",
    [
        LowRank(rank=5, input_dim=3, teacher="linear"),
        LowRank(rank=10, samples=8),
    ],
)
def test_a_rank_that_the_teacher_does_not_reach_is_refused(described):
    with pytest.raises(ValueError, match=rf"reached only rank \d+ of {described.rank} on {described.samples} samples"):
        described.load(0)


def test_data_that_are_drawn_once_are_the_same_for_every_seed():
    one, other = (LowRank(samples=50, drawn=4).load(seed) for seed in (0, 1))
    assert torch.equal(one.x, other.x)
    assert torch.equal(one.x, LowRank(samples=50).load(4).x)
    assert not torch.equal(one.x, LowRank(samples=50).load(0).x)
