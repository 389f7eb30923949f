import inspect

from torch import nn

import deepnrc


def test_attach_hands_every_argument_on():
    ours = inspect.signature(deepnrc.attach).parameters
    theirs = inspect.signature(deepnrc.Attachment.__init__).parameters
    assert list(ours) == [name for name in theirs if name not in ("self", "remembered", "parting")]
    assert all(ours[name].default == theirs[name].default for name in ours)
    made = deepnrc.attach(nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1)), layers=["1"], rank=1, repeats="last")
    assert {name: made.arguments[name] for name in ("layers", "rank", "repeats")} == {
        "layers": ["1"],
        "rank": 1,
        "repeats": "last",
    }
