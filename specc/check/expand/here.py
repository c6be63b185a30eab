"""The state of the expansion at one place in a network."""

from typing import NamedTuple

from specc.check.expressions.labels import Labels
from specc.check.expressions.scope import Scope
from specc.ir.graph import Frame
from specc.syntax import tree as t


class Here(NamedTuple):
    """What names mean, which defaults hold, and how the expansion came here.

    path: what the names of nodes begin with. head: the auxiliary classifier that this is in, or "".
    """

    scope: Scope
    defaults: tuple[tuple[str, t.Call, Scope], ...] = ()
    path: tuple[str, ...] = ()
    trail: tuple[Frame, ...] = ()
    head: str = ""
    depth: int = 0

    @property
    def labels(self) -> Labels:
        """The names of tensors."""
        assert self.scope.labels is not None  # every scope in a network has them
        return self.scope.labels
