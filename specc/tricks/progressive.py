"""Training images that grow: small ones first, which take less time, and at last as large as the network sees them."""

from specc.values import Args, Percent, Size
from specc.vocabulary.family import Progressive
from specc.vocabulary.kinds import POSITIVE, Int, SizeOf
from specc.vocabulary.param import Param

COMPONENTS = (
    Progressive(
        "progressive",
        "Trains with small images first, which grow in equal steps to the size that the network sees (Howard, 2018; "
        "Tan and Le, 2021). The network has to take every size with the same weights, as with a global pool at its "
        "end. Images are evaluated at their full size.",
        (
            Param("from", SizeOf(), doc="the first size, such as 128x128"),
            Param("until", POSITIVE, Percent(0.6), "epochs, or percent of the training, until images have full size"),
            Param("stages", Int(1, 6), 3, "how many sizes below the full one there are, each for as many steps"),
        ),
        example="progressive(from=128x128, until=60%)",
    ),
)


def sizes(a: Args, full: Size) -> list[Size]:
    """The sizes below the full one, from the first on: at equal distances, rounded to whole pixels."""
    first: Size = getattr(a, "from")

    def side(low: int, high: int, stage: int) -> int:
        return (2 * (low * (count - stage) + high * stage) + count) // (2 * count)

    count: int = a.stages
    pairs = list(zip(first, full, strict=True))
    return [Size(*(side(low, high, stage) for low, high in pairs)) for stage in range(count)]
