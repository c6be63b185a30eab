"""Groups of weights that learn in a way of their own. The first group that picks a weight has it."""

from specc.values import Args
from specc.vocabulary.family import Group
from specc.vocabulary.kinds import NOT_NEGATIVE, POSITIVE, Chain, ListOf, Maybe, One, Selector
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem


def _check(a: Args) -> None:
    rates = [name for name in ("lr", "scale") if getattr(a, name) is not None]
    if len(rates) == 2:
        message = "`group` gets a rate by `lr` and by `scale`"
        raise Problem("E216", message, param="scale", help="give one of them: scale=0.1 is a tenth of the rate")
    if rates and a.optimizer is not None:
        message = f"`group` has an optimizer of its own, and a rate by `{rates[0]}` besides"
        raise Problem("E216", message, param=rates[0], help=f"write it in the call: {a.optimizer.name}(lr=…)")


COMPONENTS = (
    Group(
        "group",
        "Weights that learn in a way of their own: what is not said here is as in `train`. They are picked by a kind "
        "(kernels, biases, norms), by the name of a layer or block (`unit` is every `unit1`, `unit2`, …), or by "
        "either of these with a weight's own name behind it.",
        (
            Param("*weights", ListOf(Selector()), doc="what picks them, such as norms.bias, stem, conv1.weight"),
            Param("lr", Maybe(POSITIVE), None, "their learning rate; `schedule` multiplies it"),
            Param("scale", Maybe(POSITIVE), None, "their learning rate, as a multiple of the usual one"),
            Param("weight_decay", Maybe(NOT_NEGATIVE), None, "their decay, whatever kind of weights they are"),
            Param("optimizer", Maybe(One("optimizer", "an optimizer, such as muon(lr=0.02)")), None, "what moves them"),
            Param(
                "schedule",
                Maybe(Chain("schedule", "schedules joined by `->`, such as warmup(5) -> cosine")),
                None,
                "how their learning rate changes",
            ),
            Param("until", Maybe(POSITIVE), None, "epochs, or percent of the training, after which they stand still"),
        ),
        example="group(norms.bias, lr=0.05, weight_decay=0)",
        check=_check,
    ),
)
