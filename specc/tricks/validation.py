"""Which images choose: the best epoch, early stopping, plateau. A network never learns from them."""

from specc.values import Args, Percent
from specc.vocabulary.family import Validation
from specc.vocabulary.kinds import Either, Float, Int
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem

MOST_FOLDS = 1000


def _check_fold(a: Args) -> None:
    if a.k > a.of:
        message = f"there is no fold {a.k} of {a.of}"
        raise Problem("E216", message, help=f"folds are numbered from 1: write fold({a.of}, of={a.of})")


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
    Validation(
        "test",
        "The test part of the data source, as its publisher made it. It then chooses the best epoch, so that the "
        "figures are optimistic.",
        parts=("test",),
        example="test",
    ),
    Validation(
        "split",
        "A part of the training images, drawn from `data.seed`; the others are trained on. Each class gives its share, "
        "and identical images stay on one side.",
        (Param("part", Either(Float(above=0, below=1), Int(1)), doc="share of the training images, or how many"),),
        share=lambda a: a.part,
        example="split(10%)",
    ),
    Validation(
        "fold",
        "One of several equal parts of the training images, drawn from `data.seed`; the others are trained on. Each "
        "class gives its share to every fold, and identical images stay in one. `specc study --folds 5` trains on all.",
        (
            Param("k", Int(1, MOST_FOLDS), doc="which fold, from 1"),
            Param("of", Int(2, MOST_FOLDS), doc="how many folds there are"),
        ),
        share=lambda a: 1 / a.of,
        fold=lambda a: (a.k, a.of),
        looks=False,
        example="fold(1, of=5)",
        check=_check_fold,
    ),
)
