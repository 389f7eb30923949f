"""Data by name: one function, `load_data`, and one module for each form that data comes in."""

from deepnrc.data.sources.forms import load_data
from deepnrc.data.sources.frames import read_frame
from deepnrc.data.sources.tables import numbers, written_resolution

__all__ = ["load_data", "numbers", "read_frame", "written_resolution"]
