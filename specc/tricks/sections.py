"""The sections `data`, `train` and `export`: each setting with its type, its kind, its default and what it means."""

from typing import Literal

from specc.tasks import Task
from specc.tricks.loss import CROSS_ENTROPY
from specc.tricks.normalize import STANDARD
from specc.tricks.optimizer import ADAM, layers
from specc.tricks.resize import STRETCH, Resize, resize_of
from specc.tricks.schedule import CONSTANT
from specc.tricks.validation import AUTO
from specc.values import Bound, Percent, Size
from specc.vocabulary.family import Loss, Optimizer, Source, Wrapper
from specc.vocabulary.kinds import (
    POSITIVE,
    ArgumentOf,
    Calls,
    Chain,
    Either,
    Float,
    Int,
    ListOf,
    Maybe,
    One,
    OneOrMore,
    Selector,
    Shorthand,
    SizeOf,
    Symbols,
)
from specc.vocabulary.param import REQUIRED, Param
from specc.vocabulary.registry import component
from specc.vocabulary.settings import Settings, setting

Output = Literal["auto", "probabilities", "logits", "classes", "numbers"]
BestFigure = Literal[
    "auto", "accuracy", "balanced_accuracy", "f1", "top5", "map", "micro_f1", "exact_match", "mae", "rmse", "r2",
    "mean_iou", "dice", "pixel_accuracy", "loss", "last",
]  # fmt: skip


class DataSettings(Settings):
    """The section `data`."""

    source: Bound = setting(
        One("source", 'a data source, such as digits or folder("flowers")'), "where the images are", default=REQUIRED
    )
    channels: Literal["rgb", "gray"] = setting(
        Symbols("rgb", "gray"), "how image files are read: in color, or as gray levels (ITU-R 601 luma)", default="rgb"
    )
    range: tuple[int, int] | None = setting(
        Maybe(ListOf(Int(0, 65_535), 2)),
        "which values of 16-bit gray image files are black and white, such as (0, 4095); `none`: 0 and 65,535",
        default=None,
    )
    resize: Bound | None = setting(
        Maybe(
            Shorthand(
                "resize",
                "a size, such as 224x224, or cover(256x256) or contain(224x224)",
                SizeOf(),
                lambda size: STRETCH.call(size=size),
            )
        ),
        "the size that every image is brought to, and how; a bare size stretches",
        default=None,
    )
    view: Size | None = setting(
        Maybe(SizeOf()),
        "what the network sees of a resized image: its center; in training what `augment` leaves of it, if that is "
        "this size",
        default=None,
    )
    normalize: Bound = setting(
        One("normalize", "`unit`, `standard`, `fixed(mean=[…], std=[…])`, `imagenet` or `none`"),
        "how pixels are normalized; the exported graph does the same",
        default=STANDARD.call(),
    )
    augment: tuple[Bound, ...] = setting(
        Chain("augment", "augmentations joined by `->`, or `none`"),
        "random transforms of the training images, sampled anew for each image in each epoch",
        default=(),
    )
    sample: Literal["balanced"] | None = setting(
        Maybe(Symbols("balanced")),
        "how an epoch's training images are drawn: `balanced` draws classes equally often, so that images of rare "
        "classes come several times; `none`: each image comes once",
        default=None,
    )
    progressive: Bound | None = setting(
        Maybe(One("progressive", "progressive(from=128x128, until=60%)")),
        "train with small images first, which grow to the size that the network sees",
        default=None,
    )
    validation: Bound = setting(
        One("validation", "`auto`, `given`, `test`, `split(10%)` or `fold(1, of=5)`", instead_of_none="auto"),
        "the images that choose the best epoch: a part that the source provides, or a share of the training images",
        default=AUTO.call(),
    )
    targets: Literal["standard", "none"] = setting(
        Symbols("standard", "none"),
        "how numbers to predict are learned: standardized by the training images, or as they are",
        default="standard",
    )
    seed: int = setting(
        Int(0, 2**31 - 1), "seed of the split into training and validation images, and of a subset", default=0
    )

    @property
    def resizing(self) -> Resize | None:
        """How images are brought to one size; None where they are left as they are."""
        return resize_of(self.resize) if self.resize else None

    @property
    def image_channels(self) -> int | None:
        """How many channels the images have; None where only reading tells."""
        source = component(Source, self.source)
        return 1 if source.files and self.channels == "gray" else source.channels


class TrainSettings(Settings):
    """The section `train`."""

    epochs: float = setting(POSITIVE, "passes over the training images; a fraction stops within an epoch", default=20.0)
    batch: int = setting(Int(1), "batch size, in images", default=128)
    optimizer: Bound = setting(
        One("optimizer", "an optimizer, such as adam(lr=1e-3)"), "the optimizer", default=ADAM.call()
    )
    schedule: tuple[Bound, ...] = setting(
        Chain("schedule", "schedules joined by `->`, such as warmup(5) -> cosine"),
        "the learning rate schedule",
        default=(CONSTANT.call(),),
    )
    groups: list[Bound] | None = setting(
        Maybe(Calls("group", "groups, such as [group(norms.bias, lr=0.05), group(stem, scale=0.1)]")),
        "weights with training settings of their own; a weight belongs to the first group that selects it",
        default=None,
    )
    loss: Bound | tuple[Bound, ...] = setting(
        OneOrMore("loss", "a loss, such as cross_entropy(smoothing=0.1)"),
        "the loss to minimize, or the sum of a list; unless given, binary_cross_entropy for tags and mse for numbers",
        default=CROSS_ENTROPY.call(),
    )
    best: BestFigure = setting(
        Symbols(
            "auto",
            "accuracy",
            "balanced_accuracy",
            "f1",
            "top5",
            "map",
            "micro_f1",
            "exact_match",
            "mae",
            "rmse",
            "r2",
            "mean_iou",
            "dice",
            "pixel_accuracy",
            "loss",
            "last",
        ),
        "the validation figure of the epoch whose weights are kept, which early_stop, target and plateau follow; "
        "`auto`: the task's first, such as accuracy",
        default="auto",
    )
    regularize: Bound | None = setting(
        Maybe(One("regularizer", "a regularizer, such as l2(1e-4)")),
        "penalty on the kernels of conv and dense",
        default=None,
    )
    seed: int = setting(
        Int(0, 2**31 - 1), "seed of every random draw of the training; the split has `data.seed`", default=0
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = setting(
        Symbols("auto", "fp32", "bf16", "fp16"),
        "number format of convolutions and dense layers in training; `auto`: the fastest that the device supports",
        default="auto",
    )
    ema: float | None = setting(
        Maybe(Float(above=0, below=1)),
        "decay of a moving average of the weights, which is evaluated, saved and exported",
        default=None,
    )
    lookahead: Bound | None = setting(
        Maybe(One("lookahead", "lookahead(steps=5, alpha=0.5)")),
        "slow weights that follow the optimizer's weights, and are evaluated, saved and exported",
        default=None,
    )
    average: Bound | None = setting(
        Maybe(One("average", "swa(start=75%)")),
        "a mean of the weights at the ends of epochs, which is evaluated, saved and exported",
        default=None,
    )
    clip: float | None = setting(
        Maybe(POSITIVE), "largest norm of the whole gradient; larger ones are scaled down", default=None
    )
    accumulate: int = setting(Int(1), "number of batches whose gradients are accumulated for one step", default=1)
    shards: int = setting(
        Int(1, 65_536),
        "number of equal parts that a batch is cut into, each with a forward and backward pass of its own; so many "
        "processes can compute them, and their number does not change the result",
        default=1,
    )
    early_stop: int | None = setting(
        Maybe(Either(Int(1), ArgumentOf("early_stop", "early_stop(patience=10)", "patience"))),
        "stop after this many epochs in which the validation figure of `best` has not improved",
        default=None,
    )
    target: float | None = setting(
        Maybe(Float()), "stop when the validation figure of `best` reaches this value", default=None
    )
    start: Bound | None = setting(
        Maybe(One("start", 'pretrained("NAME") or weights("runs/Net-1")')),
        "trained weights to begin with; `none`: all are drawn",
        default=None,
    )
    freeze: tuple[str, ...] | Bound | None = setting(
        Maybe(Either(ListOf(Selector(), lone=True), One("freeze", "freeze(backbone, until=3)"))),
        "weights that do not learn, or not before an epoch: layers or blocks by name, kinds such as norms, `head` or "
        "`backbone`, or conv1.weight; a norm that is frozen as a whole keeps its running statistics",
        default=None,
    )
    plan: Bound | None = setting(
        Maybe(One("plan", "plan(threads=1)")),
        "how the training is executed, to override automatic choices",
        default=None,
    )
    evaluate: Bound | None = setting(
        Maybe(One("evaluate", "test-time augmentation, such as tta(flip, shift=1)")),
        "how the validation images are evaluated; `none`: as they are, as in the exported file",
        default=None,
    )

    @property
    def part(self) -> int:
        """The images of a shard, which pass through the network together, in batches as large as they are set."""
        return self.batch // self.shards

    @property
    def mover(self) -> Bound:
        """The optimizer itself, without what wraps it: it has `lr` and `weight_decay`."""
        return list(layers(self.optimizer))[-1]

    def wrapper(self, name: str) -> Bound | None:
        """What wraps the optimizer under this name."""
        return next((layer for layer in list(layers(self.optimizer))[:-1] if layer.name == name), None)

    @property
    def passes(self) -> int:
        """How often a step passes each of its images through the network, forward and back."""
        words = [component(Optimizer, layer) for layer in layers(self.optimizer)]
        return max(word.passes if isinstance(word, Wrapper) else 1 for word in words)

    @property
    def frozen_at_first(self) -> tuple[str, ...]:
        """The selectors of what does not learn in the first step."""
        return tuple(self.freeze.args.weights) if isinstance(self.freeze, Bound) else self.freeze or ()

    @property
    def frozen(self) -> tuple[str, ...]:
        """The selectors of what never learns."""
        return () if self.frozen_until is not None else self.frozen_at_first

    @property
    def frozen_until(self) -> float | None:
        """Epochs, or percent of the training, after which what is frozen at first learns; None: it never does."""
        until: float | None = self.freeze.args.until if isinstance(self.freeze, Bound) else None
        return until


class ExportSettings(Settings):
    """The section `export`."""

    opset: int = setting(Int(18, 22), "version of the ONNX operator set", default=20)
    output: Output = setting(
        Symbols("auto", "probabilities", "logits", "classes", "numbers"),
        "what the exported graph returns; `auto`: probabilities, or numbers in the data's own units",
        default="auto",
    )
    tolerance: float = setting(
        POSITIVE, "largest allowed difference from the trained model, relative to the output's scale", default=1e-4
    )
    precision: Literal["fp32", "fp16", "int8"] = setting(
        Symbols("fp32", "fp16", "int8"),
        "fp16 or int8: a second file next to the fp32 file",
        default="fp32",
    )
    max_loss: float = setting(
        Float(low=0, below=1),
        "largest allowed loss of the figure of `best` of an fp16 or int8 file; of an error, relative to it",
        default=Percent(0.01),
    )
    max_batch: int = setting(Int(1, 2**31 - 1), "most images that a server (Triton) may put into a batch", default=64)


def losses_of(train: TrainSettings, task: Task) -> tuple[Bound, ...]:
    """The losses of a training: those that are written, or the task's own."""
    if not isinstance(train.loss, Bound):
        return train.loss
    is_default = train.loss.span is None and train.loss.name != task.loss
    return (component(Loss, task.loss).call() if is_default else train.loss,)


SECTIONS: dict[str, tuple[Param, ...]] = {
    "data": DataSettings.params,
    "train": TrainSettings.params,
    "export": ExportSettings.params,
}
