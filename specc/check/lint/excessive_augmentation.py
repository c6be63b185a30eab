"""W523: an augmentation that leaves hardly anything of the image."""

from collections.abc import Iterator

from specc.check.lint.label_changing_augmentation import calls
from specc.check.lint.lint import Found, Lint, Linted
from specc.tricks.augment import augmented_size, component_of
from specc.values import Bound, Size

LEAST = 0.25


def find(linted: Linted) -> Iterator[Found]:
    assert linted.data is not None
    if len(linted.graph.input) != 3:
        return
    data = linted.data
    size = data.resizing.size if data.resizing and data.view else Size(*linted.graph.input[1:])
    for stage in data.augment:
        for call in calls([stage]):
            share = component_of(call).visible(call.args, size)
            if share <= LEAST:
                yield _found(linted, call, size, share)
        size = augmented_size([stage], size)


def _found(linted: Linted, call: Bound, size: Size, share: float) -> Found:
    left = f"only {share:.0%} of what the network sees is still the image" if share else "nothing of the image is left"
    return Found(
        f"`{call.name}` on {size} images: at worst, {left}",
        linted.place("data", "augment", call),
        help="reduce it: an eighth of the image size is common for shift and crop, half for cutout",
    )


LINT = Lint(
    code="W523",
    name="excessive-augmentation",
    doc="""\
An augmentation after which, at worst, a quarter or less of what the network sees is still the image: a shift, or the
padding of a crop, by half the image size; a cutout or an erased rectangle as large as the image; noise of more than
0.4, given that images have a standard deviation of about 0.25.
""",
    why="""\
The network has to classify what it cannot see. To hide a part of an image helps only up to a point: with a growing
cutout, accuracy on CIFAR rises to an optimum (at 16 of 32 pixels for 10 classes, at 8 for 100), then falls, in the end
below that of training without it. Noise and sizes are often given in units other than those of the language: pixel
values from 0 to 1, and lengths in pixels.
""",
    source="""\
DeVries and Taylor, 2017, Improved regularization of convolutional neural networks with cutout, figure 3 and its text,
https://arxiv.org/abs/1708.04552; a quarter, and what it means for the other augmentations, is a choice of specc
""",
    bad="""\
data {
  source  = digits
  augment = shift(4)
}

network Net {
  conv(32) -> relu
  flatten -> dense(10)
}
""",
    good="""\
data {
  source  = digits
  augment = shift(1)
}

network Net {
  conv(32) -> relu
  flatten -> dense(10)
}
""",
    find=find,
    needs_data=True,
)
