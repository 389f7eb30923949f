"""What studies on images share: their flags, their refusals and the training of slim networks."""

import pytest

from deepnrc.errors import UsageError
from experiments.data.images.subset import Subset
from experiments.studies.imageclasses import CifarStudy, DigitStudy
from experiments.studies.imageregression import DrivingStudy, FaceStudy, PixelStudy


@pytest.mark.parametrize(
    "study", [PixelStudy(), DrivingStudy(), FaceStudy(data="x"), DigitStudy(), CifarStudy(data="x")]
)
def test_defaults_are_one_cycle_of_a_slim_network_seen_once(study):
    study = study.inquiry().study
    assert study.seeds == (0, 1, 2)
    for setting in study.settings:
        assert setting.network.channels == (16, 32, 64, 128)
        assert (setting.recipe.schedule, setting.recipe.lr <= 0.07) == ("one-cycle", True)
        assert setting.probe["layers"] == ("layer[1-4].*.conv*", "fc")
        assert len(setting.steps) <= 4
        assert max(setting.steps) < setting.recipe.epochs
    assert study.settings[0].recipe.weight_decay == 0


@pytest.mark.parametrize(
    "study", [PixelStudy(), DrivingStudy(), FaceStudy(data="x"), DigitStudy(), CifarStudy(data="x")]
)
def test_the_largest_weight_decay_has_time_to_act(study):
    trained = {"DrivingStudy": 2000}.get(type(study).__name__, 4000)
    for loss in ("mse", "cross-entropy"):
        mine = [s.recipe.decay_time(trained) for s in study.inquiry().study.settings if s.recipe.loss == loss]
        assert not mine or max(mine) > 3


def test_slim_networks_take_one_thread():
    assert (PixelStudy().threads, PixelStudy(full=True).threads) == (1, None)


def test_full_is_the_published_budget():
    face = FaceStudy(data="x", full=True).inquiry().study.settings[1]
    assert (face.network.depth, face.network.channels, face.data.size) == (34, (64, 128, 256, 512), 128)
    assert (face.recipe.lr, face.recipe.epochs, face.recipe.weight_decay) == (0.001, 100, 5e-4)
    drive = DrivingStudy(full=True, data="x").inquiry().study.settings[-1]
    assert (drive.network.depth, drive.recipe.lr, drive.recipe.epochs) == (18, 0.01, 250)
    assert (drive.recipe.weight_decay, drive.recipe.schedule) == (5e-3, "steps")
    assert not isinstance(drive.data, Subset)


@pytest.mark.parametrize("kind", [PixelStudy, DrivingStudy, DigitStudy])
def test_flags_reach_every_setting(kind):
    flags = {
        "weight_decay": (0.2, 0.0),
        "epochs": 7,
        "lr": 0.3,
        "seeds": 2,
        "samples": 40,
        "channels": 8,
        "head": "mlp",
    }
    study = kind(**flags).inquiry().study
    assert study.seeds == (0, 1)
    for s in study.settings:
        assert (s.recipe.epochs, s.recipe.lr, s.network.channels) == (7, 0.3, (8, 16, 32, 64))
        assert getattr(s.data, "frames", None) == 40 or s.data.samples == 40
        assert (s.network.head, s.probe["layers"][1]) == ("mlp", "fc.3")
    assert [s.recipe.weight_decay for s in study.settings[:2]] == [0.0, 0.2]


def test_an_empty_list_of_weight_decays_is_refused():
    with pytest.raises(UsageError, match="--weight-decay needs at least one value"):
        PixelStudy(weight_decay=()).inquiry()


@pytest.mark.parametrize(
    ("kind", "words"),
    [(FaceStudy, r"your copy of UTKFace.*name their folder with --data FOLDER"),
     (CifarStudy, r"your copy of CIFAR-10.*with --data cifar10:FOLDER")],
)  # fmt: skip
def test_studies_of_a_users_files_say_what_is_missing(kind, words):
    with pytest.raises(UsageError, match=words):
        kind().inquiry()
