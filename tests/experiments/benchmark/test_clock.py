"""Clocks and devices of the benchmark."""

import time

import pytest
import torch

from deepnrc import UsageError
from experiments.benchmark.clock import cpu_seconds, peak, placed, seconds


def test_a_device_that_is_not_there_is_refused_by_name():
    with pytest.raises(UsageError, match="There is no device 'cuda:99' here"):
        placed("cuda:99")
    with pytest.raises(UsageError, match="There is no device 'gpu' here"):
        placed("gpu")
    assert placed(None) == torch.device("cpu")


def test_on_the_cpu_the_processor_is_timed_and_its_memory_read():
    assert cpu_seconds(torch.device("cpu")) is time.process_time
    assert cpu_seconds(torch.device("cuda")) is seconds
    assert peak(torch.device("cpu")) > 50
