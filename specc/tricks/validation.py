"""Which images measure how good a network is. It never learns from them."""

from specc.values import Percent
from specc.vocabulary.family import Validation
from specc.vocabulary.kinds import Either, Float, Int
from specc.vocabulary.param import Param

AUTO = Validation(
    "auto",
    "The validation part of the data source if it has one, else its test part, else split(10%).",
    parts=("validation", "test"),
    share=lambda a: Percent(0.1),
    example="auto",
)

COMPONENTS = (
    AUTO,
    Validation(
        "given",
        "The validation part of the data source, such as a folder `val`.",
        parts=("validation",),
        example="given",
    ),
    Validation("test", "The test part of the data source, as its publisher made it.", parts=("test",), example="test"),
    Validation(
        "split",
        "A part of the training images, drawn from `data.seed`; the others are trained on. Each class gives its share, "
        "and identical images stay on one side.",
        (Param("part", Either(Float(above=0, below=1), Int(1)), doc="share of the training images, or how many"),),
        share=lambda a: a.part,
        example="split(10%)",
    ),
)
