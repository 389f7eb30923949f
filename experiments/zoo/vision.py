"""Networks for images, of timm and torchvision."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from experiments.zoo.member import LABELS, Member, built, images

TIMM: dict[str, tuple[str, dict[str, Any], int]] = {
    "ResNet": ("test_resnet", {}, 1),
    "ResNet-18": ("resnet18", {"channels": (8, 12, 16, 20)}, 1),
    "EfficientNet": ("test_efficientnet", {}, 1),
    "ByobNet": ("test_byobnet", {}, 1),
    "ConvNeXt": ("test_convnext", {}, 1),
    "NFNet": ("test_nfnet", {}, 1),
    "MambaOut": ("test_mambaout", {}, -1),
    "MobileNetV3": ("mobilenetv3_small_050", {}, 1),
    "DenseNet": ("densenet121", {"growth_rate": 4, "block_config": (2, 2, 2, 2)}, 1),
    "ViT": ("test_vit", {}, -1),
    "DeiT": ("deit_tiny_patch16_224", {"embed_dim": 24, "depth": 3, "num_heads": 2, "img_size": 64}, -1),
    "BEiT": ("beit_base_patch16_224", {"embed_dim": 24, "depth": 3, "num_heads": 2, "img_size": 64}, -1),
    "Swin": (
        "swin_tiny_patch4_window7_224",
        {"embed_dim": 12, "depths": (2, 2), "num_heads": (2, 2), "img_size": 56},
        -1,
    ),
}
IDLE = {"BEiT": ("*.qkv",)}  # a forward that takes these weights itself and goes round the modules
SHUFFLED = {"ShuffleNet": {"axis": 1}}  # what comes after a block is no layer
FUNCTIONAL = {"Swin": ("*.attn.qkv", "*.attn.proj")}
TORCHVISION: dict[str, tuple[str, dict[str, Any], int, int]] = {
    "ResNet-18": ("resnet18", {}, 1, 32),
    "ViT": (
        "VisionTransformer",
        {"image_size": 32, "patch_size": 8, "num_layers": 3, "num_heads": 2, "hidden_dim": 24, "mlp_dim": 32},
        -1,
        32,
    ),
    "Swin": (
        "SwinTransformer",
        {
            "patch_size": [4, 4],
            "embed_dim": 12,
            "depths": [2, 2],
            "num_heads": [2, 2],
            "window_size": [4, 4],
        },
        -1,
        32,
    ),
    "ShuffleNet": ("shufflenet_v2_x0_5", {}, 1, 32),
    "RegNet": ("regnet_y_400mf", {}, 1, 32),
    "AlexNet": ("alexnet", {}, 1, 64),
}


def members() -> Iterator[Member]:
    """Image networks, small and with random weights."""
    for name, (model, options, channels) in TIMM.items():
        make = partial(built, "timm", "create_model", model, num_classes=LABELS, **options)
        side = 160 if model == "test_vit" else options.get("img_size", 32)
        yield Member(name=name, library="timm", make=make, inputs=images(3, side, side), channels=channels,
                     left_out=IDLE.get(name, ()))  # fmt: skip
    mixer = partial(built, "timm.models", "MlpMixer", LABELS, 32, patch_size=8, num_blocks=3, embed_dim=24)
    yield Member(name="MLP-Mixer", library="timm", make=mixer, inputs=images(3, 32, 32))
    for name, (model, options, channels, side) in TORCHVISION.items():
        make = partial(built, "torchvision", f"models.{model}", num_classes=LABELS, **options)
        yield Member(name=name, library="torchvision", make=make, inputs=images(3, side, side), channels=channels,
                     options=SHUFFLED.get(name, {}), left_out=FUNCTIONAL.get(name, ()))  # fmt: skip
