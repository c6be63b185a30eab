"""What each trick of a training applied to, in words: printed once, and kept in run.json."""

import math
from collections.abc import Iterable

from specc.backend.build import Net
from specc.backend.engine.average import EpochMean, Snapshot
from specc.backend.engine.optimizers import ParamRule, Weights
from specc.backend.engine.windows import ALWAYS, NEVER, Window
from specc.errors import counted
from specc.ir.graph import Graph
from specc.ir.init import initializer
from specc.ir.weights import Weight, weights_of
from specc.tricks.sections import TrainSettings
from specc.values import Bound, Percent, show
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


def of_epochs(settings: TrainSettings, snapshot: Snapshot, trains_norms: bool, batches: int) -> list[str]:
    """What is evaluated in place of the network's own weights, from when on. batches: of an epoch."""
    lines = []
    count = batches if snapshot.batches is None else min(batches, snapshot.batches)
    names = _numbered(sum(name in snapshot.weights for name in snapshot.sources), "weight tensor")
    if settings.average and isinstance(snapshot, EpochMean):
        since = f"from the first epoch on that ends at step {math.ceil(snapshot.start):,} or later"
        what = "their mean over the ends of epochs is evaluated, saved and exported"
        lines.append(f"{written(settings.average)}: {names}; {since}, {what}")
    else:
        lines.append(f"schedule_free: {names}; their averages are evaluated, saved and exported")
    if trains_norms:
        lines.append(
            f"for that, the running statistics of norms are computed anew over {counted(count, 'batch')} "
            "of training images"
        )
    return lines


def frozen_note(settings: TrainSettings, held: list[Weight], thaw: float, total: int) -> str:
    """What `freeze` keeps as it is, and until when. thaw: the step after which it learns. total: steps."""
    names, count = ", ".join(settings.frozen_at_first), sum(weight.spec.size for weight in held)
    what = f"{kinds(held)}, {counted(count, 'weight')}" if held else "running statistics only"
    if settings.frozen_until is None:
        return f"frozen by {names}: {what}"
    until = until_text(settings.frozen_until)
    if thaw >= total:
        return f"frozen until {until}, which is not before the end: {names}: {what}"
    return f"frozen until {until} (step {math.ceil(thaw):,}): {names}: {what}"


def thawed(settings: TrainSettings, step: int) -> str:
    """What is said when that learns. step: those taken so far."""
    names = ", ".join(settings.frozen_at_first)
    return f"no longer frozen after step {step:,}: {names}; the optimizer starts with a fresh state"


def until_text(until: float) -> str:
    """`epoch 3`, or `25%` of the training."""
    return f"{show(until)} of the training" if isinstance(until, Percent) else f"epoch {show(until)}"


def resting(windows: dict[str, list[Window]]) -> list[str]:
    """Which norms use and keep their running statistics in training, and when. windows: when parts of each learn."""
    times: dict[Window, list[str]] = {}
    for layer, parts in windows.items():
        learns = [part for part in parts if not part.is_empty]
        when = Window(min(part.begin for part in learns), max(part.end for part in learns)) if learns else NEVER
        if when != ALWAYS:
            times.setdefault(when, []).append(layer)
    text = "frozen norms use their running statistics without updating them"
    return [f"{text}{_rest_text(when)}: {_listed(layers)}" for when, layers in sorted(times.items())]


def _rest_text(when: Window) -> str:
    """From when to when norms rest whose parts learn in a window."""
    if when.is_empty:
        return ""
    first = f" up to step {math.ceil(when.begin):,}" if when.begin else ""
    last = f" from step {math.ceil(when.end) + 1:,} on" if when.end < math.inf else ""
    return " and".join(part for part in (first, last) if part)


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
        "see `train.start`"
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
