"""Definitions that differ: the readings of one quantity side by side, and why they are not the same number."""

from __future__ import annotations

import pandas as pd

from deepnrc.errors import UsageError
from deepnrc.table.schema import NETWORK
from deepnrc.wording import Remedy, shown

# quantity -> (measure, variant, how it is read)
READINGS = {
    "noise": (
        ("deep.noise", "default", "absolute, in squared feature units: it grows with the features' scale"),
        ("deep.noise_fraction", "default", "as a share of all variance: free of scale"),
    ),
    "stable rank": (
        ("deep.feature_stable_rank", "default", "of the features: sum l / l_1"),
        ("deep.feature_stable_rank", "covariance", "of the covariance: sum l^2 / l_1^2, which weighs the largest more"),
    ),
    "alignment with targets": (
        ("deep.cka", "default", "of all features: noise takes from it"),
        ("deep.cka", "signal", "of the top k directions: without the noise"),
        ("deep.cka", "first n columns", "of the first n units, whichever these are: not free of rotation"),
    ),
    "linear predictability": (
        ("deep.linear_mse", "default", "with an intercept: the targets' mean is free"),
        ("deep.linear_mse", "without intercept", "without: the features' mean has to give the targets'"),
    ),
    "NRC1": (
        ("nrc.1", "default", "centred components, uncentred rows of length 1: behind a ReLU it cannot reach 0"),
        ("nrc.1", "none", "uncentred components, uncentred rows: the mean is one of the components"),
        ("nrc.1_centred", "default", "components and rows both centred"),
        ("nrc.1", "unnormalised", "as the first, rows as long as they are: long ones weigh more"),
    ),
    "NRC3": (
        ("nrc.3", "default", "gamma fitted to the normalised distance, which is the least there is"),
        ("nrc.3", "un-normalised optimum", "gamma that is best before both sides are normalised, where it is positive"),
        ("nrc.3", "gamma = 0", "gamma fixed at 0: against the root of the target covariance itself"),
    ),
    "NC1": (
        ("nc.1", "default", "Tr(S_W pinv(S_B))/K"),
        ("nc.1", "without 1/K", "the same K times"),
        ("nc.1", "trace", "Tr S_W / Tr S_B: no inverse, every direction by its variance"),
        ("nc.1", "total", "Tr S_W / (Tr S_W + Tr S_B): the same as a share"),
    ),
}
DEFINITIONS = tuple(dict.fromkeys(measure for readings in READINGS.values() for measure, _, _ in readings))
COLUMNS = ["run", "step", "depth", "layer", "quantity", "measure", "variant", "value", "status", "note", "reading"]


def side_by_side(table: pd.DataFrame) -> pd.DataFrame:
    """A row a reading that the table holds, in order of quantity and layer, with why it differs from the others.

    Returns: columns run, step, depth, layer, quantity, measure, variant, value, status, note, reading.
    Errors: UsageError where the table holds none of the readings.
    """
    told = [
        {"quantity": quantity, "measure": measure, "variant": variant, "reading": reading, "place": place}
        for quantity, readings in READINGS.items()
        for place, (measure, variant, reading) in enumerate(readings)
    ]
    found = table[table["layer"] != NETWORK].merge(pd.DataFrame(told), on=["measure", "variant"])
    if found.empty:
        raise UsageError(
            "The report holds no measure that is read in more than one way. Probe with ",
            Remedy("probes", list(DEFINITIONS)),
            ".",
        )
    order = {quantity: i for i, quantity in enumerate(READINGS)}
    found = found.assign(order=found["quantity"].map(order))
    by = ["run", "step", "order", "depth", "layer", "place"]
    return found.sort_values(by, kind="stable")[COLUMNS].reset_index(drop=True)


def told(readings: pd.DataFrame) -> str:
    """The readings as text: for each quantity its definitions, and a line a layer with the value of each; what is
    defined nowhere is left out."""
    lines: list[str] = []
    for (run, step, quantity), part in readings.groupby(["run", "step", "quantity"], sort=False):
        if (part["status"] == "not defined").all():
            continue
        names = list(dict.fromkeys(zip(part["measure"], part["variant"], part["reading"], strict=True)))
        lines += [f"{quantity} ({run}, step {step})"]
        lines += [f"  [{i}] {m}{'' if v == 'default' else f' ({v})'}: {why}" for i, (m, v, why) in enumerate(names, 1)]
        marks = {(measure, variant): i for i, (measure, variant, _) in enumerate(names, 1)}
        for _, layer in part.groupby(["depth", "layer"], sort=False):
            held = zip(layer["measure"], layer["variant"], layer["value"], layer["status"], strict=True)
            values = "  ".join(f"[{marks[m, v]}] {_value(value, status)}" for m, v, value, status in held)
            lines.append(f"  {layer['layer'].iloc[0]}: {values}")
        lines.append("")
    return "\n".join(map(shown, lines)).rstrip()


def _value(value: float, status: str) -> str:
    if status == "not defined":
        return "-"
    return f"{value:.3g}{'' if status == 'ok' else f' ({status})'}"
