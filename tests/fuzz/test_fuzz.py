"""Whatever is asked for, of whatever network and data: a report whose values lie where they can, or a refusal in words,
and in either case no trace.

``pytest tests/fuzz --calls 20000`` makes ten times as many calls, others than these.
"""

import contextlib
import random
import tempfile
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from torch import nn

import deepnrc
from deepnrc.errors import origin
from deepnrc.table import read_csv, to_csv

matplotlib.use("Agg")
CALLS = 2000
SHARES = 4  # tests that share out the calls
OPERATIONS = 9  # of a report
DRAWN = 40  # one in so many reports is drawn or made a page
STRANGE = st.sampled_from(
    [None, "", "nope", "*", -1, 0, 2, 10**9, 1.5, float("nan"), True, [], ["a"], (1, 2), object()]
)
NAMES = ["", "fc", "层", "a b", "\x1b[2J", "=1+", "_orig_mod", "\n"]


@dataclass(frozen=True)
class Case:
    """Arguments of ``network``, of ``samples`` and of ``deepnrc.probe``, and what is asked of the report."""

    network: dict[str, Any]
    samples: dict[str, Any]
    options: dict[str, Any]
    operations: list[Any]


def mostly(usual):
    """One of the usual values, or now and then something else."""
    return st.one_of(*[st.sampled_from(usual)] * 6, STRANGE)


def cases(made):
    """What is drawn: all as it is mostly used, but for up to two things."""
    some = st.sampled_from
    odd_parts = ["lazy", "shared", "idle", "grouped", "recurrent", "tokens", "dead", "sampling", "in place"]
    usual_parts = [part for part in made.parts if part not in odd_parts]
    odd = {
        "parts": st.lists(some(made.parts), max_size=4), "fill": some(made.fills), "names": some(NAMES),
        "dtype": some([torch.float64, torch.bfloat16, torch.float16]), "output": some(["tuple", "dict", "list"]),
        "N": st.integers(0, 6), "d": st.integers(1, 5), "n": st.integers(1, 5), "values": some(made.inputs),
        "target_values": some(made.inputs), "targets": some(made.targets), "data": some(list(made.dtypes)),
        "form": some(made.forms),
        **{name: st.one_of(STRANGE, *[some(values)] * bool(values)) for name, (_, values) in ARGUMENTS.items()},
    }  # fmt: skip

    @st.composite
    def case(draw):
        d, m = draw(st.integers(1, 5)), draw(st.integers(2, 5))
        strange = draw(st.lists(some(sorted(odd)), max_size=2, unique=True))

        def pick(name, usual):
            return (
                draw(odd[name]) if name in strange else draw(usual) if isinstance(usual, st.SearchStrategy) else usual
            )

        network = {
            "d": d, "m": m, "width": draw(st.integers(1, 6)),
            "parts": pick("parts", st.lists(some(usual_parts), max_size=4)), "fill": pick("fill", None),
            "names": pick("names", ""), "dtype": pick("dtype", torch.float32), "output": pick("output", "tensor"),
            "frozen": draw(st.integers(0, 1)), "training": draw(st.booleans()), "seed": draw(st.integers(0, 99)),
        }  # fmt: skip
        samples = {
            "N": pick("N", st.integers(7, 40)), "d": pick("d", d), "n": pick("n", m),
            "values": pick("values", "normal"),
            "target_values": pick("target_values", "normal"), "targets": pick("targets", some(["linear", "classes"])),
            "dtype": pick("data", str(network["dtype"])[6:]),
            "form": pick("form", some(["pair", "batches", "loader"])),
            "batch": draw(st.integers(1, 16)), "seed": draw(st.integers(0, 99)),
        }  # fmt: skip
        named = draw(st.lists(some(sorted(ARGUMENTS)), max_size=2, unique=True))
        named += [name for name in strange if name in ARGUMENTS and name not in named]
        options = {name: pick(name, some(ARGUMENTS[name][0])) for name in named}
        return Case(network, samples, options, draw(st.lists(operations, min_size=OPERATIONS, max_size=OPERATIONS)))

    return case()


def wide(module):
    """A choice of layers that is a function."""
    return isinstance(module, nn.Linear)


ARGUMENTS = {  # what is mostly given, and what else
    "layers": (
        ["weights", "*", ["*"], ["*", "!0"], [nn.Linear], wide], ["blocks", ["1*", "!1"], "0", ["nope"], [], "!*"]
    ),
    "pool": (["mean", "max", "last"], ["positions", "tokens", "flatten", "cls", lambda h: h.flatten(1), lambda h: h]),
    "rank": ([1, 2], [3, 5, 100]),
    "probes": (
        [["deep.*"], ["nrc.*"], ["rank.*", "features.*"], ["model.*"], ["*"], "deep.cka"],
        [["nc.*"], ["deep.nope"], ["nrc.1_centred", "nc.4"], ["dimension.*"], [], ["nc.ncc_error"]],
    ),
    "output": ([None], [0, 1, -1, "logits", "aux", "0", lambda out: out, lambda out: None]),
    "top": ([None], ["0", "1", ["0", "1"], "nope"]),
    "groups": ([None], [2, 3, 16, "episodes", torch.arange(20) // 5, np.arange(7), list("abcabc")]),
    "max_samples": ([7, 20, 100], [1, 2]),
    "repeats": (["error", "first", "last", "each"], []),
    "mask": (["auto"], ["attention_mask", lambda x: None, lambda x: torch.ones(len(x), 1)]),
    "axis": ([None, 1, -1], [0, {"*": 1}, {"nope": 1}]),
    "autocast": ([None], [torch.bfloat16, torch.float16, torch.float32]),
    "device": (["cpu", torch.device("cpu")], ["meta", "nope", "cuda:7"]),
    "batch": ([None], [("x", "labels"), (0, 1), (1, 0), lambda batch: batch, lambda batch: (batch, None)]),
    "reference": (["untrained", None], []),
    "run": (["a"], ["\x1b[2J", 7]),
    "step": ([0, 3], [10**12]),
    "held_out": ([None], [(torch.randn(9, 3), torch.randn(9, 2)), (torch.randn(2, 1), torch.randn(2, 1)), []]),
}  # fmt: skip
RUN = st.sampled_from(["run", "again", "\x1b[2J", 3])
TAU = mostly([0.2, 0.01, 0.99])
MEASURE = mostly(["deep.noise_fraction", "deep.cka", "nrc.1", "model.mse", "nc.1", "nc.ncc_error"])
operations = st.one_of(
    st.tuples(st.just("at"), st.tuples(mostly([None, 0]), mostly([None]))),
    st.tuples(st.just("where"), st.fixed_dictionaries({}, optional={"layer": mostly(["0", "1"]), "measure": MEASURE})),
    st.tuples(st.just("join"), RUN),
    st.tuples(st.just("saved"), st.none()),
    st.tuples(st.just("told"), st.none()),
    st.tuples(st.just("read"), MEASURE),
    st.tuples(st.just("judged"), TAU),
    st.tuples(st.just("means"), mostly(["mean"])),
    st.tuples(st.just("csv"), st.none()),
    st.tuples(
        st.just("drawn"), st.tuples(st.sampled_from(["heatmap", "lines", "overview", "spectrum", "page"]), MEASURE)
    ),
)


@pytest.mark.parametrize("share", range(SHARES))
def test_whatever_is_asked_for(share, request, made):
    """Every kind of fault is told of, by the place in our code where it arose, with the shortest case of it."""
    calls = request.config.getoption("--calls", CALLS)
    faults, reported = {}, []

    @seed(f"{calls}, {share}")
    @settings(
        max_examples=calls // SHARES // (1 + OPERATIONS), phases=[Phase.generate], deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(cases(made))
    def run(case):
        try:
            with tempfile.TemporaryDirectory() as folder:
                reported.append(check(case, made, Path(folder)))
        except Exception as fault:
            kind = f"{type(fault).__name__}: {' '.join(str(fault).split())[:300]} ({arose(fault)})"
            kind = next((known for known in faults if known.endswith(f"({arose(fault)})")), kind)
            faults[kind] = min(faults.get(kind, repr(case)), repr(case), key=len)

    run()
    assert sum(reported) > len(reported) / 5, "nearly all were refused, and say little"
    assert not faults, "\n".join(f"{kind}\n    {case}" for kind, case in faults.items())


def arose(fault):
    """Where a fault arose: the last line of ours on the way there."""
    frames = traceback.extract_tb(fault.__traceback__)
    ours = [f for f in frames if any(f"/{floor}/" in f.filename for floor in ("deepnrc", "probes", "fuzz"))]
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"


def check(case, made, folder):
    """Probe, and ask the report for everything that was drawn; whether there was one."""
    with quiet(), torch.random.fork_rng(devices=[]):
        network = made.network(**case.network)
        data = made.samples(**case.samples)
    before = made.traces(network)
    report = asked(lambda: deepnrc.probe(network, data, progress=False, **case.options))
    assert made.traces(network) == before, "a trace was left"
    if report is None:
        return False
    made.lies_where_it_can(report)
    for number, (name, given_) in enumerate(case.operations):
        found = asked(
            lambda name=name, given_=given_, number=number: OPERATION[name](report, given_, folder / str(number))
        )
        if isinstance(found, deepnrc.Report):
            made.lies_where_it_can(found)
    return True


@contextlib.contextmanager
def quiet():
    """Torch's own words while a network is made are not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def asked(call):
    """What a call gives; None if it refuses in a sentence, or where the network or the data failed by themselves."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            found, failed = call(), None
        except Exception as error:
            found, failed = None, error
    for warning in told:
        text = str(warning.message)
        assert warning.category is UserWarning, text
        assert "Triggered internally" not in text, text
        assert text.strip().endswith("."), text
    if isinstance(failed, deepnrc.DeepNRCError):
        assert str(failed).strip().endswith((".", "?")), repr(str(failed))
    elif failed is not None and getattr(origin(failed), "kind", None) not in ("network", "data"):
        raise failed
    return found


def joined(report, name, _):
    return report + report.renamed(name)


def saved(report, _, folder):
    back = deepnrc.load(report.save(folder, replace=True))
    assert back.table.equals(report.table)
    assert back.spectra.equals(report.spectra)
    return back


def told(report, *_):
    text = str(report)
    assert "\x1b" not in text
    assert "nan" not in text.replace("holds NaN or infinity", "").lower().split()


def read(report, measure, _):
    report.wide()
    report.noise_curves()
    report.monotonicity(measure)
    report.definitions()
    report.effective_depth()


def judged(report, tau, _):
    assert set(report.verdicts(tau)["verdict"]) <= set(deepnrc.table.VERDICTS)
    report.onset(tau)


def csv(report, *_):
    assert read_csv(to_csv(report.table)).equals(report.table)


def drawn(report, wanted, folder):
    name, measure = wanted
    path = folder / ("a.html" if name == "page" else "a.svg")
    if random.Random(str(wanted) + str(len(report.table))).randrange(DRAWN):
        return
    if name == "page":
        report.html(path)
    elif name in ("heatmap", "lines"):
        getattr(report, name)(measure, path=path)
    else:
        getattr(report, name)(path=path)
    assert "\x1b" not in path.read_text(encoding="utf-8")


OPERATION = {
    "at": lambda report, given_, _: report.at(*given_),
    "where": lambda report, given_, _: report.where(**given_),
    "join": joined, "saved": saved, "told": told, "read": read, "judged": judged,
    "means": lambda report, label, _: report.means(dict.fromkeys(report.runs, label)),
    "csv": csv, "drawn": drawn,
}  # fmt: skip
