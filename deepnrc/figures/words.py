"""Names and numbers as a figure prints them, and which of them when there is no room for all."""

from __future__ import annotations

import math
from collections.abc import Iterable

from deepnrc.wording import shown

NAME_LENGTH = 26
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def label(name: object, length: int = NAME_LENGTH) -> str:
    """A name as it can be printed: control characters written out, and shortened in the middle if it is long."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown(str(name)))
    if len(text) <= length:
        return text
    head = length // 3
    return f"{text[:head]}…{text[head + 1 - length :]}"


def labels(names: Iterable[object], length: int = NAME_LENGTH) -> list[str]:
    """Names as they can be printed: shortened if they are long, but never so far that two become the same.

    >>> labels(["blocks.0.attention.project.weight", "blocks.1.attention.project.weight"])
    ['blocks.0…on.project.weight', 'blocks.1…on.project.weight']
    """
    distinct = list(dict.fromkeys(names))
    for longer in range(length, max((len(str(name)) for name in distinct), default=0), 3):
        short = {name: label(name, longer) for name in distinct}
        if len(set(short.values())) == len(distinct):
            return [short[name] for name in distinct]
    return [label(name, 10**6) for name in distinct]


def number(value: float, log: bool = True, decimals: int = 0) -> str:
    """A value in at most five or six characters: two digits that count, or, if not ``log``, places after the point.

    Args:
        decimals: of the mantissa, where there is an exponent.

    >>> [number(v) for v in (0.1234, 2.5e-7, 0, 42.42, 1, 12345)]
    ['0.12', '2e-7', '0', '42', '1.0', '1e4']
    >>> [number(v, log=False) for v in (0.996, 1.5, 12.34, 512.3)]
    ['1.00', '1.50', '12.3', '512']
    >>> number(math.inf)
    '∞'
    """
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    size = abs(value)
    if not log and 0.005 <= size < 1e4:
        return f"{value:.2f}" if size < 9.995 else f"{value:.1f}" if size < 99.95 else f"{value:.0f}"
    if value == 0:
        return "0"
    if 1e-2 <= size < 1e3:
        return f"{value:#.2g}".rstrip(".") if size < 99.5 else f"{value:.0f}"
    mantissa, exponent = f"{value:.{decimals}e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def thinned(count: int, most: int) -> list[int]:
    """Positions of at most ``most`` of ``count`` labels: the first, the last, and even steps between.

    >>> thinned(10, 4)
    [0, 3, 6, 9]
    """
    if count <= 1:
        return list(range(count))
    every = math.ceil((count - 1) / (most - 1))
    return [*range(0, count - math.ceil(0.75 * every), every), count - 1]


def log_ticks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    """Ticks with their words on a logarithmic axis: powers of ten, or 1, 2, 5 and 10 if there is but one of those.

    >>> log_ticks(0.04, 0.6, 6)
    [(0.5, '0.5'), (0.2, '0.2'), (0.1, '0.1'), (0.05, '0.05')]
    """
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    if last - first < 1 and abs(first) < 4:
        levels = [m * 10.0**p for p in range(last, first - 2, -1) for m in (5, 2, 1)]
        return [(level, f"{level:g}") for level in levels if low * (1 - 1e-9) <= level <= high * (1 + 1e-9)]
    powers = range(last, first - 1, -max(1, math.ceil((last - first + 1) / most)))
    short = min(powers) >= -3 and last <= 3
    return [(10.0**p, f"{10.0**p:g}" if short or p == 0 else f"10{str(p).translate(RAISED)}") for p in powers]
