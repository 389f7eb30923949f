import pytest
import torch
from torch import nn

import deepnrc
from deepnrc.errors import UsageError

DATA = (torch.randn(20, 4), torch.randn(20, 2))
Keras = type("Sequential", (nn.Module,), {"__module__": "keras.src.models.sequential", "forward": lambda s, x: x})


class Nothing(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        self.fc(x)


@pytest.mark.parametrize(
    ("net", "data", "options", "words"),
    [
        (Keras(), DATA, {}, r"The network is a Sequential of keras, and only networks of torch can be read"),
        (3, DATA, {}, r"The network must be a torch\.nn\.Module, not int"),
        (nn.ModuleList([nn.Linear(4, 2)]), DATA, {}, r"a ModuleList, has no forward, so it cannot be called"),
        (Nothing(), DATA, {}, r"The forward of Nothing returned None\. Let it return what it computed"),
        (nn.Linear(4, 2), list(DATA), {}, r"A list \[X, Y\] is two batches\. Give whole tensors as a tuple: \(X, Y\)"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(net, data, options, words):
    with pytest.raises(UsageError, match=words):
        deepnrc.probe(net, data, progress=False, **options)


@pytest.mark.parametrize("layers", [["parts"], "par*", [nn.ModuleList]])
def test_a_list_of_modules_gives_nothing_to_read(layers):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = nn.ModuleList([nn.Tanh(), nn.Tanh()])

        def forward(self, x):
            return self.parts[1](self.parts[0](x))

    if layers == "par*":
        report = deepnrc.probe(Net(), DATA, layers=layers, progress=False)
        assert set(report.table["layer"]) == {"parts.0", "parts.1", "(network)"}
        return
    with pytest.raises(UsageError, match=r"'parts' is a ModuleList, which has no forward.*'parts\.\*', or 'parts\.0'"):
        deepnrc.probe(Net(), DATA, layers=layers, progress=False)
