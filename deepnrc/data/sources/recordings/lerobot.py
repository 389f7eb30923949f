"""LeRobot's data sets as folders: data/chunk-000/ with Parquet files of one episode each, or of several."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from deepnrc.data.sources.frames import read_frame
from deepnrc.errors import DataError
from deepnrc.wording import listing


def files_in(folder: Path) -> list[Path]:
    """The Parquet files of a data set's folder, episode_2 before episode_10; none of any other folder."""
    return sorted(folder.glob("data/chunk-*/*.parquet"), key=lambda path: _numbered(path, folder))


def read_frames(folder: Path) -> pd.DataFrame:
    """The rows of all episodes of a data set's folder, one file after the other.

    Errors: DataError if a file cannot be read, or has other columns than the first.
    """
    files = files_in(folder)
    if not files:
        raise DataError(f"'{folder}' holds no data/chunk-*/*.parquet, as a data set of LeRobot's does.")
    frames = [read_frame(file) for file in files]
    for file, frame in zip(files, frames, strict=True):
        if set(frame.columns) != set(frames[0].columns):
            apart = sorted(set(frame.columns) ^ set(frames[0].columns))
            raise DataError(f"'{file}' and '{files[0]}' differ in their columns: {listing(apart)}.")
    return pd.concat(frames, ignore_index=True)


def _numbered(path: Path, folder: Path) -> list[str]:
    name = path.relative_to(folder).as_posix()
    return [part.rjust(20, "0") if part.isdigit() else part for part in re.split(r"(\d+)", name)]
