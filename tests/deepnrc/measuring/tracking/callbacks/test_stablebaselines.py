import sys
from typing import Any

import pandas as pd
import pytest
import torch

import deepnrc
from deepnrc import Tracker, UsageError, stable_baselines3_callback

ACTOR = ["mlp_extractor.policy_net.*", "action_net"]


@pytest.fixture
def ppo() -> Any:
    """A small PPO on a pendulum, and observations with actions to read its policy on."""
    from stable_baselines3 import PPO

    torch.manual_seed(0)
    small = {"net_arch": [8]}
    model = PPO("MlpPolicy", "Pendulum-v1", n_steps=16, batch_size=8, n_epochs=3, policy_kwargs=small, device="cpu")
    x = torch.linspace(-1, 1, 96).reshape(32, 3).sin()
    return model, (x, x[:, :1])


@pytest.mark.filterwarnings("ignore")
def test_the_real_ppo_is_watched_update_by_update(ppo: Any) -> None:
    model, data = ppo
    tracker = Tracker(model.policy, data, layers=ACTOR, probes=["deep.cka"], steps=[0, 3, 7, 10])
    model.learn(16 * 5, callback=stable_baselines3_callback(tracker))
    # three epochs an update: what was due at 7 and 10 is measured at 9 and 12, and the last one at 15
    assert tracker.report.steps == [0, 3, 9, 12, 15]
    read = tracker.report.values("deep.cka").set_index(["step", "layer"])["value"].unstack()["action_net"]
    assert read.nunique() == 5
    now = deepnrc.probe(model.policy, data, layers=ACTOR, probes=["deep.cka"], progress=False)
    assert read.iloc[-1] == now.values("deep.cka")["value"].iloc[-1]


@pytest.mark.filterwarnings("ignore")
def test_it_stops_the_real_ppo_and_its_logger_has_the_values(ppo: Any, tmp_path: Any) -> None:
    from stable_baselines3.common.logger import configure

    model, data = ppo
    model.set_logger(configure(str(tmp_path), ["csv"]))
    options: dict[str, Any] = {"layers": ACTOR, "probes": ["deep.cka"], "steps": 1}
    tracker = Tracker(model.policy, data, stop_when=lambda report: report.steps == [6], **options)
    model.learn(16 * 50, callback=stable_baselines3_callback(tracker))
    assert tracker.report.steps == [0, 3, 6]
    assert model.num_timesteps < 16 * 4
    model.logger.close()
    written = pd.read_csv(tmp_path / "progress.csv")["deepnrc/action_net/deep.cka"]
    assert written.iloc[0] == pytest.approx(tracker.report.values("deep.cka")["value"].iloc[1])


def test_without_stable_baselines_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stable_baselines3", "stable_baselines3.common", "stable_baselines3.common.callbacks"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match=r"which is not installed\. pip install stable-baselines3\."):
        stable_baselines3_callback(Tracker(torch.nn.Linear(3, 2), (torch.randn(8, 3), torch.randn(8, 2))))
