"""Spectra of every layer."""
