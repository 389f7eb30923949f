"""Probing during training: when, into which folder, for which loggers, and as a callback of which trainers."""
