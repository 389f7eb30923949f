"""Networks whose forward is written in a test."""

import pytest
from torch import nn


class Written(nn.Module):
    def __init__(self, forward, **parts):
        super().__init__()
        self.run = forward
        for name, part in parts.items():
            if isinstance(part, nn.Parameter | nn.Module):
                setattr(self, name, part)
            else:
                self.register_buffer(name, part)

    def forward(self, *args, **kwargs):
        return self.run(self, *args, **kwargs)


@pytest.fixture
def written():
    """A network of these parts, whose forward is a function of itself and its inputs."""
    return Written
