"""Whether the statistics of wide layers fit into memory, asked before any of it is taken."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from deepnrc.errors import UsageError
from deepnrc.wording import Argument, Remedy

FIRST_VERSION = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")  # of control groups
SECOND_VERSION = ("memory.max", "memory.current", "inactive_file")
UNLIMITED = 2**60
SKETCH = 256  # random directions, where a sketch is advised


def check_memory(
    widths: Mapping[str, int],
    n: int,
    device: torch.device,
    groups: int = 0,
    classes: bool = False,
    sketch: int | None = None,
) -> None:
    """Errors: UsageError, naming the widest layer, if the second moments (d + n)^2 of all layers in float64, d^2 and
    class means where the targets are classes, take more memory than there is.

    Args:
        widths: d of each layer.
        n: target width.
        groups: how many groups of samples have statistics of their own beside.
        classes: whether the targets are classes.
        sketch: how many random directions are kept of the features of wider layers; None for their covariances.
    """
    sizes = {key: moments_size(d, n, classes, sketch) * (1 + groups) for key, d in widths.items()}
    free = free_memory(device)
    if free is None or sum(sizes.values()) <= free:
        return
    key = max(sizes, key=sizes.__getitem__)
    if groups and sum(sizes.values()) / (1 + groups) <= free:
        raise UsageError(
            f"The statistics of {groups} groups of samples in {len(sizes)} layers would take "
            f"{sum(sizes.values()) / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free. Take fewer ",
            Argument("groups", groups),
            ", or fewer layers: ",
            Remedy("layers", [f"!{key.partition('#')[0]}"]),
            " leaves out the widest.",
        )
    raise UsageError(
        f"The statistics of {len(sizes)} layers would take {sum(sizes.values()) / 1e9:.0f} GB, and {free / 1e9:.0f} GB "
        f"are free: layer '{key}' alone, {widths[key]} wide, takes {sizes[key] / 1e9:.0f} GB. Pool to fewer features, "
        "such as with ",
        Remedy("pool", "mean"),
        *sketching(widths[key], n, free if sketch is None and not groups else 0),
        ", or leave it out with ",
        Remedy("layers", [f"!{key.partition('#')[0]}"]),
        ".",
    )


def sketching(d: int, n: int, memory: int) -> tuple[str | Remedy, ...]:
    """Words that advise a sketch of a layer of width d with n targets; none where that would not fit either."""
    if d <= SKETCH or moments_size(d, n, sketch=SKETCH) > memory:
        return ()
    return ", keep random directions of it with ", Remedy("sketch", SKETCH)


def moments_size(d: int, n: int, classes: bool = False, sketch: int | None = None) -> int:
    """Bytes of a layer's second moments with n targets: (d + n)^2 numbers, or d^2 and the means of n classes; of a
    layer wider than its sketch, the random directions and what is kept of them."""
    if sketch is not None and sketch < d:
        return 8 * (d * sketch + (d + n) * (sketch + n))
    return 8 * (d * d + n * d) if classes else 8 * (d + n) ** 2


def half_of_free(device: torch.device) -> int | None:
    """Half of the bytes that can still be had on a device; None if unknown."""
    free = free_memory(device)
    return None if free is None else free // 2


def free_memory(device: torch.device) -> int | None:
    """Bytes that can still be had on a device, as the system, the process's own limit and that of its container allow;
    None if unknown."""
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # by torch, for what comes
        return torch.cuda.mem_get_info(device)[0] + kept
    if device.type != "cpu":
        return None
    bounds = [bound for bound in (_available(), _allowed(), _granted()) if bound is not None]
    return min(bounds, default=None)


def _available() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = {name: rest for name, _, rest in (line.partition(":") for line in lines)}
    return int(found["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in found else None


def _allowed() -> int | None:
    """What the limit on the process's addresses leaves."""
    try:
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):
        return None
    return None if limit == resource.RLIM_INFINITY else limit - pages * resource.getpagesize()


def _granted(own: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """What the limits on the process's control group, such as a container or a cluster's job, and on those around it
    leave."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return None
    found = []
    for line in lines:
        _, kinds, path = (*line.split(":", 2), "", "")[:3]
        if kinds and "memory" not in kinds.split(","):
            continue
        base = root / "memory" if kinds else root
        place = base / path.strip("/")
        for folder in (place, *place.parents):
            found.append(_left_of(folder, FIRST_VERSION if kinds else SECOND_VERSION))
            if folder == base:
                break
    return min((left for left in found if left is not None), default=None)


def _left_of(group: Path, names: tuple[str, str, str]) -> int | None:
    """What a control group's limit leaves, where it has one; what the system keeps of files can be had back."""
    limit, used, files = names
    try:
        most, taken = int((group / limit).read_text()), int((group / used).read_text())
        rows = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return None if most >= UNLIMITED else max(0, most - taken + int(rows.get(files, 0)))
    except (OSError, ValueError):  # there is none, or it is "max"
        return None
