"""The names that `as` gives to tensors."""

from specc.source import Span


class Labels:
    """The tensors named in the body of a block, and those of its callers. A tensor is the index of a node."""

    __slots__ = ("names", "parent", "unused")

    def __init__(self, parent: "Labels | None" = None) -> None:
        self.parent = parent
        self.names: dict[str, tuple[int, Span]] = {}
        self.unused: set[str] = set()

    def give(self, name: str, tensor: int, span: Span) -> Span | None:
        """Name a tensor. If that takes the name from a tensor before it was used, return where that one was named."""
        earlier = self.names[name][1] if name in self.unused else None
        self.names[name] = (tensor, span)
        self.unused.add(name)
        return earlier

    def find(self, name: str) -> tuple[int, Span] | None:
        """The tensor of this name, and where it got it."""
        labels: Labels | None = self
        while labels is not None:
            if name in labels.names:
                labels.unused.discard(name)
                return labels.names[name]
            labels = labels.parent
        return None

    def all_names(self) -> list[str]:
        return [*self.names, *(self.parent.all_names() if self.parent else ())]
