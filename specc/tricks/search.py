"""What a search may try for a setting."""

from specc.values import Args
from specc.vocabulary.component import Component
from specc.vocabulary.kinds import AnyValue, Float
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem


def _ordered(a: Args) -> None:
    if a.low >= a.high:
        found = f"the range from {a.low:g} to {a.high:g} is empty"
        raise Problem("E216", found, param="high", help="write low, then high")


def _ordered_positive(a: Args) -> None:
    if a.low <= 0:
        raise Problem("E207", f"a logarithmic range begins above 0, not at {a.low:g}", param="low")
    _ordered(a)


_RANGE = (Param("low", Float(), doc="the smallest value"), Param("high", Float(), doc="the largest value"))

COMPONENTS = (
    Component(
        "choice",
        "search",
        "One of the listed values.",
        (Param("*values", AnyValue(), doc="the values"),),
        example="choice(32, 64, 128)",
    ),
    Component(
        "uniform",
        "search",
        "A number of the range, all equally likely.",
        _RANGE,
        example="uniform(0.1, 0.5)",
        check=_ordered,
    ),
    Component(
        "log_uniform",
        "search",
        "A number of the range, its logarithm equally likely.",
        _RANGE,
        example="log_uniform(1e-4, 1e-1)",
        check=_ordered_positive,
    ),
)
