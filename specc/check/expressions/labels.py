"""The names that `as` gives to tensors."""

from specc.source import Span


class Labels:
    """The tensors named in the body of a block, and those of its callers. A tensor is the index of a node."""

    __slots__ = ("names", "parent", "unused")

    def __init__(self, parent: "Labels | None" = None) -> None:
        self.parent = parent
        self.names: dict[str, tuple[int, Span, int]] = {}
        self.unused: set[str] = set()

    def give(self, name: str, tensor: int, span: Span, number: int) -> Span | None:
        """Name a tensor; `number` counts the names of a network.

        If that takes the name from a tensor before it was used, return where that one was named.
        """
        earlier = self.names[name][1] if name in self.unused else None
        self.names[name] = (tensor, span, number)
        self.unused.add(name)
        return earlier

    def find(self, name: str) -> tuple[int, Span, int] | None:
        """The tensor of this name, where it got it, and the name's number."""
        labels: Labels | None = self
        while labels is not None:
            if name in labels.names:
                labels.unused.discard(name)
                return labels.names[name]
            labels = labels.parent
        return None

    def all_names(self) -> list[str]:
        return [*self.names, *(self.parent.all_names() if self.parent else ())]
