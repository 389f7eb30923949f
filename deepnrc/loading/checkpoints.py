"""Read network weights from files without running anything that is in them, and load them into a network."""

from __future__ import annotations

import io
import pickle
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from deepnrc.errors import DataError
from deepnrc.loading.packed import check_zip, unpacked
from deepnrc.loading.pickles import check_pickles
from deepnrc.loading.statedicts import check_values, find_state_dict, misfits, nearest, refusal
from deepnrc.wording import listing, shown

POLICY = "policy.pth"
SAVE_AGAIN = "torch.save(model.state_dict(), 'weights.pt')"


def read_state_dict(path: str | Path, state_key: str | None = None) -> dict[str, Tensor]:
    """The weights in a .pt, .pth, .ckpt, .bin or .safetensors file, by the names they have in the file, on the CPU; of
    a Stable-Baselines3 .zip those of its policy.

    Only weights and plain values are read: code inside a pickle is refused, never run. `state_key` (dotted for nesting)
    says where the weights are when the file holds several sets of them.
    Errors: DataError if the file is missing, cut short, of another kind, asks for code, or holds no or several sets.
    """
    path = Path(path)
    _check_file(path)
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    return find_state_dict(content, path.name, state_key)


def load_checkpoint(
    model: nn.Module, path: str | Path, state_key: str | None = None, *, allow_extra: bool = False
) -> None:
    """Load the weights in a file into `model`: every parameter and buffer, or nothing at all.

    Prefixes that training wrappers add to all names (`module.`, `_orig_mod.`, `model.`, `net.`) are dropped, but only
    where that makes the names match the network's own. What torch itself converts from older versions of its modules is
    converted. `allow_extra` passes over entries that the network does not have, with a warning; the counters that thop
    leaves in a network always are.
    Errors: DataError as in `read_state_dict`, if names or shapes differ, and for weights that are NaN, infinite or, as
    quantized ones are, whole numbers (the network is then as it was).
    """
    source, own = Path(path).name, model.state_dict()
    state = nearest(read_state_dict(path, state_key), own)
    check_values(state, dict(model.named_parameters(remove_duplicate=False)), dict(model.named_buffers()), source)
    if misfits(state, own):
        _load_converted(model, state, source, allow_extra)
        return
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise DataError(f"The weights in '{source}' do not load into {type(model).__name__}: {error}") from error


def _load_converted(model: nn.Module, state: dict[str, Tensor], source: str, allow_extra: bool) -> None:
    """Load with the conversions that the network's own modules make, and put it back as it was if that will not do."""
    own = model.state_dict()
    kept = {
        name: value.clone() if isinstance(value, Tensor) and not is_lazy(value) else value
        for name, value in own.items()
    }
    try:
        left = model.load_state_dict(state, strict=False)
        found = {"missing": left.missing_keys, "unexpected": [] if allow_extra else left.unexpected_keys}
        problems = {what: names for what, names in found.items() if names}
    except RuntimeError:
        problems = misfits(state, own)
    if problems:
        model.load_state_dict(kept)
        raise refusal(problems, source)
    if left.unexpected_keys:
        warnings.warn(
            f"{len(left.unexpected_keys)} entries of '{shown(source)}' are not of the network and are passed over: "
            f"{listing(left.unexpected_keys)}.",
            stacklevel=3,
        )


def _check_file(path: Path) -> None:
    if path.is_dir():
        inside = sorted(p.name for p in path.iterdir() if p.suffix in {".pt", ".pth", ".ckpt", ".bin", ".safetensors"})
        raise DataError(f"'{path}' is a folder, not a checkpoint. Pass one file; checkpoints in it: {listing(inside)}.")
    if not path.is_file():
        raise DataError(f"There is no checkpoint '{path}' (looked from {Path.cwd()}). Check the path.")
    if path.stat().st_size == 0:
        raise DataError(f"The checkpoint '{path}' is empty (0 bytes). Copy, download or save it again.")


def _read_safetensors(path: Path) -> object:
    try:
        return safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise DataError(
            f"'{path}' cannot be read as a safetensors file ({error}): it is cut short or of another kind. "
            "Copy or download it again, or give it the ending of its own kind."
        ) from error


def _read_torch(path: Path) -> object:
    held: Any = path
    names = check_zip(path) if zipfile.is_zipfile(path) or path.suffix.lower() == ".zip" else []
    if path.suffix.lower() == ".zip":  # Stable-Baselines3's; nothing in it but the policy is read
        if POLICY not in names:
            raise DataError(
                f"'{path}' holds {listing(names)}, not {POLICY} as Stable-Baselines3 saves. Unpack it first."
            )
        held = io.BytesIO(unpacked(path, POLICY))
        check_pickles(path, held)
        held.seek(0)
    else:
        check_pickles(path)
    try:
        with warnings.catch_warnings():
            # torch warns of TorchScript and of unusual pickles here; both are either read or explained below.
            warnings.simplefilter("ignore", UserWarning)
            return torch.load(held, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        refused = _refused_names(held, error)
        raise _refusal(path, refused) if refused else _unreadable(path, error) from error
    except Exception as error:  # arbitrary bytes make torch.load raise almost anything, KeyError included
        raise _unreadable(path, error) from error


def _refused_names(held: Any, error: pickle.UnpicklingError) -> list[str]:
    """The classes and functions the pickle asks for and safe loading refuses; only read off, never imported."""
    try:
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(held))
    except ValueError:  # the format from before torch 1.6: only the first such name is known
        return re.findall(r"GLOBAL `?([\w.]+)", str(error))[:1]


def _refusal(path: Path, names: list[str]) -> DataError:
    if any(name.startswith("torch.nn.modules.") for name in names):
        return DataError(
            f"'{path}' holds a whole pickled network ({listing(names)}), and loading it would run its code. "
            f"Save the weights alone, where the network was trained: {SAVE_AGAIN}."
        )
    if all(name.startswith(("numpy.", "_codecs.")) for name in names):
        return DataError(
            f"'{path}' holds numpy values beside the weights ({listing(names)}), which safe loading refuses. "
            f"Save the weights alone, where the file was written: {SAVE_AGAIN}, or turn the values into floats."
        )
    return DataError(
        f"'{path}' asks for {listing(names)} when it is loaded, which could run any code; it was refused and nothing "
        f"was run. If the file is your own, save the weights alone: {SAVE_AGAIN}. If not, do not trust it."
    )


def _unreadable(path: Path, error: Exception) -> DataError:
    with path.open("rb") as file:
        is_zip = file.read(2) == b"PK"
    if "TorchScript" in str(error):
        return DataError(f"'{path}' is a TorchScript program, not weights. Save the weights alone: {SAVE_AGAIN}.")
    if isinstance(error, EOFError) or "unexpected EOF" in str(error) or (is_zip and not zipfile.is_zipfile(path)):
        return DataError(f"The checkpoint '{path}' ends too early: it is cut short. Copy, download or save it again.")
    return DataError(
        f"'{path}' is not a checkpoint that torch.save wrote, or it is damaged ({type(error).__name__}). "
        "Pass a .pt, .pth, .ckpt, .bin or .safetensors file."
    )
