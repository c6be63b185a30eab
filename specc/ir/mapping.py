"""Trained weights on their way into a network: which tensor of a file becomes which tensor of the network."""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from specc.ir.graph import Graph
from specc.ir.weights import Weight, head_layers, statistics_of, weights_of
from specc.vocabulary.shape import Shape, size_text

Fate = Literal["loaded", "reshaped", "new", "replaced", "ignored", "unused"]


class Mapped(NamedTuple):
    """What becomes of a tensor.

    name, shape: in the network; theirs, their_shape: in the file; "" and None where it is not there. fate: "loaded" as
    it is, "reshaped", "new" in the network, "replaced" because it belongs to the head and the classes are others,
    "ignored" on purpose, or "unused". why: what is to be said of it.
    """

    fate: Fate
    name: str
    shape: Shape | None
    theirs: str
    their_shape: Shape | None
    why: str = ""

    @property
    def is_taken(self) -> bool:
        return self.fate in ("loaded", "reshaped")


def map_tensors(
    graph: Graph,
    shapes: Mapping[str, Shape],
    name_of: Callable[[str], str | None],
    ignores: Callable[[str], bool],
    *,
    keeps_head: bool,
) -> list[Mapped]:
    """Every tensor of a network and of a file, in the network's order, then in the file's.

    shapes: of the file's tensors. name_of: what a tensor of the network is called there. ignores: whether a tensor,
    here or there, is left out on purpose. keeps_head: the network answers with the classes of the file, in their order.
    """
    heads, mapped, used = head_layers(graph), [], set[str]()
    for weight in (*weights_of(graph), *statistics_of(graph)):
        if ignores(weight.name):
            continue
        theirs = name_of(weight.name)
        if theirs is None or theirs not in shapes:
            mapped.append(Mapped("new", weight.name, weight.spec.shape, "", None))
            continue
        one = _mapped(weight, theirs, shapes[theirs], is_head=weight.layer in heads, keeps_head=keeps_head)
        mapped.append(one)
        if one.fate != "new":
            used.add(theirs)
    misfits = {one.theirs: one for one in mapped if one.fate == "new" and one.theirs}
    for theirs, shape in shapes.items():
        if theirs not in used:
            fate: Fate = "ignored" if ignores(theirs) else "unused"
            why = misfits[theirs].why if theirs in misfits else ""
            mapped.append(Mapped(fate, "", None, theirs, shape, why))
    return mapped


def _mapped(weight: Weight, theirs: str, shape: Shape, *, is_head: bool, keeps_head: bool) -> Mapped:
    own = weight.spec.shape
    if is_head and not keeps_head:
        return Mapped("replaced", weight.name, own, theirs, shape, "other classes")
    if own == shape:
        return Mapped("loaded", weight.name, own, theirs, shape)
    if can_reshape(own, shape):
        return Mapped("reshaped", weight.name, own, theirs, shape)
    why = f"`{weight.name}` has {size_text(own)} in the network, and {size_text(shape)} in the file"
    if is_head:
        return Mapped("replaced", weight.name, own, theirs, shape, why)
    return Mapped("new", weight.name, own, theirs, shape, why)


def can_reshape(own: Shape, theirs: Shape) -> bool:
    """Whether the same numbers in the same order mean the same: C x 1 x 1 and C; a dense layer and the convolution that
    covers its whole input."""
    if [side for side in own if side != 1] == [side for side in theirs if side != 1]:
        return True
    dense, conv = sorted((own, theirs), key=len)
    return len(dense) == 2 and len(conv) == 4 and dense[0] == conv[0] and dense[1] == conv[1] * conv[2] * conv[3]
