"""Random disturbances in training. In evaluation they do nothing, and no trace of them is exported."""

from specc.ops.op import Op, needs_map
from specc.ops.signal import Drop
from specc.values import Args, Percent
from specc.vocabulary.kinds import NOT_NEGATIVE, Float
from specc.vocabulary.param import Param
from specc.vocabulary.shape import Shape
from specc.vocabulary.target import Target

_SHARE = Float(low=0, below=1)


def _spatial_shape(x: Shape, a: Args) -> Shape:
    needs_map(x, "spatial_dropout")
    return x


dropout = Op(
    name="dropout",
    group="regularization",
    doc="In training, sets each number to zero with probability p and scales the rest by 1 / (1 - p).",
    params=(Param("p", _SHARE, Percent(0.5), "the fraction to drop"),),
    torch=lambda x, a: Target("torch.nn.Dropout", {"p": float(a.p)}),
    training_only=True,
    idle=lambda a: a.p == 0,
    example="dropout(30%)",
    signal=Drop(whole=False),
)

spatial_dropout = Op(
    name="spatial_dropout",
    group="regularization",
    doc="In training, sets whole channels to zero with probability p and scales the rest by 1 / (1 - p).",
    params=(Param("p", _SHARE, Percent(0.5), "the fraction of channels to drop"),),
    shape=_spatial_shape,
    torch=lambda x, a: Target("torch.nn.Dropout2d", {"p": float(a.p)}),
    training_only=True,
    idle=lambda a: a.p == 0,
    example="spatial_dropout(10%)",
    signal=Drop(whole=True),
)

drop_path = Op(
    name="drop_path",
    group="regularization",
    doc="In training, drops the branch for each image with probability p (stochastic depth, Huang et al., 2016).",
    params=(Param("p", _SHARE, doc="the fraction of images for which the branch is dropped"),),
    torch=lambda x, a: Target("specc.backend.layers.DropPath", {"p": float(a.p)}),
    training_only=True,
    idle=lambda a: a.p == 0,
    example="residual { conv(8) -> drop_path(10%) }",
    signal=Drop(whole=True),
    needs_bypass=True,
)

gaussian_noise = Op(
    name="gaussian_noise",
    group="regularization",
    doc="In training, adds Gaussian noise with mean 0.",
    params=(Param("std", NOT_NEGATIVE, doc="the standard deviation of the noise"),),
    torch=lambda x, a: Target("specc.backend.layers.GaussianNoise", {"std": a.std}),
    training_only=True,
    idle=lambda a: a.std == 0,
    example="gaussian_noise(0.1)",
)

OPS = (dropout, spatial_dropout, drop_path, gaussian_noise)
