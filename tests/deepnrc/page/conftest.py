"""Reports made up for pages, and a reader of pages that refuses wrong nesting."""

from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from deepnrc.measuring.finishing import readings
from deepnrc.page import page as page_of
from deepnrc.report import Report
from deepnrc.table import NETWORK

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """All elements with their attributes; wrong nesting is an error."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.words = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def row_of(measure, value, depth, layer, run, step, **given):
    fixed = {"kind": "Linear", "variant": "default", "status": "ok", "note": "", "n_samples": 100, "dim": 10}
    ours = {"measure": measure, "value": value, "depth": depth, "layer": layer, "run": run, "step": step}
    return {**fixed, "target_dim": 3, "rank": 2, "pool": "none", "chance": np.nan, "floor": np.nan, **ours, **given}


def report_of(run="net", steps=(0, 1, 4), layers=("a", "b", "c")):
    rows, found = [], []
    for step in steps:
        for i, name in enumerate(layers):
            place = {"run": run, "step": step, "depth": i, "layer": name}
            values = 10.0 ** -torch.arange(80, dtype=torch.float64) / (1 + step)
            found.append(readings.SpectralReading("features", values, 1e-15, 2, place))
            rows += [
                row_of("deep.noise_fraction", 0.5 / (1 + i) / (1 + step), i, name, run, step, floor=1e-15),
                row_of("deep.feature_weight_alignment", 0.3 + 0.2 * i, i, name, run, step, chance=0.37),
                row_of("deep.cka", 1 / 3, i, name, run, step),
            ]
        rows.append(row_of("nrc.1", 0.01, len(layers) - 1, layers[-1], run, step))
        rows.append(row_of("model.mse", 0.1, -1, NETWORK, run, step))
        rows.append(row_of("deep.target_stable_rank", 1.5, -1, NETWORK, run, step))
    records = [{"run": run, "step": s, "model": {"class": "Net"}, "left_out": [], "device": "cpu"} for s in steps]
    return Report.of(rows, records, readings.frame(found))


@pytest.fixture
def row():
    return row_of


@pytest.fixture
def report():
    return report_of


@pytest.fixture
def parsed():
    return Page


@pytest.fixture(scope="module")
def text():
    return page_of(report_of("first") + report_of("second"))


@pytest.fixture(scope="module")
def page(text):
    return Page(text)
