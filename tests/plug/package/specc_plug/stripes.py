"""A data source that makes its images."""

from typing import TYPE_CHECKING

from specc.values import Args
from specc.vocabulary.family import Source
from specc.vocabulary.kinds import Int
from specc.vocabulary.param import Param

if TYPE_CHECKING:
    from specc.backend.data.places import Where
    from specc.backend.data.raw import Raw

CLASSES = ("across", "along", "checked")


def read(a: Args, where: "Where") -> "Raw":
    import torch

    from specc.backend.data.raw import Part, Raw

    draw = torch.Generator().manual_seed(0)
    labels = torch.arange(a.count) % len(CLASSES)
    rows, columns = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    patterns = torch.stack([rows % 2, columns % 2, (rows + columns) % 2])
    noise = torch.randint(0, 100, (a.count, 8, 8), generator=draw)
    images = (patterns[labels] * 150 + noise).to(torch.uint8)[:, None]
    return Raw(CLASSES, Part(images, labels), None)


WORDS = (
    Source(
        "stripes",
        "Gray images of 8 x 8 with stripes across, along, or both.",
        (Param("count", Int(3), doc="how many images"),),
        example="stripes(100)",
        target="specc_plug.stripes.read",
        shape=(1, 8, 8),
        classes=CLASSES,
        channels=1,
    ),
)
