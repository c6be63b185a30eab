"""What training makes small, the settings of it that are families of one word each, and what a search tries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from specc.tasks import TASKS, Task
from specc.values import Args
from specc.vocabulary.component import Component


@dataclass(eq=False, repr=False, kw_only=True)
class Loss(Component):
    """What training makes small.

    target(a, outputs): gives a function of what a network gives and of the labels, both N x outputs, to the terms of
        the loss, N x outputs, whose sum over the outputs is the loss of an image. Labels are shares of the classes;
        tags, 0 or 1 each; or standardized numbers.
    tasks: what it is for, by the tasks' names. others: of these tasks and of more, the dotted paths of what implements
        it there in place of `target`. For masks that is a function of (a, outputs, weights, ignore), which gives one of
        logits N x C x H x W and masks N x H x W to `specc.backend.evaluation.losses.Parts`.
    per_class: it asks of each class by itself, so that probabilities are sigmoids of the logits; else their softmax.
    An argument `weights`, one number for each class, weighs the terms; an argument `reduction` may be "sum"; an
    argument `weight` is what it counts in a list of losses.
    """

    family: ClassVar[str] = "loss"

    target: str
    tasks: tuple[str, ...] = ("classification",)
    others: Mapping[str, str] = field(default_factory=dict)
    per_class: bool = False

    def implements(self, task: Task) -> str:
        """The dotted path of what implements it for a task; "" where it is not for that."""
        return self.others.get(task.name) or (self.target if task.name in self.tasks else "")

    def broken_promise(self) -> str:
        unknown = [name for name in (*self.tasks, *self.others) if name not in TASKS]
        return f"is for `{unknown[0]}`, which is no task" if unknown else ""


@dataclass(eq=False, repr=False, kw_only=True)
class Regularizer(Component):
    """A penalty on kernels. strengths(a): the factors of the sum of |w| and of the sum of w^2."""

    family: ClassVar[str] = "regularizer"

    strengths: Callable[[Args], tuple[float, float]]


@dataclass(eq=False, repr=False, kw_only=True)
class Search(Component):
    """What a search may try for a setting.

    number(a, share): the number between the arguments `low` and `high` that lies at this share of the way, from 0 to 1;
        None: it tries its argument `values`.
    """

    family: ClassVar[str] = "search"

    number: Callable[[Args, float], float] | None

    def broken_promise(self) -> str:
        return self.lacks("values") if self.number is None else self.lacks("low", "high")


class Group(Component):
    """Weights that learn in a way of their own: `specc.backend.engine.optimizers.param_rules`."""

    family: ClassVar[str] = "group"
    is_open: ClassVar[bool] = False


class Freeze(Component):
    """Weights that do not learn, or not yet: `specc.backend.engine.windows`."""

    family: ClassVar[str] = "freeze"
    is_open: ClassVar[bool] = False


class Lookahead(Component):
    """Slow weights: `specc.backend.engine.average.Lookahead`."""

    family: ClassVar[str] = "lookahead"
    is_open: ClassVar[bool] = False


class Averaging(Component):
    """A mean of the weights: `specc.backend.engine.average.EpochMean`."""

    family: ClassVar[str] = "average"
    is_open: ClassVar[bool] = False


class EarlyStop(Component):
    """When a training ends early: `specc.backend.engine.trainer.Trainer.finished`."""

    family: ClassVar[str] = "early_stop"
    is_open: ClassVar[bool] = False


class Evaluation(Component):
    """How validation images are looked at: `specc.backend.evaluation.views.views`."""

    family: ClassVar[str] = "evaluate"
    is_open: ClassVar[bool] = False


class PlanOptions(Component):
    """How a training is carried out: `specc.backend.execution.plan.make_plan`."""

    family: ClassVar[str] = "plan"
    is_open: ClassVar[bool] = False


class Start(Component):
    """Where the first weights come from: `specc.backend.start.resolve_start`."""

    family: ClassVar[str] = "start"
    is_open: ClassVar[bool] = False
