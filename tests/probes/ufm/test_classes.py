import pytest
import torch

from probes.ufm import ClassMinimum

MODELS = [
    ClassMinimum(4, 50, 0.005, (0.005,)),
    ClassMinimum(4, 50, 0.005, (0.005,), bias=0.0),
    ClassMinimum(4, 50, 0.001, (0.02,), bias=0.05),
    ClassMinimum(4, 50, 0.001, (0.02,), bias=1.0),
    ClassMinimum(4, 50, 0.1, (0.1,), bias=1.0),
    ClassMinimum(4, 50, 0.005, (0.005, 0.005)),
    ClassMinimum(5, 100, 0.001, (0.0025, 0.005)),
    ClassMinimum(3, 20, 0.002, (0.003, 0.001, 0.002), bias=0.0),
    ClassMinimum(4, 50, 0.005, (0.005, 0.005), relu=True),
]


@pytest.mark.parametrize("minimum", MODELS)
def test_the_minimiser_has_the_loss_no_gradient_and_the_singular_values(chain_loss, minimum):
    H, weights, b = minimum.at(20)
    Y = torch.eye(minimum.K, dtype=torch.float64).repeat_interleave(minimum.n, 0)
    loss, gradients = chain_loss(
        Y, H, weights, b, minimum.lambda_h, minimum.lambda_w, minimum.bias or 0.0, minimum.relu
    )
    assert loss == pytest.approx(minimum.loss, rel=1e-13)
    assert max(float(g.abs().max()) for g in gradients[: None if minimum.bias is not None else -1]) < 1e-14
    assert b.tolist() == pytest.approx([minimum.b] * minimum.K)
    entering = H
    for level, W in enumerate(weights, 1):
        if minimum.relu and level == 1:
            entering = (entering @ W.T).relu()
            continue
        means = entering[:: minimum.n]
        assert sorted(torch.linalg.svdvals(W)[: minimum.K].tolist()) == pytest.approx(
            sorted(minimum.weight_values(level).tolist()), abs=1e-7
        )
        assert sorted(torch.linalg.eigvalsh(means @ means.T).tolist()) == pytest.approx(
            sorted(minimum.mean_values(level).tolist()), abs=1e-12
        )
        gram = means @ means.T
        if minimum.s:
            frame = torch.eye(minimum.K, dtype=torch.float64) / minimum.K**0.5
            assert minimum.frame_error(level) == pytest.approx(float((gram / gram.norm() - frame).norm()), abs=1e-12)
        entering = entering @ W.T


@pytest.mark.parametrize(
    ("minimum", "a", "s", "loss", "values"),
    [
        (MODELS[5], 0.0736806, 0.9243621315, 0.1077357156, (1.86972, 1.86972, 1.86972)),
        (MODELS[6], 0.0538609, 0.9451161012, 0.0793136058, (1.44044, 2.03709, 3.22092)),
    ],
)
def test_the_published_settings_have_known_numbers(minimum, a, s, loss, values):
    assert minimum.a == pytest.approx(a, abs=5e-8)
    assert minimum.s == pytest.approx(s, abs=5e-11)
    assert minimum.loss == pytest.approx(loss, abs=5e-11)
    features = (minimum.mean_values(1) * minimum.n).sqrt()
    found = [minimum.weight_values(2)[0], minimum.weight_values(1)[0], features[0]]
    assert [float(v) for v in found] == pytest.approx(values, abs=5e-6)
    assert features.tolist() == pytest.approx([features[0].item()] * minimum.K)


def test_one_level_has_the_papers_formulas():
    K, n, h, w = 4, 50, 0.003, 0.008
    c = K * (n * h * w) ** 0.5
    plain, free = ClassMinimum(K, n, h, (w,)), ClassMinimum(K, n, h, (w,), bias=0.0)
    rho = (1 - c) * (w / (n * h)) ** 0.5
    assert plain.a == pytest.approx(c)
    assert plain.loss == pytest.approx(c**2 / 2 + c * (1 - c))
    assert plain.mean_values(1).tolist() == pytest.approx([rho] * K)
    assert plain.image.tolist() == pytest.approx([1 - c] * K)
    assert free.loss == pytest.approx((K - 1) / K * (c**2 / 2 + c * (1 - c)))
    assert free.mean_values(1).tolist() == pytest.approx([rho] * (K - 1) + [0])
    assert free.b == pytest.approx(1 / K)


def test_a_penalised_bias_goes_from_the_simplex_to_the_orthogonal_frame():
    a = ClassMinimum(4, 50, 0.005, (0.005,)).a
    edge = a / (1 - a)
    models = [ClassMinimum(4, 50, 0.005, (0.005,), bias=edge * f) for f in (0.0, 0.5, 0.999, 1.001, 2, 100, 1e9)]
    assert [m.simplex for m in models] == [True] * 3 + [False] * 4
    errors = [m.frame_error(1) for m in models]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-8
    losses = [m.loss for m in models]
    assert losses == sorted(losses)
    assert losses[0] == pytest.approx(ClassMinimum(4, 50, 0.005, (0.005,), bias=0.0).loss)
    assert losses[-1] == pytest.approx(ClassMinimum(4, 50, 0.005, (0.005,)).loss, rel=1e-8)


@pytest.mark.parametrize(("levels", "edge"), [(1, 1.0), (2, 2 ** (-4 / 3))])
def test_above_its_threshold_everything_is_zero_and_marked(levels, edge):
    def model(a):
        return ClassMinimum(4, 1, (a / 4), (a / 4,) * levels)

    above, at, below = model(1.01 * edge), model(edge), model(0.99 * edge)
    assert (above.s, above.loss) == (0, 0.5)
    assert "above its threshold" in above.notes[0]
    assert "at its threshold" in at.notes[0]
    assert below.notes == ()
    assert below.s > 0
    with pytest.raises(ValueError, match="class means are 0"):
        above.frame_error(1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"K": 1}, "at least two classes of at least one sample, not K = 1"),
        ({"n": 0}, "not K = 4, n = 0"),
        ({"lambda_w": ()}, "at least one layer"),
        ({"lambda_h": 0.0}, "lambda_h must be above 0"),
        ({"lambda_w": (-1.0,)}, "lambda_1 must be a finite number of at least 0"),
        ({"bias": -1.0}, "lambda_b must be a finite number of at least 0"),
        ({"bias": 0.1, "lambda_w": (0.1, 0.1)}, "penalised bias has a closed form for one level only"),
        ({"relu": True}, "theorem with a ReLU is for two levels without a bias"),
    ],
)
def test_what_has_no_theorem_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        ClassMinimum(**{"K": 4, "n": 10, "lambda_h": 0.1, "lambda_w": (0.1,)} | change)


def test_narrow_features_and_the_level_below_a_relu_are_refused():
    with pytest.raises(ValueError, match=r"needs a width d >= 4 \(as many as the K = 4 classes\); d is 3"):
        MODELS[0].at(3)
    with pytest.raises(ValueError, match="says nothing of what enters the lower level"):
        MODELS[-1].mean_values(1)
