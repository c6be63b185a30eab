"""The families of the vocabulary of data and training: what a word of each says of itself.

`target` is the dotted path of what implements a word: data, not an import. The back end imports it when it is needed
(`specc.backend.resolve`). A word that needs no torch brings its function along instead.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, get_args

from specc.tasks import CLASSIFICATION, TASKS, Task
from specc.values import Args, Percent, Size
from specc.vocabulary.component import Component
from specc.vocabulary.shape import Shape
from specc.vocabulary.weight import Fans, Kind

# ---- data


@dataclass(eq=False, repr=False, kw_only=True)
class Source(Component):
    """Where the images come from, and what is known of them before a byte is read; None where only reading tells.

    target(a, where): gives a `specc.backend.data.raw.Raw`; `where` is a `specc.backend.data.places.Where`.
    shape: channels x height x width of its images. classes: their names. channels: of its images.
    shape_of(a, where): where given, the dotted path of what looks the shape up in the files, without NumPy, and without
        reading the images. It gives the shape, or a text that says why it cannot tell.
    images: how many its training part has.
    orientation_sensitive: its images are signs, which mirrored or turned around are others, or none.
    files: it gives image files, which are decoded as `data.channels` and `data.range` say; `channels` is the default.
    task(a): what its labels are; None where only reading tells. outputs(a): what a network has to give, by name, where
        the arguments say it.
    """

    family: ClassVar[str] = "source"

    target: str
    shape: tuple[int, int, int] | None = None
    shape_of: str | None = None
    classes: tuple[str, ...] | None = None
    channels: int | None = None
    images: int | None = None
    orientation_sensitive: bool = False
    files: bool = False
    task: Callable[[Args], Task | None] = lambda a: CLASSIFICATION
    outputs: Callable[[Args], tuple[str, ...] | None] = lambda a: None

    def broken_promise(self) -> str:
        return "has a `shape` and other `channels`" if self.shape and self.shape[0] != self.channels else ""


class Resizing(Component):
    """How images of any size are brought to one: `specc.tricks.resize.Resize`."""

    family: ClassVar[str] = "resize"
    is_open: ClassVar[bool] = False


@dataclass(eq=False, repr=False, kw_only=True)
class Normalization(Component):
    """How pixels become the numbers that a network sees.

    target(a, shape, mean, std): gives a `specc.backend.data.normalize.Normalize`. mean, std: of each channel of the
        training images, in units of the image from 0 to 1.
    moments(a, mean, deviation): the mean and the deviation of what it makes of images with these, averaged over the
        channels.
    constants(a): the means and the standard deviations, for pixels from 0 to 1, where the word itself gives them: one
        for each channel, or one for all.
    """

    family: ClassVar[str] = "normalize"

    target: str
    moments: Callable[[Args, float, float], tuple[float, float]]
    constants: Callable[[Args], tuple[Sequence[float], Sequence[float]]] | None = None


@dataclass(eq=False, repr=False, kw_only=True)
class Augmentation(Component):
    """A random change to training images.

    target: a function of `x`, float32 N x C x H x W from 0 to 1, the arguments `a`, and `draw`, which draws for each
        image (`specc.backend.augment.draw.Draw`).
        target(x, a, draw): gives the changed images.
        target(x, targets, a, draw), where it mixes: the changed images and their shares of the classes.
        target(a, count, draw), where it has a body: the branch of each image, int64 N, below `count`; or `count`, where
        it skips: that image stays as it is.

    masks: the dotted path of what does the same to masks, N x 1 x H x W of float32 or uint8, where it moves pixels: by
        the same draw, each pixel from the nearest one, and 0 where nothing comes in. "": masks stay as they are.
    size(a, size): the size of the images after it; raises `Problem` where they are too small for it.
    color: it needs RGB images. mixes: it mixes images with others of the batch, and their labels likewise.
    visible(a, size): in the worst case, which share of what comes out is still the image.
    turns(a): whether a letter or a digit may come out as another one, or as none.
    moves: it only moves or blackens pixels, and so does to bytes what it does to floats.
    skips: it leaves its body out for some images.
    """

    family: ClassVar[str] = "augment"

    target: str
    masks: str = ""
    size: Callable[[Any, Size], Size] = lambda a, size: size
    color: bool = False
    mixes: bool = False
    visible: Callable[[Any, Size], float] = lambda a, size: 1.0
    turns: Callable[[Any], bool] = lambda a: False
    moves: bool = False
    skips: bool = False

    def broken_promise(self) -> str:
        if self.mixes and (self.body or self.moves):
            return "mixes images, and so has no body and does more than move pixels"
        return "has no body to skip" if self.skips and not self.body else ""


@dataclass(eq=False, repr=False, kw_only=True)
class Validation(Component):
    """Which images measure how good a network is.

    parts: those parts of the data source that will do, "validation" or "test", the best first.
    share(a): what is split off the training images where the source has none of them, a share or how many; None: that
        is an error.
    fold(a): which fold of how many it is that is split off; None: it is drawn by itself.
    looks: the test part is measured once the training has ended, where other images validate.
    """

    family: ClassVar[str] = "validation"

    parts: tuple[str, ...] = ()
    share: Callable[[Args], float | int] | None = None
    fold: Callable[[Args], tuple[int, int]] | None = None
    looks: bool = True

    def broken_promise(self) -> str:
        if self.fold and not self.share:
            return "has a `fold` and no `share`"
        return "" if self.parts or self.share else "has neither `parts` nor `share`"


# ---- how weights start


class Site(NamedTuple):
    """Where a kernel stands: its layer's name, its op's name, its arguments, what flows in, whether as the first."""

    layer: str
    op: str
    args: Args
    x: Shape
    is_first: bool


@dataclass(eq=False, repr=False, kw_only=True)
class Initializer(Component):
    """How a kernel starts.

    target(weight, fans, a, generator): fills `weight`, float32 on the CPU.
        target(weight, module, a, images), where it is from_images: `images` are as many normalized training images,
        N x C x H x W, as its argument `samples` says; all are on the device of the layer.
    variance(fans, a): the mean square of a weight; None where it depends on the data.
    made_for: the activations whose effect on the signal it makes up for: "rectifiers", "saturating" ones, or "".
    fills: it draws each filter by itself, so that it can draw some filters of a kernel, too.
    fits(a, site): raises `Problem` where a kernel cannot start so.
    """

    family: ClassVar[str] = "init"

    target: str
    variance: Callable[[Fans, Args], float] | None
    made_for: str = ""
    from_images: bool = False
    fills: bool = True
    fits: Callable[[Args, Site], None] | None = None

    def broken_promise(self) -> str:
        if self.made_for not in ("", "rectifiers", "saturating"):
            return f"is made for `{self.made_for}`, which is neither `rectifiers` nor `saturating`"
        return _lacks(self, "samples") if self.from_images else ""


# ---- training


class Division(NamedTuple):
    """Which weights an optimizer moves itself, and to whom it leaves the rest.

    kinds: of the weights that it moves. others: the argument that holds the optimizer of the
    rest. last: the argument by which it also moves the last kernels, which give the classes; "": it always does.
    """

    kinds: tuple[Kind, ...]
    others: str
    last: str = ""


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
    """

    family: ClassVar[str] = "optimizer"

    target: str
    scaled_decay: bool = False
    fused: bool = False
    capturable: bool = False
    recordable: bool = False
    tunable: tuple[str, ...] = ()
    division: Division | None = None

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
        return _lacks(self, "lr", "weight_decay", *self.tunable, *others)


class Clock(NamedTuple):
    """Where a training is: `step` of `total` steps, and how many steps an epoch has."""

    step: float
    per_epoch: int
    total: int

    def steps(self, length: float) -> float:
        """A length in epochs or percent, in steps."""
        return length * (self.total if isinstance(length, Percent) else self.per_epoch)


class Piece(NamedTuple):
    """A piece of a schedule: the factor at each moment of it, and its length in steps."""

    factor: "Callable[[Moment], float]"
    length: float


class Moment(NamedTuple):
    """A moment within a piece of a schedule, in steps.

    first: the factor at which the piece begins. step: counted from its beginning. length: of the piece.
    start: of the piece, counted from the start of the training. costs: of each epoch that has ended the
    validation figure that chooses the best, turned so that lower is better. before: the piece before it; None for the
    first one.
    """

    first: float
    step: float
    length: float
    start: float
    clock: Clock
    costs: Sequence[float]
    before: Piece | None = None

    @property
    def part(self) -> float:
        """The share of the piece that is over."""
        return self.step / self.length if self.length else 1.0


@dataclass(eq=False, repr=False, kw_only=True)
class Schedule(Component):
    """A piece of a schedule.

    factor(a, moment): what multiplies the learning rate.
    length: the argument that holds its length, in epochs or percent of the training; "": it takes what the others
        leave, as it does where the argument is None.
    repeats: it repeats the piece before it, which must have a length of its own.
    """

    family: ClassVar[str] = "schedule"

    factor: Callable[[Args, Moment], float]
    length: str = ""
    repeats: bool = False

    def broken_promise(self) -> str:
        return _lacks(self, self.length) if self.length else ""


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
        return _lacks(self, "values") if self.number is None else _lacks(self, "low", "high")


# ---- families of one word each, whose arguments are settings


class Group(Component):
    """Weights that learn in a way of their own: `specc.backend.engine.optimizers.param_rules`."""

    family: ClassVar[str] = "group"
    is_open: ClassVar[bool] = False


class Lookahead(Component):
    """Slow weights: `specc.backend.engine.average.Lookahead`."""

    family: ClassVar[str] = "lookahead"
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


FAMILIES: tuple[type[Component], ...] = (
    Source,
    Resizing,
    Normalization,
    Augmentation,
    Validation,
    Initializer,
    Optimizer,
    Group,
    Lookahead,
    Schedule,
    Loss,
    Regularizer,
    EarlyStop,
    Evaluation,
    PlanOptions,
    Search,
)


def _lacks(word: Component, *names: str) -> str:
    """A complaint about the first of these arguments that the word does not have."""
    own = [param.name.lstrip("*") for param in word.params]
    missing = next((name for name in names if name not in own), "")
    return f"has no parameter `{missing}`" if missing else ""
