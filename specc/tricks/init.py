"""How kernels start. Fans count the connections: see `specc.backend.initialise.fans`."""

from collections.abc import Callable
from typing import NamedTuple

from specc.kinds import POSITIVE, Float
from specc.ops.op import Param, Trick
from specc.values import Args


class Fans(NamedTuple):
    """Of a kernel: products in one output value, output values that an input value enters, filters in a group."""

    into: float
    out: float
    filters: int


class Start(NamedTuple):
    """What an initialiser does to the size of the signal.

    variance(fans, a): the mean square of a weight. made_for: the activations whose effect on the signal it makes up
    for: "rectifiers", "saturating" ones, or "".
    """

    variance: Callable[[Fans, Args], float]
    made_for: str = ""


HE = Start(lambda fans, a: 2 / fans.into, "rectifiers")
GLOROT = Start(lambda fans, a: 2 / (fans.into + fans.out), "saturating")
UNIT = Start(lambda fans, a: 1 / fans.into)


def _init(name: str, doc: str, facts: Start, params: tuple[Param, ...] = (), example: str = "") -> Trick:
    return Trick(
        name=name,
        family="init",
        doc=doc,
        params=params,
        target=f"specc.backend.initialise.{name}",
        example=f"conv(16, init={example or name})",
        facts=facts,
    )


TRICKS = (
    _init("he_normal", "Normal, variance 2 / fan-in: keeps the scale through relu layers (He et al., 2015).", HE),
    _init("he_uniform", "Uniform, variance 2 / fan-in (He et al., 2015).", HE),
    _init(
        "glorot_uniform",
        "Uniform, variance 2 / (fan-in + fan-out): for sigmoid and tanh (Glorot & Bengio, 2010).",
        GLOROT,
    ),
    _init("glorot_normal", "Normal, variance 2 / (fan-in + fan-out) (Glorot & Bengio, 2010).", GLOROT),
    _init("lecun_normal", "Normal, variance 1 / fan-in: for selu (LeCun et al., 1998).", UNIT),
    _init(
        "orthogonal",
        "A random orthogonal matrix, group by group (Saxe et al., 2014).",
        Start(lambda fans, a: 1 / max(fans.into, fans.filters)),  # its rows or its columns have length 1
    ),
    _init(
        "normal",
        "Normal with mean 0 and the given deviation.",
        Start(lambda fans, a: float(a.std**2)),
        (Param("std", POSITIVE, doc="the standard deviation"),),
        "normal(0.01)",
    ),
    _init(
        "constant",
        "The same value everywhere.",
        Start(lambda fans, a: float(a.v**2)),
        (Param("v", Float(), doc="the value"),),
        "constant(0)",
    ),
    _init("dirac", "Passes the input channels on unchanged, as far as there are filters for them.", UNIT),
)
