"""How kernels start."""

from collections.abc import Callable
from typing import NamedTuple

from specc.values import Args
from specc.vocabulary.component import Component
from specc.vocabulary.kinds import POSITIVE, Float, Int, Maybe, One
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem
from specc.vocabulary.weight import Fans


class Start(NamedTuple):
    """What an initializer does to the size of the signal.

    variance(fans, a): the mean square of a weight. made_for: the activations whose effect on the signal it makes up
    for: "rectifiers", "saturating" ones, or "".
    """

    variance: Callable[[Fans, Args], float]
    made_for: str = ""


HE = Start(lambda fans, a: 2 / fans.into, "rectifiers")
GLOROT = Start(lambda fans, a: 2 / (fans.into + fans.out), "saturating")
UNIT = Start(lambda fans, a: 1 / fans.into)


def _dirac_check(a: Args) -> None:
    if a.rest is not None and a.rest.name in ("dirac", "whiten"):
        message = f"`rest` draws the filters beyond the channels; `{a.rest.name}` is none for that"
        raise Problem("E216", message, param="rest", help="write rest=he_normal")


def _init(
    name: str,
    doc: str,
    facts: Start | None,
    params: tuple[Param, ...] = (),
    example: str = "",
    check: Callable[[Args], None] | None = None,
    layer: str = "conv(16",
) -> Component:
    return Component(
        name=name,
        family="init",
        doc=doc,
        params=params,
        target=f"specc.backend.initialize.{name}",
        example=f"{layer}, init={example or name})",
        facts=facts,
        check=check,
    )


COMPONENTS = (
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
    _init(
        "torch_uniform",
        "Uniform, variance 1 / (3 fan-in): as PyTorch's own layers start.",
        Start(lambda fans, a: 1 / (3 * fans.into)),
    ),
    _init(
        "dirac",
        "Passes the input channels on unchanged, as far as there are filters for them.",
        UNIT,
        (
            Param(
                "rest",
                Maybe(One("init", "an initializer, such as `he_normal`")),
                None,
                "how the filters beyond the channels start; `none`: at zero",
            ),
        ),
        "dirac(rest=he_normal)",
        _dirac_check,
    ),
    _init(
        "whiten",
        "For the first layer: eigenvectors of patches of the training images, scaled so that what comes out is "
        "uncorrelated and of unit size, in both signs (Jordan, 2024).",
        None,
        (
            Param("eps", POSITIVE, 5e-4, "added to the eigenvalues, so that what hardly varies is not blown up"),
            Param("samples", Int(1), 5000, "training images that are looked at, evenly spaced over the set"),
        ),
        "whiten(eps=5e-4)",
        layer="conv(24, 2x2",
    ),
)
