"""What a search may try for a setting."""

from math import exp, log

from specc.values import Args
from specc.vocabulary.family import Search
from specc.vocabulary.kinds import AnyValue, Float, Int
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem


def _ordered(a: Args) -> None:
    if a.low >= a.high:
        found = f"the range from {a.low:g} to {a.high:g} is empty"
        raise Problem("E216", found, param="high", help="give the smaller value first")


def _ordered_positive(a: Args) -> None:
    if a.low <= 0:
        raise Problem("E207", f"a logarithmic range must start above 0, found {a.low:g}", param="low")
    _ordered(a)


_RANGE = (Param("low", Float(), doc="the smallest value"), Param("high", Float(), doc="the largest value"))
_WHOLE = (Param("low", Int(), doc="the smallest value"), Param("high", Int(), doc="the largest value"))

COMPONENTS = (
    Search(
        "choice",
        "One of the listed values.",
        (Param("*values", AnyValue(), doc="the values"),),
        number=None,
        example="choice(32, 64, 128)",
    ),
    Search(
        "uniform",
        "A number from the range, all equally likely.",
        _RANGE,
        number=lambda a, share: a.low + (a.high - a.low) * share,
        example="uniform(0.1, 0.5)",
        check=_ordered,
    ),
    Search(
        "log_uniform",
        "A number from the range, uniform on a logarithmic scale.",
        _RANGE,
        number=lambda a, share: exp(log(a.low) + (log(a.high) - log(a.low)) * share),
        example="log_uniform(1e-4, 1e-1)",
        check=_ordered_positive,
    ),
    Search(
        "integers",
        "A whole number from the range, both ends included, all equally likely.",
        _WHOLE,
        number=lambda a, share: min(a.high, a.low + int((a.high - a.low + 1) * share)),
        example="integers(2, 8)",
        check=_ordered,
    ),
)
