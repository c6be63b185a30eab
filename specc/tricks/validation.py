"""Which images measure how good a network is. It never learns from them."""

from specc.vocabulary.component import Component
from specc.vocabulary.kinds import Either, Float, Int
from specc.vocabulary.param import Param

COMPONENTS = (
    Component("test", "validation", "The test part of the data source, as its publisher made it.", example="test"),
    Component(
        "split",
        "validation",
        "A part of the training images, drawn once from the seed; the others are trained on.",
        (Param("part", Either(Float(above=0, below=1), Int(1)), doc="share of the training images, or how many"),),
        example="split(10%)",
    ),
)
