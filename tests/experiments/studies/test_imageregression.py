"""Studies of regression from images: forms, data, and a tiny run of each kind end to end."""

import math

import numpy as np
import pytest
from PIL import Image

from deepnrc.errors import UsageError
from deepnrc.table import published_curve
from experiments.pages import gallery
from experiments.studies.imageregression import DrivingStudy, FaceStudy, PixelStudy

TINY = {"epochs": 1, "channels": 4, "progress": False, "jobs": 1}


def unlearned(statement):
    """Whether a claim may be without a number after one epoch."""
    return statement.startswith(
        ("The upper layers", "Features in collapsed layers", "A linear map from any layer of low noise")
    )


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
    assert [kind().inquiry().study.settings[0].data.size for kind in kinds] == [32, 32]
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


@pytest.mark.usefixtures("anything_counts_as_learned")
def test_a_study_of_regression_runs_and_gets_its_numbers(on_pictures, swept, tmp_path):
    inquiry = PixelStudy(**TINY, weight_decay=(0.0, 1e-2)).inquiry()
    study = on_pictures(inquiry.study)
    results = swept(study)
    assert len(results.by_layer("deep.noise_fraction")) == 17
    for verdict in inquiry.verdicts(results):
        assert not math.isnan(verdict.measured) or unlearned(verdict.statement)
    for measure in study.measures:
        assert results.top(measure).notna().all(), measure
    group, other = results.groups()
    assert (group.name, other.name) == ("standardised", "positive")
    gallery.by_depth(results, study.measures[:2], group, tmp_path / "x.svg")
    assert "layer4.0.conv1" in (tmp_path / "x.svg").read_text()


def test_faces_are_learned_from_a_folder(swept, tmp_path):
    draw = np.random.default_rng(0)
    for i in range(20):
        picture = Image.fromarray(draw.integers(0, 256, (20, 20, 3), np.uint8))
        picture.save(tmp_path / f"{20 + i}_0_1_2017010912345678{i:02}.jpg")
    study = FaceStudy(**TINY, data=str(tmp_path), size=16, samples=15, weight_decay=(1e-3,)).inquiry().study
    data = study.settings[0].data.load(0)
    assert (data.x.shape, data.y.shape, len(data.x_test)) == ((12, 3, 16, 16), (12, 1), 3)
    assert len(swept(study, tmp_path / "out").by_layer("deep.noise_fraction")) == 17


def test_a_camera_in_a_car_stands_beside_the_published_one():
    study = DrivingStudy().inquiry().study
    (beside,) = study.beside
    setting = next(setting for setting in study.settings if setting.label == beside.label)
    assert (setting.facts["targets"], setting.recipe.weight_decay) == ("standardised", 6e-2)
    assert published_curve("deep.noise_fraction", beside.published).layers == 17  # as many as its probed points
    assert (setting.network.depth, setting.probe["layers"]) == (18, ("layer[1-4].*.conv*", "fc"))
    assert PixelStudy().inquiry().study.beside == ()
