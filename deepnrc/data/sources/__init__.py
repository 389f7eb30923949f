"""Data by name: one function, `load_data`, and one module for each form that data comes in."""

from deepnrc.data.sources.forms import load_data as load_data
