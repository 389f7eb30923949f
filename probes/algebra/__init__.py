"""Covariances by their rows, leading singular vectors, and what lies between classes."""
