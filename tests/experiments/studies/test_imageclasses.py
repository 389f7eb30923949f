"""Studies of classifiers on images: losses, data, and a tiny run end to end."""

import math

import pytest

from experiments.studies.imageclasses import CifarStudy, DigitStudy, named
from experiments.studies.imageregression import FaceStudy

TINY = {"epochs": 1, "channels": 4, "progress": False, "jobs": 1}


def test_losses_differ_in_their_head_and_decay():
    found = {s.label: s for s in DigitStudy().inquiry().study.settings}
    decays = [("MSE", 0), ("MSE", 0.02), ("cross-entropy", 0), ("cross-entropy", 0.015)]
    assert list(found) == [f"{loss}, weight decay {decay}" for loss, decay in decays]
    assert [s.network.bias for s in found.values()] == [False, False, True, True]
    assert [s.recipe.loss for s in found.values()] == ["mse", "mse", "cross-entropy", "cross-entropy"]
    assert [s.facts["loss"] for s in found.values()] == ["MSE", "MSE", "cross-entropy", "cross-entropy"]
    assert [s.label for s in DigitStudy(loss="mse").inquiry().study.settings] == [
        "MSE, weight decay 0", "MSE, weight decay 0.02",
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


def test_a_study_of_classes_runs_and_gets_its_numbers(on_pictures, swept):
    inquiry = DigitStudy(**TINY).inquiry()
    results = swept(on_pictures(inquiry.study, classes=True))
    assert not [v.statement for v in inquiry.verdicts(results) if math.isnan(v.measured)]
    for measure in results.study.measures:
        assert results.top(measure).notna().all(), measure
    assert [group.name for group in results.groups()] == ["MSE", "cross-entropy"]
    layered = [m for m in results.study.measures if results.last(m)["depth"].nunique() > 1]
    assert {"nc.1", "nc.2", "deep.noise_fraction", "deep.cka"} <= set(layered)  # side by side in one picture
