"""Optimizers, and which weights they move."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, get_args

from specc.values import Args
from specc.vocabulary.component import Component
from specc.vocabulary.weight import Kind


class Division(NamedTuple):
    """Which weights an optimizer moves itself, and to whom it leaves the rest.

    kinds: of the weights that it moves. others: the argument that holds the optimizer of the
    rest. last: the argument by which it also moves the last kernels, which give the classes; "": it always does.
    """

    kinds: tuple[Kind, ...]
    others: str
    last: str = ""


class ScheduleFree(NamedTuple):
    """The schedule-free form of an optimizer.

    target: the dotted path of its class. between: the argument that says where between the two sequences gradients are
    found, which must be above 0; of a pair, the first. without: arguments that it does not have.
    """

    target: str
    between: str
    without: tuple[str, ...]


@dataclass(eq=False, repr=False, kw_only=True)
class Optimizer(Component):
    """How a gradient moves the weights. It has the arguments `lr` and `weight_decay`.

    target: a `torch.optim.Optimizer`, called with groups of weights and the arguments by name, but for `weight_decay`,
        which stands in each group, and for those of its division.
    scaled_decay: `weight_decay` is divided by the size of the gradient, as the gradient is, so that weights with large
        gradients hardly decay (Loshchilov and Hutter, 2017).
    fused, capturable: it takes these arguments of torch's own. recordable: on CUDA, it does what the numbers on the
        device say, and no number of Python's, so that its step can be played back as a CUDA graph; `lr` is a tensor.
    tunable: arguments that may change when a run is resumed: what it remembers of a weight is the same.
    division: None where it moves all weights itself.
    schedule_free: None where it has no such form.
    """

    family: ClassVar[str] = "optimizer"

    target: str
    scaled_decay: bool = False
    fused: bool = False
    capturable: bool = False
    recordable: bool = False
    tunable: tuple[str, ...] = ()
    division: Division | None = None
    schedule_free: ScheduleFree | None = None

    def moves(self, a: Args, kind: str, is_last: bool) -> bool:
        """Whether it moves a weight of this kind itself. is_last: the weight is a kernel that gives the classes."""
        if self.division is None:
            return True
        return kind in self.division.kinds and (not is_last or not self.division.last or getattr(a, self.division.last))

    def options(self, a: Args) -> tuple[tuple[str, Any], ...]:
        """The arguments of its class that are the same for all groups of weights."""
        apart = ("lr", "weight_decay", *((self.division.others, self.division.last) if self.division else ()))
        return tuple((name, value) for name, value in a.as_dict().items() if name not in apart)

    def broken_promise(self) -> str:
        division = self.division
        if division and not set(division.kinds) <= set(get_args(Kind)):
            return f"moves `{', '.join(division.kinds)}`, which are not all kinds of weights"
        others = filter(None, (division.others, division.last)) if division else ()
        free = self.schedule_free
        return self.lacks(
            "lr", "weight_decay", *self.tunable, *others, *((free.between, *free.without) if free else ())
        )


@dataclass(eq=False, repr=False, kw_only=True)
class Wrapper(Optimizer):
    """A way to train that any optimizer takes part in, or some. `lr` and `weight_decay` are those of what it wraps.

    wraps: the argument that holds the optimizer, which may be wrapped itself. passes: forward and backward passes of a
    step over each of its images.
    """

    is_open: ClassVar[bool] = False

    wraps: str
    passes: int = 1

    def broken_promise(self) -> str:
        return self.lacks(self.wraps)
