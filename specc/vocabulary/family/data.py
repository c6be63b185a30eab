"""The families of data: sources, resizing, normalization, augmentation, and which images validate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from specc.tasks import CLASSIFICATION, Task
from specc.values import Args, Size
from specc.vocabulary.component import Component


@dataclass(eq=False, repr=False, kw_only=True)
class Source(Component):
    """Where the images come from, and what is known of them before a byte is read; None where only reading tells.

    target(a, where): gives a `specc.backend.data.raw.Raw`; `where` is a `specc.backend.data.places.Where`.
    shape: channels x height x width of its images. classes: their names. channels: of its images.
    shape_of(a, where): where given, the dotted path of what looks the shape up in the files, without NumPy, and without
        reading the images. It gives the shape, or a text that says why it cannot tell.
    labels_of(a, where): likewise, the dotted path of what looks up what is learned. It gives the task and what a
        network has to give, by name; None where it cannot tell.
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
    labels_of: str | None = None
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


class Progressive(Component):
    """Training images that grow: `specc.backend.engine.growth.Growth`."""

    family: ClassVar[str] = "progressive"
    is_open: ClassVar[bool] = False
