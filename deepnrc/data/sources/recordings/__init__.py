"""Readers of recorded behaviour."""
