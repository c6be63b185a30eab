"""Which images measure how good a network is. It never learns from them."""

from specc.vocabulary.family import Validation
from specc.vocabulary.kinds import Either, Float, Int
from specc.vocabulary.param import Param

TEST = Validation("test", "The test split of the data source, as published.", share=None, example="test")

SPLIT = Validation(
    "split",
    "Holds out some of the training images, drawn once from the seed; the others are used for training.",
    (Param("part", Either(Float(above=0, below=1), Int(1)), doc="fraction of the training images, or their number"),),
    share=lambda a: a.part,
    example="split(10%)",
)

COMPONENTS = (TEST, SPLIT)
