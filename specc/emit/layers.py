"""How layers are written: those that a person would write as a function or an operator, and those that are modules.

A layer that is in none of these tables is written as the module that its `Target` names.
"""

import ast
from collections.abc import Callable, Iterable, Sequence
from functools import cache, reduce
from pathlib import Path
from typing import Any, NamedTuple

from specc.vocabulary.target import Target

TORCH, OURS = "torch.nn.", "specc.backend.layers."

# Modules whose arguments have the same names in the function.
FUNCTIONS = {
    "ReLU": "F.relu",
    "ReLU6": "F.relu6",
    "LeakyReLU": "F.leaky_relu",
    "ELU": "F.elu",
    "SELU": "F.selu",
    "GELU": "F.gelu",
    "SiLU": "F.silu",
    "Mish": "F.mish",
    "Hardswish": "F.hardswish",
    "Hardsigmoid": "F.hardsigmoid",
    "Sigmoid": "torch.sigmoid",
    "Tanh": "torch.tanh",
    "Softmax": "F.softmax",
    "Softplus": "F.softplus",
    "MaxPool2d": "F.max_pool2d",
    "AvgPool2d": "F.avg_pool2d",
    "AdaptiveAvgPool2d": "F.adaptive_avg_pool2d",
    "AdaptiveMaxPool2d": "F.adaptive_max_pool2d",
    "LocalResponseNorm": "F.local_response_norm",
    "PixelShuffle": "F.pixel_shuffle",
    "PixelUnshuffle": "F.pixel_unshuffle",
    "ChannelShuffle": "F.channel_shuffle",
    "Upsample": "F.interpolate",
}
PADS = {"ZeroPad2d": "", "ReflectionPad2d": ', mode="reflect"', "ReplicationPad2d": ', mode="replicate"'}

# The default of an argument that a `Target` leaves out, as in torch.
DEFAULTS: dict[str, Any] = {
    "stride": (1, 1),
    "padding": (0, 0),
    "output_padding": (0, 0),
    "dilation": (1, 1),
    "groups": 1,
    "bias": True,
    "ceil_mode": False,
    "count_include_pad": True,
    "affine": True,
    "elementwise_affine": True,
    "alpha": 1.0,
    "eps": 1e-5,
    "momentum": 0.1,
}

# Arguments that need no name where they come first, in this order.
POSITIONAL = {
    "in_channels", "out_channels", "in_features", "out_features", "num_features", "num_groups", "num_channels",
    "num_parameters", "normalized_shape", "channels", "p", "std",
}  # fmt: skip
POSITIONAL_IN_FUNCTIONS = {
    "negative_slope", "kernel_size", "output_size", "upscale_factor", "downscale_factor", "groups", "size",
}  # fmt: skip

Written = dict[str, str]  # arguments as text


def is_of_package(target: Target) -> bool:
    """Whether a layer is a package's: the source imports its module, and writes down nothing of it."""
    return not target.path.startswith((TORCH, OURS))


def short_name(target: Target) -> str:
    """The name of a layer's module, torch's or our own; the whole path of a package's, which no table here has."""
    return target.path if is_of_package(target) else target.path.rpartition(".")[2]


def module_of(target: Target) -> tuple[str, dict[str, Any]]:
    """The module of a layer as source names it, `nn.Conv2d`, one of our own, or `package.Module`, and its arguments.

    What is torch's own default is left out.
    """
    name = short_name(target)
    if name == "FlatLinear":
        return "nn.Linear", target.kwargs
    if not target.path.startswith(TORCH):
        return name, target.kwargs
    defaults = {"eps": DEFAULTS["eps"], "momentum": DEFAULTS["momentum"]}
    return f"nn.{name}", {key: value for key, value in target.kwargs.items() if defaults.get(key) != value}


def default_of(key: str, kwargs: dict[str, Any]) -> Any:
    """The value of an argument that a `Target` leaves out, given the others."""
    pools = "kernel_size" in kwargs and "out_channels" not in kwargs
    return kwargs["kernel_size"] if key == "stride" and pools else DEFAULTS[key]


def in_order(keys: Iterable[str]) -> list[str]:
    """Each once: the required ones as they come, then those that may be left out, as torch has them."""
    known = list(DEFAULTS)[: list(DEFAULTS).index("eps")]
    return sorted(dict.fromkeys(keys), key=lambda key: known.index(key) if key in known else -1)


def arguments_text(written: Written, positional: set[str]) -> list[str]:
    """`64`, `128`, `kernel_size=3`: arguments as they stand in a call."""
    texts: list[str] = []
    by_name = False
    for key, text in written.items():
        by_name = by_name or key not in positional
        texts.append(f"{key}={text}" if by_name else text)
    return texts


def is_function(target: Target) -> bool:
    """Whether a layer is written as a function or an operator, and so is no attribute."""
    name = short_name(target)
    return name in FUNCTIONS or name in PADS or name in OPERATORS or name == "Flatten"


def function_text(target: Target, x: Sequence[str], written: Written) -> str:
    """A layer as a function of its inputs, each of which is a name or a call."""
    name = short_name(target)
    if name in PADS:
        return f"F.pad({x[0]}, {written['padding']}{PADS[name]})"
    if name in OPERATORS:
        return OPERATORS[name](x, written)
    if name == "Flatten":
        return f"{x[0]}.flatten(1)"
    return f"{FUNCTIONS[name]}({', '.join([x[0], *arguments_text(written, POSITIONAL_IN_FUNCTIONS)])})"


OPERATORS: dict[str, Callable[[Sequence[str], Written], str]] = {
    "Add": lambda x, w: " + ".join(x),
    "Multiply": lambda x, w: " * ".join(x),
    "Concat": lambda x, w: f"torch.cat([{', '.join(x)}], dim=1)",
    "Scale": lambda x, w: f"{x[0]} * {w['value']}",
    "Maximum": lambda x, w: reduce(lambda a, b: f"torch.maximum({a}, {b})", x),
    "ChannelMean": lambda x, w: f"{x[0]}.mean(1, keepdim=True)",
    "ChannelMax": lambda x, w: f"{x[0]}.amax(1, keepdim=True)",
    "Channels": lambda x, w: f"{x[0]}[:, {w['start']}:{w['stop']}]",
    "ResizeLike": lambda x, w: f"F.interpolate({x[0]}, size={x[1]}.shape[2:], mode={w['mode']})",
}


def is_infix(target: Target) -> bool:
    """Whether a layer is written with an operator, and so stands in brackets where it is an operand itself."""
    return short_name(target) in ("Add", "Multiply", "Scale")


def takes_operands(target: Target) -> bool:
    """Whether what flows into a layer is written as an operand: `x * 2`, `x[:, :8]`, `x.flatten(1)`."""
    return is_infix(target) or short_name(target) in (
        "Channels", "ChannelMean", "ChannelMax", "ResizeLike", "Flatten", "FlatLinear",
    )  # fmt: skip


def has_known_defaults(target: Target) -> bool:
    """Whether an argument that it leaves out is in the table of defaults."""
    return not is_of_package(target)


class _Module(NamedTuple):
    """A class of ours: the text of its file, and where in it the class is."""

    text: str
    tree: ast.ClassDef


def helpers(names: set[str]) -> list[str]:
    """The source of our own modules of these names, what they inherit from first."""
    classes = _our_modules()
    found: dict[str, None] = {}
    for name in sorted(names):
        _with_bases(name, classes, found)
    return [ast.get_source_segment(classes[name].text, classes[name].tree) or "" for name in found]


def _with_bases(name: str, classes: dict[str, _Module], found: dict[str, None]) -> None:
    for base in classes[name].tree.bases:
        if isinstance(base, ast.Name) and base.id in classes:
            _with_bases(base.id, classes, found)
    found[name] = None


@cache
def _our_modules() -> dict[str, _Module]:
    """The classes of the back end's layers, which are read and not imported: that would import torch."""
    classes: dict[str, _Module] = {}
    for path in sorted((Path(__file__).parent.parent / "backend" / "layers").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        classes |= {part.name: _Module(text, part) for part in ast.parse(text).body if isinstance(part, ast.ClassDef)}
    return classes
