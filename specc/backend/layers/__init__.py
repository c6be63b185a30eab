"""Small modules for what torch.nn has none of. Each class stands by itself, so that it can be printed as source.

Inputs are N x C x H x W unless said otherwise, in any memory format.
"""

from specc.backend.layers.conv import (
    ChannelConv,
    FlatLinear,
    PaddedConv2d,
    PaddedStandardizedConv2d,
    SameUpperConv2d,
    SameUpperStandardizedConv2d,
    StandardizedConv2d,
)
from specc.backend.layers.merge import (
    Add,
    Concat,
    Maximum,
    Multiply,
)
from specc.backend.layers.noise import (
    DropPath,
    GaussianNoise,
)
from specc.backend.layers.norm import (
    BatchNorm1d,
    BatchNorm2d,
    ChannelNorm,
    GlobalResponseNorm,
    GroupNorm,
    InstanceNorm2d,
    LayerNorm,
)
from specc.backend.layers.pool import (
    BlurPool,
    ChannelMax,
    ChannelMean,
    SameUpperAvgPool2d,
    SameUpperMaxPool2d,
)
from specc.backend.layers.scale import (
    LayerScale,
    LearnedScale,
    Scale,
)
from specc.backend.layers.shape import (
    Channels,
    CropAt,
    CropTo,
    ResizeLike,
)

__all__ = [
    "Add",
    "BatchNorm1d",
    "BatchNorm2d",
    "BlurPool",
    "ChannelConv",
    "ChannelMax",
    "ChannelMean",
    "ChannelNorm",
    "Channels",
    "Concat",
    "CropAt",
    "CropTo",
    "DropPath",
    "FlatLinear",
    "GaussianNoise",
    "GlobalResponseNorm",
    "GroupNorm",
    "InstanceNorm2d",
    "LayerNorm",
    "LayerScale",
    "LearnedScale",
    "Maximum",
    "Multiply",
    "PaddedConv2d",
    "PaddedStandardizedConv2d",
    "ResizeLike",
    "SameUpperAvgPool2d",
    "SameUpperConv2d",
    "SameUpperMaxPool2d",
    "SameUpperStandardizedConv2d",
    "Scale",
    "StandardizedConv2d",
]
