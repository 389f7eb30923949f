"""
A Hugging Face transformer
==========================

Blocks are found by structure, padding is left out by the batch's own ``attention_mask``, and the loss's targets are
the batch's ``labels``.
"""

import torch
from transformers import BertConfig, BertForSequenceClassification

import deepnrc

# %%
# A small BERT from its configuration; ``from_pretrained`` gives yours.

torch.manual_seed(0)
config = BertConfig(
    vocab_size=100, hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=64, num_labels=3
)
model = BertForSequenceClassification(config)


def batch(size=64, length=12):
    """Token ids, padded to one length, with labels."""
    ids = torch.randint(1, 100, (size, length))
    lengths = torch.randint(4, length + 1, (size,))
    mask = (torch.arange(length) < lengths[:, None]).long()
    return {"input_ids": ids * mask, "attention_mask": mask, "labels": ids[:, 0] % 3}


loader = [batch() for _ in range(6)]

# %%
# One row a block. ``pool="cls"`` reads the first token, which is what this head reads; ``"mean"`` averages the real
# tokens, ``"tokens"`` takes each as a sample.

report = deepnrc.probe(model, loader, layers="blocks", pool="cls", progress=False)
shown = report.wide()[["deep.noise_fraction", "deep.feature_stable_rank", "nc.1"]]
print(shown.to_string(float_format="{:.3g}".format))

# %%
# Every layer that multiplies by a weight, chosen by glob:

report = deepnrc.probe(model, loader, layers=["*.attention.output.dense", "classifier"], pool="cls", progress=False)
print(report.wide()["deep.feature_weight_alignment"].to_string(float_format="{:.3g}".format))
