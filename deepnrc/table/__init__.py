"""The tidy table, its spectra, its files and what is read off it; nothing here measures, draws or prints."""

from deepnrc.arguments import TAU
from deepnrc.table.collapse import VERDICTS, collapse_onset, verdicts
from deepnrc.table.descriptions import as_record, described, main_ones, own
from deepnrc.table.grouping import BANDS, SILENT, labelled_by, spread
from deepnrc.table.journal import Journal
from deepnrc.table.onset import ALIGNED, NOISE, PREDICTS, check_tau, onsets, since, unbroken
from deepnrc.table.records import plain
from deepnrc.table.schema import (
    COLUMNS,
    COSINES,
    CROSS,
    FEATURES,
    NETWORK,
    SPECTRA,
    SPECTRA_NAMES,
    TARGETS,
    WEIGHT,
    no_spectra,
)
from deepnrc.table.storage import UnwritableError, writable
from deepnrc.table.tidy import Table, join

__all__ = [
    "ALIGNED",
    "BANDS",
    "COLUMNS",
    "COSINES",
    "CROSS",
    "FEATURES",
    "NETWORK",
    "NOISE",
    "PREDICTS",
    "SILENT",
    "SPECTRA",
    "SPECTRA_NAMES",
    "TARGETS",
    "TAU",
    "VERDICTS",
    "WEIGHT",
    "Journal",
    "Table",
    "UnwritableError",
    "as_record",
    "check_tau",
    "collapse_onset",
    "described",
    "join",
    "labelled_by",
    "main_ones",
    "no_spectra",
    "onsets",
    "own",
    "plain",
    "since",
    "spread",
    "unbroken",
    "verdicts",
    "writable",
]
