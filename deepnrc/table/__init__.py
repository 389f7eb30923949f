"""The tidy table, its spectra, its files and what is read off it; nothing here measures, draws or prints."""

from deepnrc.arguments import TAU, check_tau, in_full
from deepnrc.table.collapse import (
    ACCURACY,
    CLOSED,
    COLLAPSED,
    JUDGED,
    LEARNED,
    LOW_NOISE,
    NARROW,
    NEVER,
    NOISE,
    NOISY,
    RESTS_ON,
    SHORT,
    SMALLEST,
    UNKNOWN,
    UNLEARNED,
    VERDICTS,
    collapse_onset,
    unbroken,
    verdicts,
)
from deepnrc.table.descriptions import as_record, described, main_ones, own
from deepnrc.table.files.csvcells import read_csv, to_csv
from deepnrc.table.files.journal import Journal
from deepnrc.table.files.manifest import MANIFEST
from deepnrc.table.files.places import write_whole
from deepnrc.table.files.storage import UnwritableError, writable
from deepnrc.table.findings import Judged, findings, judged, words
from deepnrc.table.grouping import BANDS, SILENT, by_run, labelled_by, spread, stages
from deepnrc.table.onset import COLLAPSE, LOW, onsets, since
from deepnrc.table.opening import opening
from deepnrc.table.published import PublishedCurve, apart, beside, published_curve, published_curves
from deepnrc.table.records import plain
from deepnrc.table.reference import with_reference
from deepnrc.table.schema import (
    COLUMNS,
    COSINES,
    CROSS,
    FEATURES,
    NETWORK,
    RESIDUALS,
    SPECTRA,
    SPECTRA_NAMES,
    TARGETS,
    WEIGHT,
    no_spectra,
)
from deepnrc.table.sidebyside import DEFINITIONS, told
from deepnrc.table.tidy import Table, join

__all__ = [
    "ACCURACY",
    "BANDS",
    "CLOSED",
    "COLLAPSE",
    "COLLAPSED",
    "COLUMNS",
    "COSINES",
    "CROSS",
    "DEFINITIONS",
    "FEATURES",
    "JUDGED",
    "LEARNED",
    "LOW",
    "LOW_NOISE",
    "MANIFEST",
    "NARROW",
    "NETWORK",
    "NEVER",
    "NOISE",
    "NOISY",
    "RESIDUALS",
    "RESTS_ON",
    "SHORT",
    "SILENT",
    "SMALLEST",
    "SPECTRA",
    "SPECTRA_NAMES",
    "TARGETS",
    "TAU",
    "UNKNOWN",
    "UNLEARNED",
    "VERDICTS",
    "WEIGHT",
    "Journal",
    "Judged",
    "PublishedCurve",
    "Table",
    "UnwritableError",
    "apart",
    "as_record",
    "beside",
    "by_run",
    "check_tau",
    "collapse_onset",
    "described",
    "findings",
    "in_full",
    "join",
    "judged",
    "labelled_by",
    "main_ones",
    "no_spectra",
    "onsets",
    "opening",
    "own",
    "plain",
    "published_curve",
    "published_curves",
    "read_csv",
    "since",
    "spread",
    "stages",
    "to_csv",
    "told",
    "unbroken",
    "verdicts",
    "with_reference",
    "words",
    "writable",
    "write_whole",
]
