"""Networks that the studies train, and pretrained ones."""

from experiments.networks.mlp import Mlp, mlp
from experiments.networks.packaged import Pair, lite0_on_digits, lite0_on_patches, lite0_on_writing, onet_on_faces
from experiments.networks.resnet import ResNet

__all__ = ["Mlp", "Pair", "ResNet", "lite0_on_digits", "lite0_on_patches", "lite0_on_writing", "mlp", "onet_on_faces"]
