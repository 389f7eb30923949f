"""Read network weights from files without running anything that is in them, and load them into a network."""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from deepnrc.errors import DataError
from deepnrc.loading.statedicts import find_state_dict, fitted
from deepnrc.wording import listing

SAVE_AGAIN = "torch.save(model.state_dict(), 'weights.pt')"


def read_state_dict(path: str | Path, state_key: str | None = None) -> dict[str, Tensor]:
    """The weights in a .pt, .pth, .ckpt, .bin or .safetensors file, by the names they have in the file, on the CPU.

    Only weights and plain values are read: code inside a pickle is refused, never run. `state_key` (dotted for nesting)
    says where the weights are when the file holds several sets of them.
    Errors: DataError if the file is missing, cut short, of another kind, asks for code, or holds no or several sets.
    """
    path = Path(path)
    _check_file(path)
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    return find_state_dict(content, path.name, state_key)


def load_checkpoint(model: nn.Module, path: str | Path, state_key: str | None = None) -> None:
    """Load the weights in a file into `model`: every parameter and buffer, or nothing at all.

    Prefixes that training wrappers add to all names (`module.`, `_orig_mod.`, `model.`, `net.`) are dropped, but only
    where that makes the names match the network's own.
    Errors: DataError as in `read_state_dict`, and if names or shapes differ (the network is then as it was).
    """
    state = fitted(read_state_dict(path, state_key), model.state_dict(), Path(path).name)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise DataError(
            f"The weights in '{Path(path).name}' do not load into {type(model).__name__}: {error}"
        ) from error


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
    try:
        with warnings.catch_warnings():
            # torch warns of TorchScript and of unusual pickles here; both are either read or explained below.
            warnings.simplefilter("ignore", UserWarning)
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        refused = _refused_names(path, error)
        raise _refusal(path, refused) if refused else _unreadable(path, error) from error
    except Exception as error:  # arbitrary bytes make torch.load raise almost anything, KeyError included
        raise _unreadable(path, error) from error


def _refused_names(path: Path, error: pickle.UnpicklingError) -> list[str]:
    """The classes and functions the pickle asks for and safe loading refuses; only read off, never imported."""
    try:
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(str(path)))
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
