"""Weights that other libraries published, brought to the names and shapes of the zoo's networks."""

from collections.abc import Collection, Mapping
from typing import Any

from torch import Tensor

from specc.backend.run.imported import Renamed
from specc.check.zoo import compiled
from specc.errors import SpeccError
from specc.ir.graph import Graph, Node
from specc.ir.mapping import can_reshape
from specc.ir.weights import head_layers, statistics_of, weights_of
from specc.vocabulary.shape import Shape, size_text
from specc.zoo import PREFIX, families
from specc.zoo.lookalikes import Known, Lookalike, known_weights
from specc.zoo.naming import Naming
from specc.zoo.weights import Published, class_names, usual_classes

PUBLISHED_AS = "published_as"  # the key of what an imported file says of itself
NAMED = 4  # tensors that a message names
OWN = ("init", "bias_init", "momentum")  # arguments that make no difference to weights that are trained


def naming_of_file(graph: Graph, names: Collection[str]) -> Naming | None:
    """The naming of the zoo that finds most tensors of a network in a file with these names; None where none does."""
    own = [weight.name for weight in (*weights_of(graph), *statistics_of(graph))]
    best, most = None, 0
    for family in families().values():
        for naming in family.namings:
            hits = sum(naming.name_of(name) in names for name in own)
            if hits > most:
                best, most = naming, hits
    return best


def rename(tensors: Mapping[str, Tensor], sha256: str, model: str, place: str) -> Renamed:
    """The tensors of a published file under the names, and in the shapes, of a model of the zoo.

    sha256: of the file. place: its path or address. Both tell weights of another network that look the same. Classes
    are taken for those that such networks are published for, ImageNet's or Pascal VOC's, if they are as many.

    A head for other classes keeps its size. Raises SpeccError E498 where the file is of another model.
    """
    graph, _ = compiled(model)
    if not any(weight.name in tensors for weight in weights_of(graph)):
        naming = naming_of_file(graph, tensors)
        called = {name: naming.name_of(name) if naming else None for name in _shapes(graph)}
    else:
        naming, called = None, {name: name for name in _shapes(graph)}
    renamed = {
        name: _shaped(tensors[theirs], shape)
        for name, shape in _shapes(graph).items()
        if (theirs := called[name]) is not None and theirs in tensors
    }
    _refuse_others(graph, tensors, renamed, called, naming, model)
    known = _known(sha256, place, model)
    return Renamed(renamed, {"zoo": model, **known, **_classes(graph, renamed)})


def named(tensors: Mapping[str, Tensor], sha256: str, place: str) -> Renamed:
    """The tensors of a published file as they are, with the name under which they are published, where it is known."""
    known = known_weights(sha256, place)
    return Renamed(tensors, {PUBLISHED_AS: known.name} if known else {})


def _known(sha256: str, place: str, model: str) -> dict[str, str]:
    """The name under which the weights of a file are published, where the file is known.

    Raises SpeccError E498 where they are those of another network, which has the same names and shapes.
    """
    known = known_weights(sha256, place)
    match known:
        case Lookalike():
            raise _is_lookalike(known, model)
        case Published() if known.model != model:
            message = f"these are the weights {known.name}, of `{known.model}`, not of `{model}`"
            raise SpeccError("E498", message, help=f"--as {known.model}", status=1)
    return {} if known is None else {PUBLISHED_AS: known.name}


def _is_lookalike(known: Lookalike, model: str) -> SpeccError:
    message = f"these are the weights {known.name}, with the names and shapes of `{model}`, but of another "
    message += f"network: it {known.differs}"
    help = f"the zoo has no such network; with these weights `{model}` would give wrong answers"
    return SpeccError("E498", message, help=help, status=1)


def other_network(graph: Graph, taken: Collection[str], known: Known) -> str:
    """How the first layer that differs is set in the network that published weights were trained in; "" for none.

    graph: which takes some of these weights. taken: the layers of it that do.

    Raises SpeccError E498 where the weights are those of a network that the zoo does not have, and all of these layers
    are as in the network of the zoo that looks like it.
    """
    theirs = {node.name: node for node in compiled(known.model)[0].nodes}
    others = (
        words
        for node in graph.nodes
        if node.name in taken and node.name in theirs and (words := _other_arguments(node, theirs[node.name]))
    )
    first = next(others, "")
    if isinstance(known, Published):
        return first and f"{known.name} was trained in `{known.model}`, where {first}"
    if not first:
        raise _is_lookalike(known, known.model)
    return ""


def _other_arguments(own: Node, theirs: Node) -> str:
    """The arguments of a layer in another network, as far as they change what trained weights compute; "" for none."""
    if own.op is not theirs.op:
        return f"`{own.name}` is `{theirs.op.name}`"
    before, after = theirs.args.as_dict(), own.args.as_dict()
    names = [name for name, value in before.items() if name not in OWN and value != after[name]]
    return f"`{own.name}` has " + ", ".join(f"{name}={before[name]}" for name in names) if names else ""


def _classes(graph: Graph, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    last = [weight.name for weight in weights_of(graph) if weight.is_last and not graph.nodes[weight.node].head]
    counts = {len(tensors[name]) for name in last if name in tensors}
    key = usual_classes(counts.pop()) if len(counts) == 1 else ""
    return {"classes": list(class_names(key)), "classes_of": key} if key else {}


def _shapes(graph: Graph) -> dict[str, Shape]:
    return {one.name: one.spec.shape for one in (*weights_of(graph), *statistics_of(graph))}


def _shaped(tensor: Tensor, shape: Shape) -> Tensor:
    return tensor.reshape(shape) if can_reshape(tuple(tensor.shape), shape) else tensor


def _refuse_others(
    graph: Graph,
    tensors: Mapping[str, Tensor],
    renamed: Mapping[str, Tensor],
    called: Mapping[str, str | None],
    naming: Naming | None,
    model: str,
) -> None:
    """Raise SpeccError E498 where tensors are missing, have other shapes, or are left over."""
    shapes, layers = _shapes(graph), head_layers(graph)
    heads = {weight.name for weight in weights_of(graph) if weight.layer in layers}
    counters = {name for name in shapes if shapes[name] == ()}
    missing = [f"`{name}` is missing" for name in shapes if name not in renamed and name not in counters | heads]
    other = [
        f"`{called[name]}` has {size_text(tuple(renamed[name].shape))}, not {size_text(shapes[name])}"
        for name in renamed
        if name not in heads and tuple(renamed[name].shape) != shapes[name]
    ]
    taken = set(called.values())
    left = [
        f"`{name}` is no part of it" for name in tensors if name not in taken and not (naming and naming.ignores(name))
    ]
    problems = [*missing, *other, *left]
    if problems:
        more = [f"and {len(problems) - NAMED} more"] if len(problems) > NAMED else []
        message: list[Any] = [f"these are not the weights of `{model}`:", *problems[:NAMED], *more]
        help = f"`specc show {PREFIX}{model}` lists its layers; `specc zoo` has other networks"
        raise SpeccError("E498", message, help=help, status=1)
