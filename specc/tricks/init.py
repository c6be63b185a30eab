"""How kernels start. Fans count the connections: see `specc.backend.initialise.fans`."""

from specc.kinds import POSITIVE, Float
from specc.ops.op import Param, Trick


def _init(name: str, doc: str, params: tuple[Param, ...] = (), example: str = "") -> Trick:
    return Trick(
        name=name,
        family="init",
        doc=doc,
        params=params,
        target=f"specc.backend.initialise.{name}",
        example=f"conv(16, init={example or name})",
    )


TRICKS = (
    _init("he_normal", "Normal, variance 2 / fan-in: keeps the scale through relu layers (He et al., 2015)."),
    _init("he_uniform", "Uniform, variance 2 / fan-in (He et al., 2015)."),
    _init("glorot_uniform", "Uniform, variance 2 / (fan-in + fan-out): for sigmoid and tanh (Glorot & Bengio, 2010)."),
    _init("glorot_normal", "Normal, variance 2 / (fan-in + fan-out) (Glorot & Bengio, 2010)."),
    _init("lecun_normal", "Normal, variance 1 / fan-in: for selu (LeCun et al., 1998)."),
    _init("orthogonal", "A random orthogonal matrix, group by group (Saxe et al., 2014)."),
    _init(
        "normal",
        "Normal with mean 0 and the given deviation.",
        (Param("std", POSITIVE, doc="the standard deviation"),),
        "normal(0.01)",
    ),
    _init("constant", "The same value everywhere.", (Param("v", Float(), doc="the value"),), "constant(0)"),
    _init("dirac", "Passes the input channels on unchanged, as far as there are filters for them."),
)
