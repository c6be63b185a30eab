"""Which images measure how good a network is. It never learns from them."""

from specc.vocabulary.family import Validation
from specc.vocabulary.kinds import Either, Float, Int
from specc.vocabulary.param import Param

TEST = Validation("test", "The test part of the data source, as its publisher made it.", share=None, example="test")

SPLIT = Validation(
    "split",
    "A part of the training images, drawn once from the seed; the others are trained on.",
    (Param("part", Either(Float(above=0, below=1), Int(1)), doc="share of the training images, or how many"),),
    share=lambda a: a.part,
    example="split(10%)",
)

COMPONENTS = (TEST, SPLIT)
