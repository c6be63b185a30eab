"""What differs between two specs, after both were checked: layers, counts, settings of data, training and export."""

from bisect import bisect_left
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, NamedTuple

from specc.check import Checked, Trainable
from specc.check.expressions.scope import Layer as LayerValue
from specc.ir.graph import Graph, Node
from specc.report.layers import activation_bytes, weights_of_other
from specc.values import Args, Bound, Percent, Ref, Size, show
from specc.vocabulary.settings import Settings
from specc.vocabulary.shape import size_text


class Layer(NamedTuple):
    """A layer on one of the two sides."""

    name: str
    op: str
    output: tuple[int, ...]
    parameters: int
    macs: int


class Change(NamedTuple):
    """A named value on both sides. None: that side does not have it."""

    name: str
    a: str | None
    b: str | None


class LayerChange(NamedTuple):
    """A layer that is added (`a` is None), removed (`b` is None) or changed: its arguments, inputs, shape or counts."""

    a: Layer | None
    b: Layer | None
    arguments: tuple[Change, ...] = ()

    @property
    def kind(self) -> str:
        return "added" if self.a is None else "removed" if self.b is None else "changed"


class Total(NamedTuple):
    """A count of the whole network on both sides."""

    name: str
    a: int
    b: int


class Difference(NamedTuple):
    """All that differs. `totals` and `shapes` are there even where they are equal; `same` counts the equal layers."""

    layers: tuple[LayerChange, ...]
    same: int
    totals: tuple[Total, ...]
    shapes: tuple[Change, ...]
    settings: tuple[Change, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.layers or self.settings)


def compare(a: Checked | Trainable, b: Checked | Trainable) -> Difference:
    """The difference of two specs without errors. Raises ValueError where one has no network."""
    if a.graph is None or b.graph is None:
        raise ValueError("only networks without errors can be compared")
    layers, same = _layers(a.graph, b.graph)
    totals = [
        Total("layers", len(a.graph.nodes), len(b.graph.nodes)),
        Total("parameters", a.graph.parameters, b.graph.parameters),
        Total("parameters exported", a.graph.parameters_exported, b.graph.parameters_exported),
        Total("MACs", a.graph.total_macs, b.graph.total_macs),
        Total("activation bytes", activation_bytes(a.graph), activation_bytes(b.graph)),
    ]
    shapes = [
        Change("input", size_text(a.graph.input), size_text(b.graph.input)),
        Change("output", size_text(a.graph.output_shape), size_text(b.graph.output_shape)),
    ]
    settings = [*_parameters(a.graph, b.graph), *_heads(a.graph, b.graph)]
    for section, here, there in (("data", a.data, b.data), ("train", a.train, b.train), ("export", a.export, b.export)):
        settings += _args(section, here, there)
    return Difference(tuple(layers), same, tuple(totals), tuple(shapes), tuple(settings))


def all_settings(spec: Trainable) -> dict[str, str]:
    """Every setting of a spec, by the path that `--set` takes, and the parameters of its network."""
    values = {f"network.{name}": _spelled(value) for name, value in spec.graph.values.items()}
    for section, settings in (("data", spec.data), ("train", spec.train), ("export", spec.export)):
        values |= {change.name: change.a or "" for change in _args(section, settings, None)}
    return values


# ---- layers


def _layers(a: Graph, b: Graph) -> tuple[list[LayerChange], int]:
    """The layers that differ, in the order in which they run, and how many are the same. Layers are aligned by op and
    name, so that what is put in between shifts nothing."""
    pairs = _aligned(*([(node.op.name, node.name) for node in graph.nodes] for graph in (a, b)))
    aligned = set(pairs.values())
    changes: list[LayerChange] = []
    j = 0
    for i, node in enumerate(a.nodes):
        if i not in pairs:
            changes.append(LayerChange(_layer(a, node), None))
            continue
        changes += [LayerChange(None, _layer(b, b.nodes[added])) for added in range(j, pairs[i])]
        j = pairs[i] + 1
        change = _changed(a, b, i, pairs, aligned)
        changes += [change] if change else []
    changes += [LayerChange(None, _layer(b, b.nodes[added])) for added in range(j, len(b.nodes))]
    return changes, len(a.nodes) - sum(change.a is not None for change in changes)


def _aligned(a: Sequence[Hashable], b: Sequence[Hashable]) -> dict[int, int]:
    """The longest common subsequence of two lists without repetitions, as positions in `a` with those in `b`.

    That is the longest increasing subsequence of the positions in `b` of what both have, which patience sorting finds
    in O(n log n) (Fredman, "On computing the length of longest increasing subsequences", 1975).
    """
    places = {key: j for j, key in enumerate(b)}
    ends: list[int] = []  # the smallest place in b at which a common subsequence of each length ends …
    last: list[int] = []  # … and where in a
    before: dict[int, int | None] = {}
    for i, key in enumerate(a):
        if key in places:
            length = bisect_left(ends, places[key])
            before[i] = last[length - 1] if length else None
            ends[length : length + 1], last[length : length + 1] = [places[key]], [i]
    pairs: dict[int, int] = {}
    step = last[-1] if last else None
    while step is not None:
        pairs[step] = places[a[step]]
        step = before[step]
    return pairs


def _layer(graph: Graph, node: Node) -> Layer:
    return Layer(node.name, node.op.name, tuple(node.shape), graph.parameters_of(node), graph.macs(node))


def _changed(a: Graph, b: Graph, i: int, pairs: dict[int, int], aligned: set[int]) -> LayerChange | None:
    """What differs in a layer that both have."""
    here, there = a.nodes[i], b.nodes[pairs[i]]
    changes = [*_args("", here.args, there.args), *_inputs(a, b, here, there, pairs, aligned)]
    owners = weights_of_other(a, here), weights_of_other(b, there)
    if owners[0] != owners[1]:
        changes.append(Change("weights of", *owners))
    one, other = _layer(a, here), _layer(b, there)
    return LayerChange(one, other, tuple(changes)) if changes or one != other else None


def _inputs(a: Graph, b: Graph, here: Node, there: Node, pairs: dict[int, int], aligned: set[int]) -> Iterator[Change]:
    """What flows in from elsewhere. A layer inserted before this one, or removed, is listed by itself."""
    if len(here.inputs) != len(there.inputs) or any(
        i in pairs and j in aligned and pairs[i] != j for i, j in zip(here.inputs, there.inputs, strict=True)
    ):
        names = (", ".join(graph.nodes[i].name for i in node.inputs) for graph, node in ((a, here), (b, there)))
        yield Change("inputs", *names)


def _parameters(a: Graph, b: Graph) -> Iterator[Change]:
    """Parameters that both networks have. One that only one of them has shows in its effects, if there are
    any: a number that got a name is no difference."""
    for name in a.values:
        values = a.values[name], b.values.get(name)
        one, other = map(_spelled, values)
        if name in b.values and one != other and not _are_equal_numbers(*values):
            yield Change(f"network.{name}", one, other)


def _are_equal_numbers(a: Any, b: Any) -> bool:
    """50% is 0.5."""
    return isinstance(a, int | float) and isinstance(b, int | float) and a == b


def _spelled(value: Any) -> str:
    """A parameter's value as it is written, layers included."""
    match value:
        case LayerValue():
            return " ".join(value.span.text.split())
        case list():
            return f"[{', '.join(map(_spelled, value))}]"
        case Ref() | Bound() | Size():
            return _text(value)
        case tuple():
            return f"({', '.join(map(_spelled, value))})"
        case _:
            return _text(value)


def _heads(a: Graph, b: Graph) -> Iterator[Change]:
    """Weights of auxiliary classifiers."""
    one, other = ({head.name: show(head.weight) for head in graph.heads} for graph in (a, b))
    for name in dict.fromkeys([*one, *other]):
        if one.get(name) != other.get(name):
            yield Change(f"head.{name}.weight", one.get(name), other.get(name))


# ---- arguments and settings


def _args(path: str, a: Args | Settings | None, b: Args | Settings | None) -> Iterator[Change]:
    """Arguments or settings that differ, by the paths that `--set` takes."""
    one, other = (args.as_dict() if args is not None else {} for args in (a, b))
    for name in dict.fromkeys([*one, *other]):
        full = f"{path}.{name}" if path else name
        if name in one and name in other:
            yield from _values(full, one[name], other[name])
        else:
            yield Change(full, *(_text(side[name]) if name in side else None for side in (one, other)))


def _values(path: str, a: Any, b: Any) -> Iterator[Change]:
    """Where two values differ: as deep inside as they are calls of the same names."""
    lengths = ("train.schedule", "train.groups", "train.lookahead", "train.average", "data.progressive")
    is_schedule = path.startswith(lengths)

    def same(one: Any, other: Any) -> bool:
        return bool(_bare(one, is_schedule) == _bare(other, is_schedule))

    if same(a, b):
        return
    match a, b:
        case Bound(), Bound() if a.name == b.name and same(a.branches, b.branches):
            yield from _args(path, a.args, b.args)
        case tuple(), tuple() if _are_alike(a, b):
            for one, other in zip(a, b, strict=True):
                yield from _values(f"{path}.{one.name}", one, other)
        case _:
            yield Change(path, _text(a), _text(b))


def _are_alike(a: Sequence[Any], b: Sequence[Any]) -> bool:
    """Whether two pipelines have the same stages, each once, so that a stage's name says where one is."""
    if not all(isinstance(stage, Bound) for stage in (*a, *b)):
        return False
    names = [stage.name for stage in a]
    return names == [stage.name for stage in b] and len(set(names)) == len(names)


def _bare(value: Any, is_schedule: bool) -> Any:
    """A value without the places where it was written. Only where epochs are meant is 5% something else than 0.05."""
    match value:
        case Bound(name=name, args=args, branches=branches):
            given = {key: _bare(part, is_schedule) for key, part in args.as_dict().items()}
            return name, given, _bare(branches, is_schedule)
        case Ref(name=name):
            return name
        case Size():
            return value
        case list() | tuple():
            return type(value), [_bare(part, is_schedule) for part in value]
        case Percent() if not is_schedule:
            return float, float(value)
        case str():
            return str, str(value)
        case _:
            return type(value), value


def _text(value: Any) -> str:
    """A value in words; a float with as many digits as tell it from others."""
    return repr(value) if type(value) is float else show(value)


# ---- JSON


def as_json(difference: Difference) -> dict[str, Any]:
    """What `specc diff --json` prints, without its `format` and without what the two sides are called."""
    return {
        "equal": difference.is_empty,
        "totals": {total.name.replace(" ", "_").lower(): [total.a, total.b] for total in difference.totals},
        "shapes": {shape.name: [shape.a, shape.b] for shape in difference.shapes},
        "layers": [
            {
                "change": layer.kind,
                "a": layer.a and layer.a._asdict(),
                "b": layer.b and layer.b._asdict(),
                "arguments": {change.name: [change.a, change.b] for change in layer.arguments},
            }
            for layer in difference.layers
        ],
        "same_layers": difference.same,
        "settings": {change.name: [change.a, change.b] for change in difference.settings},
    }
