"""What a call of a layer becomes: most become one node; some name tensors, unroll loops or join branches.

An op declares one of these values as `Op.expands`, with the names of the parameters that it is about.
`check/expand/expansions.py` is the one place that carries them out.
"""

from typing import Any


class Expansion:
    """What a call of an op becomes.

    body: "" (takes none), "one" (`residual { … }`) or "branches" (`add { | … | … }`).
    joins: the op's node has several inputs, and its shape rule gets the list of their shapes.
    """

    __slots__ = ()
    body = ""
    joins = False


class OneNode(Expansion):
    """A node that takes what flows in."""


class Branches(Expansion):
    """A node that takes the ends of the branches in the body."""

    body = "branches"
    joins = True


class WithNamed(Expansion):
    """A node that takes what flows in, and the tensor that parameter `name` names, unless that is `none`."""

    __slots__ = ("name",)
    joins = True

    def __init__(self, name: str) -> None:
        self.name = name


class AroundBody(Expansion):
    """The body, and a node of the op `join` that takes what flows into the body and what comes out of it."""

    __slots__ = ("join",)
    body = "one"

    def __init__(self, join: Any) -> None:  # an Op, which is declared with an Expansion
        self.join = join


class Repeat(Expansion):
    """The body, as often as parameter `count` says, one after the other."""

    __slots__ = ("count",)
    body = "one"

    def __init__(self, count: str) -> None:
        self.count = count


class AuxiliaryHead(Expansion):
    """The body as an auxiliary classifier beside the network; what flows in flows on."""

    __slots__ = ("name", "weight")
    body = "one"

    def __init__(self, name: str, weight: str) -> None:
        self.name, self.weight = name, weight


class NamesTensor(Expansion):
    """Nothing: what flows in flows on, and has the name that parameter `name` gives."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class NamedTensor(Expansion):
    """Nothing: the tensor named by parameter `name` flows on."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class ShapeCheck(Expansion):
    """Nothing: what flows in flows on if the shape rule takes it."""


class PassOn(Expansion):
    """Nothing: what flows in flows on."""


class NetworkInput(Expansion):
    """The first node of a network, before all other layers."""


ONE_NODE = OneNode()
