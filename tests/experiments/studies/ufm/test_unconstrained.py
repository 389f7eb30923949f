"""The whole study, much shortened: files, pages, pictures, and what is refused."""

import json
from dataclasses import replace
from functools import partial

import matplotlib
import pandas as pd
import pytest

from deepnrc.errors import UsageError
from experiments.studies.ufm import biases, classes, linear, regression, unconstrained
from experiments.studies.ufm.agreement import COLUMNS, HEADINGS, Part, Row, frame
from experiments.studies.ufm.unconstrained import Ufm

matplotlib.use("Agg")
PICTURES = (
    "regression-training", "regression-rank", "linear-singular-values", "linear-thresholds", "classes-4", "classes-5",
    "classes-bias",
)  # fmt: skip


def with_few(every_pair, *given):
    """Four pairs of penalties instead of all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regression, "LAMBDAS", regression.LAMBDAS[:2])
        return every_pair(*given)


@pytest.fixture(scope="module")
def left(tmp_path_factory, sketching):
    """The study's folder, all descents a thousandth as long and fewer of them, with eight samples a class."""
    out = tmp_path_factory.mktemp("studies")
    with pytest.MonkeyPatch.context() as patch, sketching():
        patch.setattr(regression, "every_pair", partial(with_few, regression.every_pair))
        patch.setattr(regression, "phases", partial(regression.phases, 4))
        patch.setattr(linear, "DEPTHS", linear.DEPTHS[:2])
        patch.setattr(linear, "STARTS", linear.STARTS[:1])
        patch.setattr(classes, "PUBLISHED", tuple(replace(setting, n=8) for setting in classes.PUBLISHED))
        patch.setattr(biases, "BIASES", biases.BIASES[:2])
        Ufm(seeds=1, shorter=1000, jobs=1, out=out, progress=False).run()
    return out / "ufm"


def test_everything_is_left_in_its_folder(left):
    summary = json.loads((left / "summary.json").read_text())
    assert list(summary) == ["name", "about", "verdicts", "warnings", "tables", "pictures", "seconds", "cells", "plan"]
    assert summary["name"] == "ufm"
    assert [p["file"] for p in summary["pictures"]] == [f"{name}.png" for name in PICTURES]
    for name in PICTURES:
        assert all((left / f"{name}.{suffix}").stat().st_size for suffix in ("png", "pdf", "svg"))
    assert tuple(pd.read_parquet(left / "table.parquet").columns) == COLUMNS
    assert json.loads((left / "settings.json").read_text())["shorter"] == 1000
    assert (left.parent / "index.html").is_file()


def test_predicted_and_reached_are_in_the_summary_and_on_the_page(left):
    summary = json.loads((left / "summary.json").read_text())
    text = (left / "index.html").read_text()
    assert [len(table["rows"]) for table in summary["tables"]] == [9, 2, 8]
    for table in summary["tables"]:
        assert table["columns"] == list(HEADINGS)
        assert all(len(row) == len(HEADINGS) for row in table["rows"])
        assert all(f">{row[2]}</td>" in text for row in table["rows"])
    assert text.count('<figure class="drawn"') == len(PICTURES)
    assert text.count("<script") == 1  # which saves the pictures


@pytest.mark.parametrize("flag", ["seeds", "shorter", "jobs"])
def test_numbers_below_one_are_refused(flag, tmp_path):
    with pytest.raises(UsageError, match=f"--{flag} must be at least 1; it is 0"):
        Ufm(**{flag: 0}, out=tmp_path).run()


def test_no_part_is_refused(tmp_path):
    with pytest.raises(UsageError, match="--parts needs at least one of regression, linear, classes"):
        Ufm(parts=(), out=tmp_path).run()


def test_a_loss_that_no_start_reached_is_a_warning():
    rows = (Row("m", "far", 1.0, 1.5, 0, 3, 0.0, "", 1.0), Row("m", "near", 1.0, 1.0, 1, 3, 0.0, "", 1.0))
    part = Part("p", "c", rows, (), frame([]), 3)
    (warning,) = unconstrained.warnings([part])
    assert warning == "m, far: no start reached the predicted loss; the lowest ended 5.0e-01 above it."


def test_a_loss_below_the_predicted_one_is_a_warning_too():
    part = Part("p", "c", (Row("m", "s", 1.0, 0.5, 0, 3, 0.0, "", 1.0),), (), frame([]), 3)
    (warning,) = unconstrained.warnings([part])
    assert warning == "m, s: no start reached the predicted loss; the lowest ended 5.0e-01 below it."
