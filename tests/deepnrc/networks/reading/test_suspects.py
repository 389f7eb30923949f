import pytest
import torch

from deepnrc.networks.reading.suspects import parts_of, sequences, suspects

X = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0))
REAL = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]])
IDS = REAL * 7 + 2
LENGTHS = REAL.sum(1)
CAUSAL = torch.ones(4, 4).tril()


@pytest.mark.parametrize(
    ("args", "kwargs", "names"),
    [
        ((), {"x": X, "mask": REAL}, ["mask"]),
        ((), {"x": X, "mask": REAL[..., None].float()}, ["mask"]),
        ((), {"x": X, "pad_mask": REAL.T == 0}, ["pad_mask"]),
        ((), {"x": X, "attention_mask": REAL[:, None, None] * CAUSAL}, ["attention_mask"]),
        ((), {"x": X, "mask": (REAL - 1) * 1e9}, ["mask"]),
        ((), {"ids": IDS, "is_pad": REAL == 0}, ["is_pad"]),
        ((), {"ids": IDS, "lengths": LENGTHS}, ["lengths"]),
        ((), {"ids": IDS, "seq_lens": LENGTHS[:, None]}, ["seq_lens"]),
        ((), {"ids": IDS, "real": REAL}, ["real"]),
        (({"x": X, "valid": REAL == 1},), {}, ["valid"]),
        ((X, REAL), {}, ["input 2"]),
        ((X, REAL.flip(1).float()), {}, ["input 2"]),
        (((X, REAL == 1),), {}, ["input 2"]),
        ((X,), {"mask": REAL}, ["mask"]),
        ((), {"x": X, "mask": REAL * 0 + 1}, []),
        ((), {"x": X, "mask": CAUSAL.expand(3, 1, 4, 4)}, []),
        ((), {"x": X, "mask": torch.ones(5, 5).tril()}, []),
        ((), {"x": X, "masked_ids": IDS}, []),
        ((), {"x": X, "lengths": LENGTHS * 0 + 4}, []),
        ((), {"x": X, "lengths": LENGTHS + 5}, []),
        ((), {"input_ids": IDS, "token_type_ids": 1 - REAL}, []),
        ((), {"x": X, "bits": torch.tensor([[1, 0, 1, 0], [0, 1, 0, 1], [1, 1, 0, 0]])}, []),
        ((REAL.float(),), {}, []),
        ((X, X[:, 0]), {}, []),
        ((X, 3, None), {}, []),
    ],
)
def test_what_may_tell_padding_is_known_by_its_name_or_by_what_it_holds(args, kwargs, names):
    assert [s.name for s in suspects(parts_of(args, kwargs)) if s.fits(3, 4)] == names


def test_a_mask_of_other_tokens_tells_nothing():
    found = suspects({"x": X, "mask": REAL, "lengths": LENGTHS})
    assert not any(s.fits(3, 2) or s.fits(2, 4) for s in found)


@pytest.mark.parametrize(
    ("inputs", "names"),
    [
        ({"x": X, "dec": X[..., :2]}, ["x", "dec"]),
        ({"src": IDS, "tgt": IDS}, ["src", "tgt"]),
        ({"input_ids": IDS, "memory": X}, ["input_ids", "memory"]),
        ({"input_ids": IDS, "inputs_embeds": X, "token_type_ids": REAL, "position_ids": IDS, "labels": IDS}, []),
        ({"input_ids": IDS, "special_tokens_mask": REAL, "keep": REAL == 1, "bbox": X}, []),
        ({"x": X, "dec": X[:, :2], "y": X[:, 0]}, []),
    ],
)
def test_sequences_of_several_kinds_are_named(inputs, names):
    assert sequences({**inputs, "attention_mask": REAL}, REAL) == names
