"""How weights start."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from specc.values import Args
from specc.vocabulary.component import Component
from specc.vocabulary.shape import Shape
from specc.vocabulary.weight import Fans


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
        return self.lacks("samples") if self.from_images else ""
