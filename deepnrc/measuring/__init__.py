"""Measuring: from a network and data to a report."""
