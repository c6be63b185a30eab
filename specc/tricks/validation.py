"""Which images measure how good a network is. It never learns from them."""

from specc.kinds import Either, Float, Int
from specc.ops.op import Param, Trick

TRICKS = (
    Trick("test", "validation", "The test part of the data source, as its publisher made it.", example="test"),
    Trick(
        "split",
        "validation",
        "A part of the training images, drawn once from the seed; the others are trained on.",
        (Param("part", Either(Float(above=0, below=1), Int(1)), doc="share of the training images, or how many"),),
        example="split(10%)",
    ),
)
