"""Reports made up for pages, a reader of pages that refuses wrong nesting, and a browser that opens and clicks them."""

import fcntl
import json
import os
import shutil
import subprocess
import time
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from deepnrc.measuring.finishing import readings
from deepnrc.page import page as page_of
from deepnrc.report import Report
from deepnrc.table import NETWORK

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--hide-scrollbars")
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
                row_of("rank.effective", 2.0 + i, i, name, run, step),
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


class Browser:
    """One page, opened at a size and in a colour scheme, clicked and asked."""

    def __init__(self, folder):
        # far from 3 and 4, which are the child's
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (*os.pipe(), *os.pipe())]
        asked, self.writing, self.reading, told = ends

        def joined():
            os.dup2(asked, 3)
            os.dup2(told, 4)

        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder}"]
        self.process = subprocess.Popen(command, preexec_fn=joined, close_fds=False, **quiet)
        os.close(asked)
        os.close(told)
        self.held, self.number, self.session = b"", 0, None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def call(self, method, **parameters):
        """What the browser answers."""
        self.number += 1
        session = {} if self.session is None else {"sessionId": self.session}
        message = {"id": self.number, "method": method, "params": parameters, **session}
        os.write(self.writing, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.held:
                self.held += os.read(self.reading, 1 << 16)
            answer, _, self.held = self.held.partition(b"\0")
            found = json.loads(answer)
            if found.get("id") == self.number:
                assert "error" not in found, found
                return found["result"]

    def ask(self, code):
        """The value of an expression on the page."""
        found = self.call("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def open(self, path, width=1280, scheme="light"):
        """Load a file at a width, in a colour scheme."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=path.as_uri())
        for _ in range(400):
            if self.ask("document.readyState === 'complete' && Boolean(document.querySelector('figure.map svg'))"):
                return
            time.sleep(0.02)
        raise AssertionError("the page drew no heatmap")

    def click(self, selector):
        """Press the mouse on the middle of an element."""
        place = f"""(() => {{ const e = document.querySelector({json.dumps(selector)});
            e.scrollIntoView({{block: "center"}}); const b = e.getBoundingClientRect();
            return [b.x + b.width / 2, b.y + b.height / 2]; }})()"""
        x, y = self.ask(place)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def choose(self, name, label):
        """Choose an entry of a list by its words."""
        code = f"""(() => {{ const s = document.querySelector("select[name={name}]");
            s.value = [...s.options].find((o) => o.text === {json.dumps(label)}).value;
            s.dispatchEvent(new Event("change")); }})()"""
        self.ask(code)

    def close(self):
        """End it."""
        self.process.terminate()
        self.process.wait()
        os.close(self.writing)
        os.close(self.reading)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()
