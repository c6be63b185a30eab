"""How kernels start."""

from collections.abc import Callable
from typing import Any

from specc.values import Args
from specc.vocabulary.family import Initializer, Site
from specc.vocabulary.kinds import NOT_NEGATIVE, POSITIVE, Float, Int, Maybe, One, Symbols
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem
from specc.vocabulary.registry import component
from specc.vocabulary.weight import Fans


def _dirac_check(a: Args) -> None:
    if a.rest is not None and not component(Initializer, a.rest).fills:
        message = f"`rest` initializes the filters beyond the channels; `{a.rest.name}` cannot be used for that"
        raise Problem("E216", message, param="rest", help="write rest=he_normal")


def _whiten_fits(a: Args, site: Site) -> None:
    """Two filters for each number of a patch of the images."""
    if not site.is_first or site.op != "conv":
        message = f"`whiten` needs patches of images, but `{site.layer}` is not a conv directly on the input"
        raise Problem("E319", message, help="use it in the first conv, or write init=dirac")
    if site.args.groups != 1:
        message = "`whiten` needs patches of all channels, but this conv has groups"
        raise Problem("E319", message, help="remove `groups`")
    channels, (height, width) = site.x[0], site.args.kernel
    filters = 2 * channels * height * width
    if site.args.filters != filters:
        patch = f"{height}x{width} patches of {channels} channel" + "s" * (channels != 1)
        message = f"`whiten` computes {filters} filters from {patch}, but this conv has {site.args.filters}"
        raise Problem("E319", message, help=f"conv({filters}, {site.args.kernel}, init=whiten)")


def _init(
    name: str,
    doc: str,
    variance: Callable[[Fans, Args], float] | None,
    params: tuple[Param, ...] = (),
    *,
    written: str = "",
    layer: str = "conv(16",
    **more: Any,
) -> Initializer:
    return Initializer(
        name,
        doc,
        params,
        target=f"specc.backend.initialize.{name}",
        variance=variance,
        example=f"{layer}, init={written or name})",
        **more,
    )


def _he(fans: Fans, a: Args) -> float:
    return 2 / ((1 + float(a.slope) * float(a.slope)) * fans.of(a.fan))


def _glorot(fans: Fans, a: Args) -> float:
    return 1 / fans.of(a.fan)


def _unit(fans: Fans, a: Args) -> float:
    return 1 / fans.into


# The variance of a normal distribution of deviation 1 that is cut at -2 and 2: 1 - 4 phi(2) / (2 Phi(2) - 1).
CUT_VARIANCE = 0.7737413035499232

HE = (
    Param("fan", Symbols("in", "out"), "in", "`in` preserves the scale of activations, `out` that of gradients"),
    Param("slope", NOT_NEGATIVE, 0.0, "slope of the leaky relu that follows; the variance is divided by 1 + slope^2"),
)
GLOROT = (
    Param(
        "fan",
        Symbols("average", "in", "out"),
        "average",
        "`in` preserves the scale of activations, `out` that of gradients, `average` is their compromise",
    ),
)

COMPONENTS = (
    _init(
        "he_normal",
        "Normal, variance 2 / fan: preserves the scale of activations through relu layers (He et al., 2015).",
        _he,
        HE,
        made_for="rectifiers",
    ),
    _init("he_uniform", "Uniform, variance 2 / fan (He et al., 2015).", _he, HE, made_for="rectifiers"),
    _init(
        "glorot_uniform",
        "Uniform, variance 1 / fan: for sigmoid and tanh (Glorot & Bengio, 2010).",
        _glorot,
        GLOROT,
        made_for="saturating",
    ),
    _init(
        "glorot_normal",
        "Normal, variance 1 / fan (Glorot & Bengio, 2010).",
        _glorot,
        GLOROT,
        made_for="saturating",
    ),
    _init("lecun_normal", "Normal, variance 1 / fan-in: for selu (LeCun et al., 1998).", _unit),
    _init(
        "orthogonal",
        "A random orthogonal matrix, group by group (Saxe et al., 2014).",
        lambda fans, a: 1 / max(fans.into, fans.filters),  # its rows or its columns have length 1
    ),
    _init(
        "normal",
        "Normal with mean 0 and the given standard deviation.",
        lambda fans, a: float(a.std**2),
        (Param("std", POSITIVE, doc="the standard deviation"),),
        written="normal(0.01)",
    ),
    _init(
        "truncated_normal",
        "Normal with mean 0, cut at two standard deviations on either side, as Keras and JAX draw it.",
        lambda fans, a: float(a.std**2) * CUT_VARIANCE,
        (Param("std", POSITIVE, doc="the standard deviation before the cut, which leaves 0.88 of it"),),
        written="truncated_normal(0.02)",
    ),
    _init(
        "constant",
        "The same value everywhere.",
        lambda fans, a: float(a.v**2),
        (Param("v", Float(), doc="the value"),),
        written="constant(0)",
    ),
    _init(
        "torch_uniform",
        "Uniform, variance 1 / (3 fan-in): PyTorch's own default.",
        lambda fans, a: 1 / (3 * fans.into),
    ),
    _init(
        "dirac",
        "Identity: passes as many input channels through unchanged as there are filters.",
        _unit,
        (
            Param(
                "rest",
                Maybe(One("init", "an initializer, such as `he_normal`")),
                None,
                "how to initialize the filters beyond the channels; `none`: with zeros",
            ),
        ),
        fills=False,
        written="dirac(rest=he_normal)",
        check=_dirac_check,
    ),
    _init(
        "whiten",
        "For the first layer: eigenvectors of patches of the training images, scaled so that outputs are "
        "uncorrelated and have unit variance, in both signs (Jordan, 2024).",
        None,
        (
            Param(
                "eps",
                POSITIVE,
                5e-4,
                "added to the eigenvalues, so that directions of little variance are not amplified",
            ),
            Param("samples", Int(1), 5000, "number of training images to use, evenly spaced over the set"),
        ),
        fills=False,
        from_images=True,
        fits=_whiten_fits,
        written="whiten(eps=5e-4)",
        layer="conv(24, 2x2",
    ),
)
