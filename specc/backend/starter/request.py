"""What a first spec is asked to be for."""

from typing import NamedTuple


class Request(NamedTuple):
    """What is asked for.

    name: of the network. file: of the spec, as messages name it. folder: that of the spec, from which its paths count.
    data, masks: the paths that were given. image, label, labels, target: columns of a table. like: of the zoo.
    """

    name: str
    file: str
    folder: str
    data: str
    masks: str | None = None
    image: str | None = None
    label: str | None = None
    labels: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    like: str | None = None

    @property
    def columns(self) -> list[str]:
        """The options that name columns, of those that are given."""
        given = {"--image": self.image, "--label": self.label, "--labels": self.labels, "--target": self.target}
        return [option for option, value in given.items() if value]
