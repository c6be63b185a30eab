"""Groups of weights that learn in a way of their own. The first group that picks a weight has it."""

from specc.tricks.optimizer import refuse_wrapped
from specc.values import Args
from specc.vocabulary.family import Group
from specc.vocabulary.kinds import NOT_NEGATIVE, POSITIVE, Chain, ListOf, Maybe, One, Selector
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem


def _check(a: Args) -> None:
    rates = [name for name in ("lr", "scale") if getattr(a, name) is not None]
    if len(rates) == 2:
        message = "`group` sets the learning rate with both `lr` and `scale`"
        raise Problem(
            "E216", message, param="scale", help="remove one of them: scale=0.1 is a tenth of the usual learning rate"
        )
    if a.optimizer is not None:
        refuse_wrapped(a.optimizer, "optimizer")
    if rates and a.optimizer is not None:
        message = f"`group` has its own optimizer, but also sets the learning rate with `{rates[0]}`"
        raise Problem("E216", message, param=rates[0], help=f"set it in the optimizer: {a.optimizer.name}(lr=…)")


COMPONENTS = (
    Group(
        "group",
        "Weights with training settings of their own; settings that are not given are those of `train`. "
        "Select them by kind "
        "(kernels, biases, norms), by part (`head`, the layers that answer, or `backbone`, the rest), by the name of a "
        "layer or block (`unit` is every `unit1`, `unit2`, …), or by any of these followed by the name of a weight.",
        (
            Param(
                "*weights", ListOf(Selector()), doc="which weights, such as backbone, norms.bias, stem, conv1.weight"
            ),
            Param("lr", Maybe(POSITIVE), None, "their learning rate; `schedule` multiplies it"),
            Param("scale", Maybe(POSITIVE), None, "their learning rate, as a multiple of the usual one"),
            Param(
                "weight_decay", Maybe(NOT_NEGATIVE), None, "their weight decay, which applies to weights of every kind"
            ),
            Param("optimizer", Maybe(One("optimizer", "an optimizer, such as muon(lr=0.02)")), None, "their optimizer"),
            Param(
                "schedule",
                Maybe(Chain("schedule", "schedules joined by `->`, such as warmup(5) -> cosine")),
                None,
                "their learning rate schedule",
            ),
            Param("until", Maybe(POSITIVE), None, "epochs, or percent of the training, after which they are frozen"),
        ),
        example="group(norms.bias, lr=0.05, weight_decay=0)",
        check=_check,
    ),
)
