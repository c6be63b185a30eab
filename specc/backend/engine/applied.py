"""What each trick of a training applied to, in words: printed once, and kept in run.json."""

import math
from collections.abc import Iterable

from specc.backend.build import Net
from specc.backend.engine.optimizers import ParamRule, Weights
from specc.errors import counted
from specc.ir.graph import Graph
from specc.ir.init import initializer
from specc.ir.weights import Weight, weights_of
from specc.tricks.sections import TrainSettings
from specc.values import Bound, show
from specc.vocabulary.family import Initializer
from specc.vocabulary.registry import component

MOST = 8  # layers that are named in a line


def applied(graph: Graph, weights: Weights, names: Iterable[str], what: str) -> str:
    """What a trick reached of the weights that learn: `l2(1e-4): 9 kernels, 1,147,456 weights; not 1 bias`."""
    wanted, learned = set(names), [weight for weight in weights_of(graph) if weight.name in weights]
    reached = [weight for weight in learned if weight.name in wanted]
    others = [weight for weight in learned if weight.name not in wanted]
    count = sum(weight.spec.size for weight in reached)
    rest = f"; not {kinds(others)}" if others else ""
    return f"{what}: {kinds(reached)}, {counted(count, 'weight')}{rest}"


def by_rule(graph: Graph, weights: Weights, found: dict[str, ParamRule], usual: tuple[Bound, ...]) -> list[str]:
    """A line for each way in which weights learn, where there are several of them. usual: the schedule of `train`."""
    members_of: dict[str, list[Weight]] = {}
    for weight in weights_of(graph):
        if weight.name in found:
            members_of.setdefault(repr(found[weight.name]._replace(decay=0.0)), []).append(weight)
    if len(members_of) < 2 and all(rule.by == "train" for rule in found.values()):
        return []
    lines = []
    for members in members_of.values():
        rule = found[members[0].name]
        decays = {found[weight.name].decay for weight in members}
        decaying = [weight.name for weight in members if found[weight.name].decay]
        name = "the rest" if rule.by == "train" and len({other.by for other in found.values()}) > 1 else rule.by
        shown = rule._replace(decay=max(decays))
        only = f" (on {_numbered(len(decaying), 'tensor')})" if decaying and len(decaying) < len(members) else ""
        count = sum(weights[weight.name].numel() for weight in members)
        schedule = "" if rule.schedule == usual else f"; {' -> '.join(map(written, rule.schedule))}"
        lines.append(f"{name}: {kinds(members)}, {counted(count, 'weight')}: {shown}{only}{schedule}")
    return lines


def kinds(members: Iterable[Weight]) -> str:
    """`9 kernels and 1 bias`."""
    counts: dict[str, int] = {}
    for weight in members:
        kind = {"norm": "norm tensor", "other": "other tensor"}.get(weight.kind, weight.kind)
        counts[kind] = counts.get(kind, 0) + 1
    parts = [_numbered(count, kind) for kind, count in counts.items()]
    return " and ".join([part for part in (", ".join(parts[:-1]), parts[-1]) if part])


def _numbered(count: int, noun: str) -> str:
    plural = {"bias": "biases", "norm tensor": "norm tensors"}.get(noun, f"{noun}s")
    return f"{count} {noun if count == 1 else plural}"


def averaged(settings: TrainSettings, values: Iterable[str], weights: Iterable[str]) -> list[str]:
    """What `ema` and `lookahead` hold besides the network's own."""
    names, known = list(values), set(weights)
    tensors = sum(name in known for name in names)
    held = _numbered(tensors, "weight tensor")
    held += f" and {len(names) - tensors} running statistics" if len(names) > tensors else ""
    lines = []
    if settings.ema:
        lines.append(f"ema {settings.ema:g}: {held}; these averages are evaluated, saved and exported")
    if settings.lookahead:
        also = "" if settings.ema else "; the slow weights are evaluated, saved and exported"
        lines.append(f"{written(settings.lookahead)}: {held}{also}")
    return lines


def resting(rests: dict[str, float]) -> list[str]:
    """Which norms use and keep their running statistics in training. rests: the step from which each of them does."""
    starts: dict[float, list[str]] = {}
    for layer, start in rests.items():
        if start < math.inf:
            starts.setdefault(start, []).append(layer)
    return [
        f"frozen norms use their running statistics without updating them"
        f"{f' from step {math.ceil(start) + 1:,} on' if start else ''}: {_listed(layers)}"
        for start, layers in sorted(starts.items())
    ]


def fresh_statistics(net: Net) -> list[str]:
    """Which frozen norms have the running statistics of a fresh network, and so normalize nothing."""
    buffers = dict(net.named_buffers())
    fresh = [
        name
        for name in net.resting
        if not buffers[f"{name}.running_mean"].any() and bool((buffers[f"{name}.running_var"] == 1).all())
    ]
    text = (
        "frozen norms with untrained running statistics (mean 0, variance 1) do not normalize anything; "
        "see --start-from"
    )
    return [f"{text}: {_listed(fresh)}"] if fresh else []


def _listed(layers: list[str]) -> str:
    return ", ".join(layers[:MOST]) + (f", … ({len(layers)} in total)" if len(layers) > MOST else "")


def whitened(graph: Graph, images: int) -> list[str]:
    """Which layer starts from how many of the training images."""
    found = [
        (init.name, node.name, init.args.samples)
        for node in graph.nodes[1:]
        if node.owns and (init := initializer(graph, node)) is not None and component(Initializer, init).from_images
    ]
    return [
        f"{init}: {layer}, from {counted(min(samples, images), 'training image')}" for init, layer, samples in found
    ]


def written(call: Bound) -> str:
    """A call as it stands in the spec, on one line."""
    return " ".join(call.span.text.split()) if call.span else show(call)
