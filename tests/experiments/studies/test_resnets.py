"""Studies on images: their flags, their refusals, and a tiny run of each kind end to end."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from PIL import Image

from deepnrc.errors import UsageError
from experiments.data.images.subset import Subset
from experiments.data.splitting import Split
from experiments.pages import gallery
from experiments.studies.imageclasses import CifarStudy, DigitStudy, named
from experiments.studies.imageregression import DrivingStudy, FaceStudy, PixelStudy

TINY = {"epochs": 1, "channels": 4, "progress": False, "jobs": 1}


@dataclass(frozen=True)
class Pictures:
    """60 pictures of noise, with targets (N, 2) or three classes that brightness tells."""

    classes: bool = False

    def load(self, seed):
        draw = torch.Generator().manual_seed(seed)
        level = torch.arange(60) % 3
        x = torch.randn(60, 1, 16, 16, generator=draw) + level[:, None, None, None]
        y = level if self.classes else torch.stack((level.float() - 1, x.mean((1, 2, 3))), 1)
        return Split(x[:48], y[:48], x[48:], y[48:])


def with_data(study, data):
    return replace(study, settings=tuple(replace(s, data=data) for s in study.settings))


def unlearned(statement):
    """Whether a claim may be without a number after one epoch."""
    return statement.startswith(("The upper layers", "Features in collapsed layers", "A linear map from any layer"))


@pytest.mark.parametrize(
    "study", [PixelStudy(), DrivingStudy(), FaceStudy(data="x"), DigitStudy(), CifarStudy(data="x")]
)
def test_defaults_are_one_cycle_of_a_slim_network_seen_once(study):
    study = study.inquiry().study
    assert study.seeds == (0,)
    for setting in study.settings:
        assert setting.network.channels == (16, 32, 64, 128)
        assert (setting.recipe.schedule, setting.recipe.lr) == ("one-cycle", 0.05)
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


def test_each_form_has_its_targets_its_head_and_its_claims():
    both = PixelStudy(weight_decay=(0.0, 1e-2)).inquiry()
    found = [(s.label, s.data.targets, s.network.bias, s.facts["targets"]) for s in both.study.settings]
    assert found[0] == ("standardised, weight decay 0", "standardise", True, "standardised")
    assert found[-1] == ("positive, weight decay 0.01", "positive", False, "positive")
    for form in ("standardised", "positive"):
        one = PixelStudy(weight_decay=(0.0, 1e-2), form=form).inquiry()
        assert one.study.settings == tuple(s for s in both.study.settings if s.has({"targets": form}))
        assert [c.statement for c in one.claims] == [c.statement for c in both.claims if c.where == {"targets": form}]
    assert DrivingStudy(data="x").inquiry().study.settings[-1].data.data.targets == "positive"
    assert FaceStudy(data="x").inquiry().study.settings[-1].data.data.targets == "positive"


def test_sizes_reach_the_data_and_grow_with_full():
    kinds = [PixelStudy, DrivingStudy]
    assert [kind().inquiry().study.settings[0].data.size for kind in kinds] == [32, 48]
    assert [kind(full=True).inquiry().study.settings[0].data.size for kind in kinds] == [64, 96]
    assert [kind(size=24).inquiry().study.settings[0].data.size for kind in kinds] == [24, 24]
    assert DrivingStudy(data="x", size=20).inquiry().study.settings[0].data.data.size == 20


def test_labels_of_the_pixels_are_studies_of_their_own():
    studies = [PixelStudy(label=label, size=32).inquiry().study for label in ("actions", "positions")]
    assert [s.name for s in studies] == ["reacher-pixels", "reacher-pixels-positions"]
    assert [(s.settings[0].data.label, s.settings[0].data.size) for s in studies] == [
        ("actions", 32), ("positions", 32),
    ]  # fmt: skip


def test_recordings_take_the_place_of_the_simulator():
    study = DrivingStudy(data="somewhere", targets=("steer",), samples=50).inquiry().study
    assert study.name == "driving-recorded"
    assert (study.settings[0].data.data.spec, study.settings[0].data.data.columns) == ("somewhere", ("steer",))
    assert study.settings[0].data.samples == 50
    assert DrivingStudy(data="somewhere").inquiry().study.settings[0].data.data.columns == ("steer", "speed")
    with pytest.raises(UsageError, match=r"--targets are those of recordings: name them with --data SPEC\."):
        DrivingStudy(targets=("steer",)).inquiry()


@pytest.mark.parametrize(
    ("kind", "words"),
    [(FaceStudy, r"your copy of UTKFace.*name their folder with --data FOLDER"),
     (CifarStudy, r"your copy of CIFAR-10.*with --data cifar10:FOLDER")],
)  # fmt: skip
def test_studies_of_a_users_files_say_what_is_missing(kind, words):
    with pytest.raises(UsageError, match=words):
        kind().inquiry()


def test_losses_differ_in_their_head_and_decay():
    found = {s.label: s for s in DigitStudy().inquiry().study.settings}
    decays = [("MSE", 0), ("MSE", 0.01), ("cross-entropy", 0), ("cross-entropy", 0.005)]
    assert list(found) == [f"{loss}, weight decay {decay}" for loss, decay in decays]
    assert [s.network.bias for s in found.values()] == [False, False, True, True]
    assert [s.recipe.loss for s in found.values()] == ["mse", "mse", "cross-entropy", "cross-entropy"]
    assert [s.facts["loss"] for s in found.values()] == ["MSE", "MSE", "cross-entropy", "cross-entropy"]
    assert [s.label for s in DigitStudy(loss="mse").inquiry().study.settings] == [
        "MSE, weight decay 0", "MSE, weight decay 0.01",
    ]  # fmt: skip
    assert "cross-entropy" in DigitStudy().inquiry().study.about
    assert "cross-entropy" not in DigitStudy(loss="mse").inquiry().study.about
    assert DigitStudy(weight_decay=(0.0,)).inquiry().claims == ()


def test_photographs_are_not_shrunk_before_the_first_stage_at_full_size():
    assert CifarStudy(data="x", full=True).inquiry().study.settings[0].network.small_images
    assert not CifarStudy(data="x").inquiry().study.settings[0].network.small_images
    assert not DigitStudy(full=True).inquiry().study.settings[0].network.small_images


@pytest.mark.parametrize("spec", ["/here", "mnist:/here"])
def test_a_folder_is_named_with_its_form_or_without(spec):
    assert named(spec, "mnist") == "mnist:/here"
    assert DigitStudy(data=spec).inquiry().study.settings[0].data.data.spec == "mnist:/here"
    assert named("mnist-test:/here", "mnist") == "mnist-test:/here"
    studies = [FaceStudy(data=folder).inquiry().study for folder in ("x", "utkface:x")]
    assert [study.settings[0].data.data.spec for study in studies] == ["utkface:x"] * 2


@pytest.mark.usefixtures("anything_counts_as_learned")
def test_a_study_of_regression_runs_and_gets_its_numbers(swept, tmp_path):
    inquiry = PixelStudy(**TINY, weight_decay=(0.0, 1e-2)).inquiry()
    study = with_data(inquiry.study, Pictures())
    results = swept(study)
    assert len(results.by_layer("deep.noise_fraction")) == 17
    for verdict in inquiry.verdicts(results):
        assert not math.isnan(verdict.measured) or unlearned(verdict.statement)
    for measure in study.measures:
        assert results.top(measure).notna().all(), measure
    group, other = results.groups()
    assert (group.name, other.name) == ("standardised", "positive")
    gallery.by_depth(results, study.measures[:2], group, tmp_path / "x.svg")
    assert "layer4.0.conv2" in (tmp_path / "x.svg").read_text()


def test_a_study_of_classes_runs_and_gets_its_numbers(swept):
    inquiry = DigitStudy(**TINY).inquiry()
    results = swept(with_data(inquiry.study, Pictures(classes=True)))
    assert not [v.statement for v in inquiry.verdicts(results) if math.isnan(v.measured)]
    for measure in results.study.measures:
        assert results.top(measure).notna().all(), measure
    assert [group.name for group in results.groups()] == ["MSE", "cross-entropy"]
    layered = [m for m in results.study.measures if results.last(m)["depth"].nunique() > 1]
    assert {"nc.1", "nc.2", "deep.noise_fraction", "deep.cka"} <= set(layered)  # side by side in one picture


def test_faces_are_learned_from_a_folder(swept, tmp_path):
    draw = np.random.default_rng(0)
    for i in range(20):
        picture = Image.fromarray(draw.integers(0, 256, (20, 20, 3), np.uint8))
        picture.save(tmp_path / f"{20 + i}_0_1_2017010912345678{i:02}.jpg")
    study = FaceStudy(**TINY, data=str(tmp_path), size=16, samples=15, weight_decay=(1e-3,)).inquiry().study
    data = study.settings[0].data.load(0)
    assert (data.x.shape, data.y.shape, len(data.x_test)) == ((12, 3, 16, 16), (12, 1), 3)
    assert len(swept(study, tmp_path / "out").by_layer("deep.noise_fraction")) == 17
