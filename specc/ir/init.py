"""`init=auto`: how each kernel starts, decided by what follows it. The pass names no layer: it asks each op.

From a kernel, every path is followed through norms, pools, merges and blocks, to the first activation or the next
kernel. What is there decides, and where paths differ, the first of `specc.ops.activity.Kind`. A kernel from which no
path leads to another one gives the logits, and starts small whatever follows it.
"""

import math
from typing import NamedTuple

from specc.ir.graph import Graph, Node
from specc.ops.activity import LINEAR, Activity, Kind
from specc.ops.signal_joins import First
from specc.values import Args, Bound
from specc.vocabulary.family import Initializer
from specc.vocabulary.registry import call, component
from specc.vocabulary.weight import Drawn

AUTO = "auto"
LOGITS = ("normal", {"std": 0.01})


class Follower(NamedTuple):
    """What follows a kernel, and at which node; of several of one kind the smallest slope counts, then the nearest."""

    activity: Activity
    node: int


class Behind(NamedTuple):
    """What lies behind a node. followers: the one that counts of each kind, the deciding one first.
    leads_on: a path leads to another kernel."""

    followers: tuple[Follower, ...] = ()
    leads_on: bool = False


class Choice(NamedTuple):
    """How a kernel starts, and why. written: the spec says so itself. followers: as in `Behind`; none decides where
    the kernel gives the logits."""

    init: Bound
    written: bool
    gives_logits: bool
    followers: tuple[Follower, ...]


def settle_inits(graph: Graph) -> None:
    """Replace `init=auto` by what it stands for. What is chosen has no span, since nobody wrote it."""
    behind = _behind(graph)
    for node in graph.nodes:
        if node.op.takes("init") and node.args.init == AUTO:
            init = choose(_behind_uses(node, behind))
            node.args = Args(**{**node.args.as_dict(), "init": init})


def choices(graph: Graph) -> dict[int, Choice]:
    """Of each node whose kernel is drawn, after `settle_inits`; of a shared kernel that of its first use."""
    behind = _behind(graph)
    by_node = {}
    for node in graph.nodes:
        init = initializer(graph, node)
        if init is not None and node.owns:
            uses = _behind_uses(node, behind)
            by_node[node.index] = Choice(init, init.span is not None, not uses.leads_on, uses.followers)
    return by_node


def initializer(graph: Graph, node: Node) -> Bound | None:
    """What draws a layer's kernel; None for a layer without one, and for one whose kernel is not drawn."""
    kernel = graph.kernel(node)
    return kernel.start.init if kernel is not None and isinstance(kernel.start, Drawn) else None


def choose(behind: Behind) -> Bound:
    """The initializer for a kernel."""
    if not behind.leads_on:
        name, given = LOGITS
        return call(Initializer, name, **given)
    activity = behind.followers[0].activity
    match activity.kind:
        case Kind.RECTIFIER:
            return call(Initializer, "he_normal", slope=activity.slope)
        case Kind.SATURATING:
            return call(Initializer, "glorot_uniform")
        case Kind.SELF_NORMALIZING | Kind.LINEAR:
            return call(Initializer, "lecun_normal")


def end_scale(graph: Graph) -> float:
    """How large the last kernel starts where `auto` chose so, with `he_normal`'s start as the unit; else 1.

    All gradients before it have this factor until it has grown, which takes a few steps. So where gradients of the
    first and the last layer are compared, and the bounds were measured with `he_normal`, it is divided out.
    """
    kernels = [node for node in graph.nodes if graph.kernel(node) is not None and not node.head]
    init = initializer(graph, kernels[-1]) if kernels else None
    variance = component(Initializer, init).variance if init and init.span is None else None
    if init is None or variance is None:
        return 1.0
    kernel = graph.kernel(kernels[-1])
    assert kernel is not None and isinstance(kernel.start, Drawn)
    return math.sqrt(variance(kernel.start.fans, init.args) * kernel.start.fans.into / 2)


def _behind_uses(node: Node, behind: list[Behind]) -> Behind:
    """What lies behind a node's kernel, wherever it is used: shared ones have several uses."""
    return _together([behind[use.index] for use in node.uses])


def _behind(graph: Graph) -> list[Behind]:
    """What lies behind each node. A node is asked once, so this is linear in the edges."""
    parts: list[list[Behind]] = [[] for _ in graph.nodes]
    behind = [Behind()] * len(graph.nodes)
    for node in reversed(graph.nodes):
        behind[node.index] = _together(parts[node.index])
        seen = _seen_from_before(graph, node, behind[node.index])
        inputs = node.inputs[:1] if isinstance(node.op.signal, First) else node.inputs
        for i in inputs:
            parts[i].append(seen)
    return behind


def _seen_from_before(graph: Graph, node: Node, behind: Behind) -> Behind:
    """What a path finds that reaches a node."""
    if graph.kernel(node) is not None:
        return Behind((Follower(LINEAR, node.index),), leads_on=True)
    activity = node.op.activity(node.args)
    return behind if activity is None else Behind((Follower(activity, node.index),), behind.leads_on)


def _together(parts: list[Behind]) -> Behind:
    """Several paths: of each kind of follower the one that counts."""
    first: dict[Kind, Follower] = {}
    for follower in sorted(follower for part in parts for follower in part.followers):
        first.setdefault(follower.activity.kind, follower)
    return Behind(tuple(first.values()), any(part.leads_on for part in parts))
