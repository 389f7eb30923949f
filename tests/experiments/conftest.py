"""Builders shared by the tests of ``experiments``: studies that take a second, and results made by hand."""

import matplotlib
import pandas as pd
import pytest

import deepnrc
from deepnrc.table import COLUMNS
from experiments import pages
from experiments.claims import Claim, Inquiry
from experiments.data import LowRank
from experiments.networks import Mlp
from experiments.runner import Recipe, Results, Setting, Study, Workers, sweep

matplotlib.use("Agg")
HOSTILE = "<script>alert('a & b')</script>"


class OneThread(Workers):
    """More threads make networks this small many times slower."""

    def threads(self, total):
        return 1


def tiny_setting(label, decay=0.0, *, epochs=2, lr=0.05, batch=50, data=None, **changed):
    data = data or LowRank(rank=2, target_dim=4, input_dim=6, samples=100)
    recipe = Recipe(lr=lr, weight_decay=decay, epochs=epochs, batch=batch)
    fields = {"network": Mlp((8, 8, 8)), "probe": {"rank": 2}} | changed
    return Setting(data, fields.pop("network"), recipe, name=label, **fields)


def tiny_study(*settings, seeds=(0,), **changed):
    """A study of networks of three hidden layers of 8 units on 100 targets of rank 2 in R^4."""
    settings = settings or (tiny_setting("none"), tiny_setting("some", 1e-2))
    return Study(changed.pop("name", "tiny"), changed.pop("about", "Tiny."), settings, tuple(seeds), **changed)


@pytest.fixture
def setting():
    return tiny_setting


@pytest.fixture
def study():
    return tiny_study


@pytest.fixture
def swept(tmp_path):
    """Run a study in this process."""
    return lambda study, folder=tmp_path: sweep(study, folder, OneThread(1), progress=False)


@pytest.fixture
def made():
    """Results with given values: {label: {seed: {measure: one value for each depth}}}.

    The labels' order is that of weight decay, 0 first; a decay of None stands for what is not trained. ``apart`` are
    further facts by label. A measure "name/variant" has that variant; one whose values
    are a dict has them by depth. Cells in ``diverged`` are marked so, and ``statuses`` are those of {(measure, depth)}.
    """

    def make(values, decays=None, diverged=(), step=3, statuses=None, apart=None):
        decays = decays or [float(i) for i in range(len(values))]
        settings = [
            tiny_setting(label, decay or 0.0, epochs=0 if decay is None else 2, apart=(apart or {}).get(label, {}))
            for label, decay in zip(values, decays, strict=True)
        ]
        rows, records = [], []
        for label, seeds in values.items():
            for seed, measures in seeds.items():
                lost = (label, seed) in diverged
                records.append(
                    {"label": label, "title": f"{label}, seed {seed}", "seed": seed, "explained": [1.0, 1.0],
                     "diverged": "The loss is nan." if lost else None, "seconds": 1.0, "test_loss": 0.5,
                     "test_accuracy": None, "decay_time": 1.0}
                )  # fmt: skip
                for name, numbers in measures.items():
                    measure, _, variant = name.partition("/")
                    depths = numbers if isinstance(numbers, dict) else dict(enumerate(numbers))
                    rows += [
                        {"run": f"{label}, seed {seed}", "setting": label, "seed": seed, "step": at, "depth": depth,
                         "layer": f"layer{depth}" if depth >= 0 else "(network)", "kind": "Linear", "measure": measure,
                         "variant": variant or "default", "value": value if at == step else 77.0,
                         "status": (statuses or {}).get((measure, depth), "ok"), "note": "",
                         "pool": "none",
                         "chance": float("nan"), "chance_high": 0.5, "floor": 0.0,
                         "n_samples": 10, "dim": 8, "target_dim": 4, "rank": 2,
                         "diverged": lost}
                        for depth, value in depths.items()
                        for at in (0, step)
                    ]  # fmt: skip
        seeds = tuple(next(iter(values.values())))
        table = pd.DataFrame(rows)
        facts = {setting.label: setting.facts for setting in settings}
        for name in dict.fromkeys(name for found in facts.values() for name in found):
            table[name] = [facts[label].get(name) for label in table["setting"]]
        mine = table.groupby(["setting", "seed"], sort=False)
        reports = tuple(deepnrc.Report(part.reindex(columns=list(COLUMNS)).astype(COLUMNS)) for _, part in mine)
        return Results(tiny_study(*settings, seeds=seeds), table, tuple(records), reports)

    return make


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """A study that was run and written out, whose words are hostile and whose claims come out in every way."""
    claims = (
        Claim("One is more than zero", HOSTILE, lambda r: 1.0, ">", 0.0),
        Claim(HOSTILE, "nobody", lambda r: 1.0, "<", 0.5, why=HOSTILE),
        Claim("Nothing is read", "nobody", lambda r: float("nan"), "<", 0.5),
    )
    settings = (tiny_setting("no decay"), tiny_setting("a < b & c", 1e-2), tiny_setting("wild", lr=1e6, epochs=30))
    study = tiny_study(*settings, seeds=(0, 1), name="hostile", about=HOSTILE)
    folder = tmp_path_factory.mktemp("studies") / "hostile"
    folder.mkdir()
    results = sweep(study, folder, OneThread(1), progress=False)
    verdicts = Inquiry(study, claims).verdicts(results)
    files = pages.write(results, verdicts, folder, progress=False)
    return results, folder, files, verdicts


@pytest.fixture
def anything_counts_as_learned(monkeypatch):
    """Claims are read off networks of one or two epochs too."""
    monkeypatch.setattr("experiments.claims.learning.FITTED", float("-inf"))
