"""Transformers from their configurations, of transformers, and one with adapters of peft."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from experiments.zoo.member import LABELS, Member, images, part

WORDS, TOKENS, WIDTH = 40, 7, 24
USUAL = {
    "hidden_size": WIDTH,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "vocab_size": WORDS,
    "num_labels": LABELS,
    "pad_token_id": 0,
}
DECODER = {**USUAL, "num_key_value_heads": 2, "max_position_embeddings": 32}
TEXT: dict[str, dict[str, Any]] = {
    "Bert": USUAL,
    "Roberta": {**USUAL, "max_position_embeddings": 32},
    "Electra": {**USUAL, "embedding_size": WIDTH},
    "DistilBert": {
        "dim": WIDTH,
        "n_layers": 3,
        "n_heads": 2,
        "hidden_dim": 32,
        "vocab_size": WORDS,
        "num_labels": LABELS,
    },
    "Albert": {**USUAL, "embedding_size": 16},
    "DebertaV2": USUAL,
    "GPT2": {"n_embd": WIDTH, "n_layer": 3, "n_head": 2, "vocab_size": WORDS, "num_labels": LABELS, "pad_token_id": 0},
    "Llama": DECODER,
    "Mistral": DECODER,
    "Qwen2": DECODER,
    "T5": {
        "d_model": WIDTH,
        "d_kv": 12,
        "d_ff": 32,
        "num_layers": 3,
        "num_heads": 2,
        "vocab_size": WORDS,
        "pad_token_id": 0,
    },
}
REPEATED = {"Albert": {"repeats": "each"}}  # one block used at every depth


def words(samples: int) -> dict[str, Tensor]:
    """Random tokens with padding behind sentences of different lengths."""
    ids = torch.randint(1, WORDS, (samples, TOKENS))
    real = torch.arange(TOKENS) < torch.randint(3, TOKENS + 1, (samples, 1))
    return {"input_ids": ids * real, "attention_mask": real.long()}


class OverTokens(nn.Module):
    """A head on the mean over the real tokens of an encoder."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.head = encoder, nn.Linear(WIDTH, LABELS)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        real = attention_mask[..., None].to(hidden.dtype)
        return self.head((hidden * real).sum(1) / real.sum(1))


def _classifier(family: str, options: dict[str, Any]) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        config = part("transformers", f"{family}Config")(**options)
        if family == "T5":
            return OverTokens(part("transformers", "T5EncoderModel")(config))
        network: nn.Module = part("transformers", f"{family}ForSequenceClassification")(config)
        return network

    return make


def _adapted() -> nn.Module:
    config = part("peft", "LoraConfig")(
        task_type="SEQ_CLS", target_modules=["query", "value"], r=2, init_lora_weights=False
    )
    network: nn.Module = part("peft", "get_peft_model")(_classifier("Bert", USUAL)(), config)
    return network


def _vision(family: str, options: dict[str, Any]) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        config = part("transformers", f"{family}Config")(**options)
        network: nn.Module = part("transformers", f"{family}ForImageClassification")(config)
        return network

    return make


def members() -> Iterator[Member]:
    """Transformers of three blocks with random weights."""
    for family, options in TEXT.items():
        make = _classifier(family, options)
        yield Member(name=family, library="transformers", make=make, inputs=words, options=REPEATED.get(family, {}))
    sight = {**USUAL, "image_size": 32, "patch_size": 8}
    for family in ("ViT", "Dinov2"):
        yield Member(name=family, library="transformers", make=_vision(family, sight), inputs=images(3, 32, 32))
    yield Member(name="LoRA on Bert", library="peft", make=_adapted, inputs=words, left_out=("*.original_module",))
