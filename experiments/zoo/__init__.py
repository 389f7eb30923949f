"""Networks as their libraries build them, each read by probes and by plain hooks."""

from experiments.zoo.zoo import Zoo

__all__ = ["Zoo"]
