"""The graph as nested calls: each call of a block is a scope with its own steps, inputs and results."""

from typing import Any, NamedTuple

from specc.ir.graph import Call, Graph, Node
from specc.ir.passes import logits_of, source
from specc.vocabulary.shape import Shape
from specc.vocabulary.target import Target

# A value inside a scope: (index of the step, which of its results); (-1, k) is the k-th input of the scope.
Ref = tuple[int, int]
# How a module is reached in `forward`: the names of attributes from `self` on, or one name alone.
Way = tuple[str, ...]


class Step(NamedTuple):
    """What runs once in a scope: a layer (`node` and its `target`) or a call of a block (`scope`).

    name: the attribute that holds it, as in `conv1`. shapes: of its results. keeps_state: it has keys in the state
    dict. is_main: it is a block, a layer with a kernel or a pool, of which a line holds one. head: the auxiliary
    classifier that it is (part of), where that is left out in evaluation here.

    module: of a later use of shared layers, how their module is reached here; `scope` is then their first use. modules:
    what the call hands on for later uses inside it, in the same way.
    """

    name: str
    node: Node | None
    target: Target | None
    scope: "Scope | None"
    inputs: tuple[Ref, ...]
    shapes: tuple[Shape, ...]
    keeps_state: bool
    is_main: bool
    head: str
    module: Way = ()
    modules: tuple[Way, ...] = ()

    @property
    def is_trainable(self) -> bool:
        return self.node is None or self.node.learns


class Scope:
    """A call of a block, the body of a head, or the network itself (whose path is empty).

    inputs: indices of the nodes outside whose values flow in. results: of the nodes inside whose values are needed
    outside, those of heads last. returns: the same as refs. head: the auxiliary classifier that all of it belongs to;
    result_heads: those that the results belong to. first: of a later use of shared layers, their first use. borrowed:
    the first uses outside whose modules it is given, by the names that these have in `forward`.
    """

    def __init__(self, path: str, call: Call | None) -> None:
        self.path, self.call = path, call
        self.head = ""
        self.result_heads: list[str] = []
        self.children: list[Node | Scope] = []
        self.nodes: set[int] = set()
        self.steps: list[Step] = []
        self.inputs: list[int] = []
        self.results: list[int] = []
        self.returns: list[Ref] = []
        self.input_shapes: list[Shape] = []
        self.first: Scope | None = None
        self.borrowed: dict[Scope, str] = {}

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]

    @property
    def block(self) -> str:
        """The block that is called; `head` for the body of a head."""
        return self.call.block if self.call else "head"


def scopes_of(graph: Graph) -> Scope:
    """The network as a scope. Only what leads to the logits, its own or a head's, is in it."""
    results = [logits_of(graph, graph.output), *(logits_of(graph, head.output) for head in graph.heads)]
    needed = _needed(graph, results)
    calls = {frame.call.path: frame.call for node in needed for frame in node.trail if frame.call}
    root = _tree(needed, calls)
    _find_first_uses(root, (), {})
    readers: dict[int, set[int]] = {}
    for node in needed:
        for i in node.inputs:
            readers.setdefault(source(graph, i), set()).add(node.index)
    _connect(root, graph, readers, results, "")
    root.inputs, root.results = [0], results
    root.input_shapes = [graph.input]
    root.returns = [_ref(root, _places(root), i) for i in results]
    return root


def _needed(graph: Graph, results: list[int]) -> list[Node]:
    """The nodes with a module of their own that lead to the results, in the order in which they run."""
    needed = set(results)
    for node in reversed(graph.nodes):
        if node.index in needed:
            needed.update(source(graph, i) for i in node.inputs)
    return [node for node in graph.nodes if node.index in needed and node.op.torch is not None]


def _tree(nodes: list[Node], calls: dict[str, Call]) -> Scope:
    root = Scope("", None)
    made = {"": root}
    for node in nodes:
        parts = node.name.split(".")
        root.nodes.add(node.index)
        parent = root
        for depth in range(1, len(parts)):
            path = ".".join(parts[:depth])
            if path not in made:
                made[path] = Scope(path, calls.get(path))
                parent.children.append(made[path])
            parent = made[path]
            parent.nodes.add(node.index)
        parent.children.append(node)
    return root


def _find_first_uses(scope: Scope, around: tuple[Scope, ...], firsts: dict[str, Scope]) -> None:
    """Tell later uses of shared layers from the first ones, and hand the modules of these to where they are used."""
    around = (*around, scope)
    for child in scope.children:
        if isinstance(child, Scope):
            sharing = child.call.sharing if child.call else ""
            if sharing in firsts:
                child.first = firsts[sharing]
                for first in (child.first, *child.first.borrowed):
                    for caller in around[1:]:
                        if not first.path.startswith(f"{caller.path}."):
                            _lend(caller, first)
                continue
            if sharing:
                firsts[sharing] = child
            _find_first_uses(child, around, firsts)


def _lend(scope: Scope, first: Scope) -> None:
    name = f"shared_{first.block}"
    same = sum(other.block == first.block for other in scope.borrowed if other is not first)
    scope.borrowed.setdefault(first, f"{name}{same + 1}" if same else name)


def _way(caller: Scope, first: Scope) -> Way:
    if first in caller.borrowed:
        return (caller.borrowed[first],)
    inside = first.path.removeprefix(f"{caller.path}.") if caller.path else first.path
    return ("self", *inside.split("."))


def _connect(scope: Scope, graph: Graph, readers: dict[int, set[int]], results: list[int], head: str) -> None:
    """Work out the inputs, results and steps of a scope and all below it. head: that of the scope around it."""
    for child in scope.children:
        if isinstance(child, Scope):
            flows = [source(graph, i) for n in sorted(child.nodes) for i in graph.nodes[n].inputs]
            child.inputs = [i for i in dict.fromkeys(flows) if i not in child.nodes]
            child.input_shapes = [graph.nodes[i].shape for i in child.inputs]
            leaving = [i for i in child.nodes if i in results or not readers.get(i, set()) <= child.nodes]
            child.results = sorted(leaving, key=lambda i: (graph.nodes[i].head != head, i))
            child.head = _head_of(child, graph)
            child.result_heads = [graph.nodes[i].head for i in child.results]
            if child.first is None:
                _connect(child, graph, readers, results, child.head)
    places = _places(scope)
    for child in scope.children:
        step = _call_step(scope, child, graph) if isinstance(child, Scope) else _layer_step(child, graph)
        before = child.inputs if isinstance(child, Scope) else [source(graph, i) for i in child.inputs]
        refs = tuple(_ref(scope, places, i) for i in before)
        scope.steps.append(step._replace(inputs=refs, head="" if head else step.head))
    scope.returns = [places[i] for i in scope.results]


def _call_step(caller: Scope, scope: Scope, graph: Graph) -> Step:
    shapes = tuple(graph.nodes[i].shape for i in scope.results)
    modules = tuple(_way(caller, lent) for lent in (scope.first or scope).borrowed)
    if scope.first is None:
        return Step(scope.name, None, None, scope, (), shapes, True, True, scope.head, (), modules)
    module = _way(caller, scope.first)
    return Step(scope.first.name, None, None, scope.first, (), shapes, True, True, scope.head, module, modules)


def _layer_step(node: Node, graph: Graph) -> Step:
    assert node.op.torch is not None
    keeps_state = bool(graph.weights(node) or graph.statistics(node))
    is_main = graph.kernel(node) is not None or node.op.group == "pooling"
    name, target = node.name.rpartition(".")[2], node.op.torch(graph.inputs_of(node), node.args)
    return Step(name, node, target, None, (), (node.shape,), keeps_state, is_main, node.head)


def _head_of(scope: Scope, graph: Graph) -> str:
    """The head to which all nodes of a scope belong, or ""."""
    heads: set[Any] = {graph.nodes[i].head for i in scope.nodes}
    return heads.pop() if len(heads) == 1 else ""


def _places(scope: Scope) -> dict[int, Ref]:
    """Where in a scope the value of a node inside it is."""
    places: dict[int, Ref] = {}
    for index, child in enumerate(scope.children):
        if isinstance(child, Scope):
            places.update({result: (index, k) for k, result in enumerate(child.results)})
        else:
            places[child.index] = (index, 0)
    return places


def _ref(scope: Scope, places: dict[int, Ref], index: int) -> Ref:
    if index in places:
        return places[index]
    return (-1, scope.inputs.index(index) if scope.path else 0)
