"""What the autograd graph calls the operations between two weights, in words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

ACTIVATIONS = {
    "Relu": "ReLU",
    "Gelu": "GELU",
    "Silu": "SiLU",
    "Sigmoid": "sigmoid",
    "LogSigmoid": "log sigmoid",
    "LogSigmoidForward": "log sigmoid",
    "Tanh": "tanh",
    "LeakyRelu": "leaky ReLU",
    "Elu": "ELU",
    "Celu": "CELU",
    "Softplus": "softplus",
    "Hardtanh": "hardtanh",
    "Hardswish": "hardswish",
    "Hardsigmoid": "hardsigmoid",
    "Mish": "Mish",
    "PreluKernel": "PReLU",
    "Threshold": "threshold",
    "Softshrink": "softshrink",
    "Hardshrink": "hardshrink",
    "Clamp": "clamp",
    "ClampMin": "clamp",
    "ClampMax": "clamp",
    "Sin": "sine",
    "Cos": "cosine",
    "Exp": "exp",
    "Erf": "erf",
    "Abs": "absolute value",
    "Neg": "negation",
    "Pow": "power",
    "Sqrt": "square root",
    "Log": "log",
    "Log1P": "log",
    "Reciprocal": "reciprocal",
    "Add": "sum",
    "Sub": "difference",
    "Mul": "product",
    "Div": "quotient",
}
NOTHING = {"Clone", "Alias", "ToCopy", "CopyBackwards", "NativeDropout", "FusedDropout"} | {"View", "UnsafeView"}
JOINS = {"Cat": "concatenation", "Stack": "concatenation"}
MOVES = dict.fromkeys(
    ("T", "Transpose", "Permute", "Squeeze", "Unsqueeze", "Expand", "AsStrided", "Unfold", "Flip", "Repeat"),
    "reshaping",
)
PARTS = dict.fromkeys(
    ("Slice", "Select", "Split", "SplitWithSizes", "Unbind", "Index", "IndexSelect", "Gather", "Narrow"),
    "selection",
)
NORMS = dict.fromkeys(
    (
        "NativeLayerNorm",
        "NativeBatchNorm",
        "CudnnBatchNorm",
        "MiopenBatchNorm",
        "NativeGroupNorm",
        "FusedRmsNorm",
        "LinalgVectorNorm",
        "Norm",
    ),
    "normalisation",
)
WORDS = ACTIVATIONS | JOINS | MOVES | PARTS | NORMS | {"Sum": "sum over an axis", "Mean": "mean over an axis"}
MULTIPLIES = re.compile(
    r"^(Mm|Addmm|Bmm|Baddbmm|Addbmm|Mv|Addmv|Addr|Dot|Linear|MkldnnLinear|\w*Convolution\w*|\w*Conv\d?d?\w*|Trilinear|"
    r"Cdist\w*|\w*Rnn\w*|\w*Lstm\w*|\w*Gru\w*|ScaledMm\w*)$"
)
LOOKS_UP = re.compile(r"^Embedding")
ATTENDS = re.compile(r"^ScaledDotProduct|^Softmax$|^Flash|Attention")


def operation(node: Any) -> str:
    """The operation's name: "Addmm" of an AddmmBackward0; that of its class for one written in Python."""
    return re.sub(r"Backward\d*$", "", str(node.name()))


def factors(name: str, edges: Sequence[Any]) -> Sequence[Any]:
    """Of what a product was computed from, the two that are multiplied, without what is added."""
    return edges[1:3] if name.startswith(("Add", "Baddbmm")) else edges[:2]


def times_constant(node: Any) -> bool:
    """Whether it is a product of what is in the graph with what is not: a constant, or a tensor of whole numbers."""
    name = operation(node)
    if not re.match(r"^(Mm|Addmm|Bmm|Baddbmm|Addbmm|Mv|Addmv|Linear|MkldnnLinear|\w*Convolution)$", name):
        return False
    return sum(below is not None for below, _ in factors(name, node.next_functions)) == 1


def closed(node: Any) -> bool:
    """Whether what the operation does is not in the graph: a user's own autograd Function, or one without gradient."""
    return hasattr(type(node), "_forward_cls") or "NotImplemented" in str(node.name())


def word(name: str) -> str:
    """An operation in a reader's words; nothing for what leaves the numbers as they are."""
    if name in NOTHING:
        return ""
    if name in WORDS:
        return WORDS[name]
    if MULTIPLIES.match(name):
        return "product of two activations"
    return "attention" if ATTENDS.search(name) else name
