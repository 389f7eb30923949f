"""Pages: verdicts, warnings, and HTML that parses, links only what is there, and escapes what it is given."""

import base64
import dataclasses
import hashlib
import html
import json
import math
import re
from html.parser import HTMLParser
from urllib.parse import urlparse

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from experiments.claims.claim import Claim, Inquiry
from experiments.data.lowrank import LowRank
from experiments.pages import sweeppage as pages
from experiments.pages.page import write_index
from experiments.runner.training import Recipe

HOSTILE = "<script>alert('a & b')</script>"
VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """What a page says, links and nests."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.links, self.rows, self.scripts = [], [], [], 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.scripts += tag == "script"
        self.links += [attributes[k] for k in ("href", "src", "xlink:href", "action", "data") if attributes.get(k)]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attributes):
        self.links += [v for k, v in attributes if k in ("href", "src", "xlink:href")]

    def handle_endtag(self, tag):
        assert self.open[-1:] == [tag], f"</{tag}> closes what is not open"
        self.open.pop()

    def handle_data(self, data):
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def page(written):
    return (written[1] / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def index(written):
    return (written[1].parent / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("which", ["page", "index"])
def test_it_parses_and_closes_what_it_opens(which, request):
    parsed = Page(request.getfixturevalue(which))
    assert parsed.open == []
    assert parsed.scripts == (1 if which == "page" else 0)  # the map's own, which its policy names


@pytest.mark.parametrize("which", ["page", "index"])
def test_nothing_points_outside(which, request, written):
    text = request.getfixturevalue(which)
    folder = written[1] if which == "page" else written[1].parent
    for link in Page(text).links:
        assert urlparse(link).scheme in ("", "data"), link
        assert not link.startswith("//"), link
        if urlparse(link).scheme == "" and not link.startswith("#") and link not in ("table.parquet", "settings.json"):
            assert (folder / link).is_file(), link
    assert not re.search(r"""url\(\s*['"]?(?!#)|@import""", text)


@pytest.mark.parametrize("which", ["page", "index"])
def test_what_it_is_given_is_escaped(which, request):
    text = request.getfixturevalue(which)
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(&#39;a &amp; b&#39;)&lt;/script&gt;" in text


def test_its_map_holds_the_means_over_seeds(page, written):
    held = json.loads(html.unescape(re.search("data-cells='([^']*)'", page).group(1)))
    assert [run["run"] for run in held["runs"]] == ["no decay", "a < b & c"]
    (noise,) = [measure for measure in held["measures"] if measure["name"] == "deep.noise_fraction"]
    rows = written[0].last("deep.noise_fraction")
    means = rows[rows["setting"] == "no decay"].groupby("depth")["value"].mean()
    assert noise["cells"][0]["v"][-1] == pytest.approx(means.tolist(), rel=1e-3)
    script = re.search("<script>(.*)</script>", page, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page


def test_every_claim_has_its_verdict(page):
    rows = {row[0]: row[2:] for row in Page(page).rows if len(row) == 6}
    why = "seed 0: wild diverged; seed 1: wild diverged"
    assert rows["One is more than zero"] == ["1 [1, 1]", "> 0", "", "holds in 2 of 2 seeds"]
    hostile = rows[HOSTILE * 2]  # the claim, and why it does not hold
    assert hostile == ["1 [1, 1]", "< 0.5", "", "holds in 0 of 2 seeds"]
    assert rows["Nothing is read"] == ["-", "< 0.5", "", f"cannot be judged{why}"]
    assert '<span class="fails">holds in 0 of 2 seeds</span>' in page
    assert '<span class="open">cannot be judged' in page
    assert '<span class="holds">holds in 2 of 2 seeds</span>' in page


def test_the_index_repeats_what_does_not_hold(index):
    assert index.count('<span class="fails">') == 1
    assert index.count('<span class="open">') == 1
    assert index.count('<span class="holds">') == 1
    assert 'href="hostile/index.html"' in index


def test_settings_stand_with_their_seeds_and_errors(page, written):
    results = written[0]
    rows = {row[0]: row[1:] for row in Page(page).rows if len(row) == 5 and row[4] != "Verdict"}
    mine = results.table.query("setting == 'a < b & c' and measure == 'model.mse' and step == 2")["value"]
    assert rows["a < b & c"][:2] == ["2", f"{mine.mean():.3g}"]
    assert rows["wild"][1:3] == ["nan", "nan"]
    assert float(rows["a < b & c"][3]) == pytest.approx(0.05 / 0.1 * 1e-2 * 2 * 2 / 3, rel=0.05)


def test_errors_of_regression_are_told_by_their_names(page):
    assert "<th>Training MSE</th><th>Held-out loss</th>" in page


def test_classifiers_are_compared_by_their_accuracy_whatever_their_loss(made, tmp_path):
    values = {
        "MSE": {0: {"model.mse": {-1: 0.02}, "model.accuracy": {-1: 0.9}}},
        "cross-entropy": {
            0: {"model.mse": {-1: 40.0}, "model.accuracy": {-1: 0.8}},
            1: {"model.mse": {-1: 40.0}, "model.accuracy": {-1: 0.6}},
            2: {"model.mse": {-1: 40.0}, "model.accuracy": {-1: 0.1}},
        },
    }
    results = made(values, diverged=[("cross-entropy", 2)])
    held_out = (0.75, 0.5, 0.25, 0.0)
    records = tuple(r | {"test_accuracy": a} for r, a in zip(results.records, held_out, strict=True))
    study = dataclasses.replace(results.study, measures=())
    pages.write(dataclasses.replace(results, records=records, study=study), [], tmp_path, progress=False)
    page = (tmp_path / "index.html").read_text()
    assert "<th>Training accuracy</th><th>Held-out accuracy</th>" in page
    rows = {row[0]: row[1:4] for row in Page(page).rows if len(row) == 5}
    assert rows["MSE"] == ["1", "0.9", "0.75"]
    assert rows["cross-entropy"] == ["3", "0.7", "0.375"]


def test_a_run_that_diverged_is_on_the_page(page):
    warnings = re.findall(r'<p class="warning">(.*?)</p>', page)
    assert sum("wild, seed" in w and "diverged" in w for w in warnings) == 2


def test_files_are_written_and_readable(written):
    results, folder, files, _ = written
    assert set(files) == {folder / "index.html", folder.parent / "index.html", folder / "table.parquet"}
    assert_frame_equal(pd.read_parquet(folder / "table.parquet"), results.table, check_dtype=False)
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["cells"] == 6
    assert [v["verdict"] for v in summary["verdicts"]] == [
        "holds in 2 of 2 seeds", "holds in 0 of 2 seeds", "cannot be judged",
    ]  # fmt: skip
    assert [v["standing"] for v in summary["verdicts"]] == ["holds", "does not hold", "cannot be judged"]


def test_the_terminal_says_the_same(written):
    lines = pages.verdict_text(written[3], written[0]).splitlines()
    assert lines[0] == "[holds in 2 of 2 seeds] One is more than zero: 1 [1, 1] (ours: > 0)"
    assert lines[1].startswith("[holds in 0 of 2 seeds] <script>")
    assert lines[2].startswith("[cannot be judged] Nothing is read: - (ours: < 0.5) Left out: seed 0: wild diverged")
    assert all(line.startswith("! ") for line in lines[3:])
    assert len(lines) >= 5


def test_an_index_links_every_study(tmp_path, written):
    summary = json.loads((written[1] / "summary.json").read_text())
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "summary.json").write_text(json.dumps(summary | {"name": name}))
    text = write_index(tmp_path).read_text()
    assert Page(text).links == ["a/index.html", "b/index.html"]


def test_too_much_weight_decay_is_recognised(study, setting, swept):
    data = LowRank(rank=2, target_dim=4, input_dim=6, samples=100, teacher="linear")
    settings = [setting(f"decay {d:g}", d, data=data, lr=0.1, batch=20, epochs=60) for d in (0, 3e-3, 0.03)]
    (warning,) = pages.warnings(swept(study(*settings)))
    assert re.match(r"decay 0.03: \d\.\d % of target direction 2 is explained: .* dropped \(too much weight", warning)


@pytest.mark.parametrize(
    ("shares", "diverged", "decay", "epochs", "found"),
    [
        ([[0.99, 0.09], [0.99, 0.01]], (), 0.1, 5, ["5.0 % of target direction 2"]),
        ([[0.99, 0.5], [0.99, 0.5]], (), 0.1, 5, []),
        ([[0.3, 0.9], [0.3, 0.9]], (), 0.1, 5, ["30.0 % of target direction 1"]),
        ([[0.9, 0.04], [0.9]], (), 0.1, 5, ["4.0 % of target direction 2"]),
        ([[-0.1, 0.0], [0.0, 0.0]], (), 0.1, 5, ["0.0 % of target direction 1", "0.0 % of target direction 2"]),
        ([[0.99, 0.09], []], (1,), 0.1, 5, ["9.0 % of target direction 2"]),
        ([[], []], (0, 1), 0.1, 5, []),
        ([[0.0, 0.0], [0.0, 0.0]], (), 0.0, 5, []),
        ([[0.0, 0.0], [0.0, 0.0]], (), 0.1, 0, []),
    ],
)
def test_a_dropped_direction_is_named_by_the_mean_over_seeds(made, shares, diverged, decay, epochs, found):
    results = made({"a": {0: {"m": [1.0]}, 1: {"m": [1.0]}}}, diverged=[("a", seed) for seed in diverged])
    recipe = Recipe(weight_decay=decay, epochs=epochs)
    settings = tuple(dataclasses.replace(s, recipe=recipe) for s in results.study.settings)
    records = tuple(r | {"explained": s} for r, s in zip(results.records, shares, strict=True))
    results = dataclasses.replace(results, study=dataclasses.replace(results.study, settings=settings), records=records)
    dropped = [w for w in pages.warnings(results) if "target direction" in w]
    assert [w.removeprefix("a: ").split(" is explained")[0] for w in dropped] == found


@pytest.mark.parametrize(("share", "words"), [(0.09, "was dropped"), (0.11, "hardly fitted, and collapse says little")])
def test_what_is_dropped_is_told_from_what_is_hardly_fitted(made, share, words):
    results = made({"a": {0: {"m": [1.0]}}}, decays=[0.1])
    records = tuple(r | {"explained": [share]} for r in results.records)
    (warning,) = pages.warnings(dataclasses.replace(results, records=records))
    assert words in warning


def test_a_claims_number_is_read_once_from_the_results(made):
    results = made({"a": {0: {"m": [1.0, 4.0]}}})
    claim = Claim("top", "us", lambda r: float(r.top("m")["a"]), ">", 3)
    (verdict,) = Inquiry(results.study, (claim,)).verdicts(results)
    assert (verdict.measured, verdict.answer) == (4.0, "holds in 1 of 1 seed")


def test_a_study_whose_every_run_diverged_still_has_its_page(study, setting, swept, tmp_path):
    results = swept(study(setting("wild", 1e-3, lr=1e6, epochs=30)), tmp_path / "wild")
    pages.write(results, [], tmp_path / "wild", progress=False)
    assert "diverged" in (tmp_path / "wild" / "index.html").read_text()


MOVED = ("deep.noise_fraction", "deep.feature_weight_alignment", "deep.weight_stable_rank")


@pytest.mark.parametrize(
    ("later", "idle"),
    [(1.005, True), (1.2, False), (0.8, False), (1.0, True)],
)
def test_a_step_of_weight_decay_that_does_nothing_is_told_of(made, later, idle):
    factors = {"a": 1.0, "b": later}
    values = {name: {0: {key: [0.9, 0.5 * f, 0.4 * f, 0.1] for key in MOVED}} for name, f in factors.items()}
    told = [line for line in pages.warnings(made(values)) if "does nothing" in line]
    assert [line.split(" weight decay")[0] for line in told] == (["From a to b"] if idle else [])


def test_what_seeds_do_as_well_is_no_move_and_what_is_unknown_is_not_told(made):
    def seeds(factor):
        return {seed: {key: [0.9, factor * (0.5 + 0.1 * seed), 0.4, 0.1] for key in MOVED} for seed in range(3)}

    assert any("does nothing" in line for line in pages.warnings(made({"a": seeds(1.0), "b": seeds(1.1)})))
    assert not any("does nothing" in line for line in pages.warnings(made({"a": seeds(1.0), "b": seeds(1.5)})))
    unknown = {name: {0: {"deep.noise_fraction": [0.9, math.nan, 0.4, 0.1]}} for name in "ab"}
    assert not any("does nothing" in line for line in pages.warnings(made(unknown)))
