"""Whether what frozen layers make of each image is computed once and kept, and where."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from math import prod
from typing import Any, NamedTuple

from torch import Tensor

from specc.backend.build import Net
from specc.backend.data.features import Place, folder_for
from specc.backend.data.loader import DataLoader
from specc.backend.data.memory import free_memory
from specc.backend.engine.features import Features, frontier
from specc.backend.engine.trainer import Trainer, length
from specc.backend.engine.windows import constant_nodes, thaw_step
from specc.backend.execution.compile import compiled
from specc.backend.execution.plan import BEGUN, SPEC_SAYS, Plan
from specc.backend.ranks import ALONE, Ranks
from specc.errors import counted
from specc.ir.graph import Graph
from specc.report.layers import byte_text
from specc.tricks.sections import TrainSettings
from specc.vocabulary.family import Clock

MEMORY, CACHE, RECOMPUTED = "computed once, kept in memory", "computed once, kept in the cache", "recomputed"
PER_BYTE = 50  # multiply-accumulates that a kept byte has to save: fewer take no longer than reading it
PASSES = 2  # over the training images, at least, in which features are used
SHARE = 2  # of the free memory, that features may take: a half


class Frozen(NamedTuple):
    """What stands still.

    constant: the nodes. until: the step up to which. size: the features of an image, in numbers. macs: what these take,
    in multiply-accumulates. names: of the last of these nodes. noise: a word that makes frozen layers after it give
    other numbers each time; "" for none.
    """

    constant: frozenset[int]
    until: float
    size: int
    macs: int
    names: str
    noise: str


def frozen(graph: Graph, settings: TrainSettings, loader: DataLoader) -> Frozen | None:
    """What stands still from the first step on; None where that is no layer that computes anything."""
    per_epoch, total = length(settings, loader)
    clock = Clock(0, per_epoch, total)
    until = thaw_step(settings, clock)
    constant = constant_nodes(graph, settings, clock, min(until, total))
    macs = sum(graph.macs(node) for node in graph.nodes if node.index in constant)
    if not macs:
        return None
    still = constant_nodes(graph, settings, clock, min(until, total), but_for_noise=True)
    beyond = [graph.nodes[i] for i in sorted(still - constant)]
    noise = beyond[0].op.name if any(map(graph.macs, beyond)) else ""
    nodes = [graph.nodes[i] for i in frontier(graph, constant)]
    names = ", ".join(node.name for node in nodes)
    return Frozen(frozenset(constant), until, sum(prod(node.shape) for node in nodes), macs, names, noise)


def choose(
    plan: Plan,
    net: Net,
    loader: DataLoader,
    settings: TrainSettings,
    begun: Mapping[str, Any] | None,
    ranks: Ranks = ALONE,
) -> tuple[Plan, Frozen | None, Place | None]:
    """The plan with what becomes of the features of frozen layers; these layers and where the features are kept.

    begun: the run.json of a run that is resumed, which goes on as it began. None and None where nothing is kept.
    """
    still = frozen(net.graph, settings, loader)
    if still is None:
        return plan, None, None
    why = _against(still, settings, loader, begun)
    place: Place | None = None
    if not why:
        where, why, place = _where(plan, net, loader, still, ranks)
    else:
        where = RECOMPUTED
    plan = plan._replace(features=where, reasons={**plan.reasons, "features": why})
    if place is not None and still.until >= length(settings, loader)[1]:
        plan = plan._replace(open=frozenset())  # what a trial would measure is not what is trained
    return plan, still if place else None, place


def _against(still: Frozen, settings: TrainSettings, loader: DataLoader, begun: Mapping[str, Any] | None) -> str:
    """What speaks against keeping features, in words; "" for nothing."""
    if settings.plan is not None and settings.plan.args.features == "recompute":
        return SPEC_SAYS
    if loader.data.augment:
        return f"images are augmented: `{loader.data.augment[0].name}` gives others in each epoch"
    if loader.data.progressive:
        return "images grow: `progressive` gives others later on"
    if begun is not None:
        is_kept = str(begun.get("plan", {}).get("features", {}).get("is", "")) in (MEMORY, CACHE)
        return "" if is_kept else BEGUN
    if 4 * still.size * PER_BYTE > still.macs:
        until = f"; after them, `{still.noise}` is random" if still.noise else ""
        return f"{_numbers(still)} for each image take as long to read as to compute{until}"
    per_epoch, total = length(settings, loader)
    if min(still.until, total) < PASSES * per_epoch:
        return f"they would be used for fewer than {PASSES} epochs"
    return ""


def _where(plan: Plan, net: Net, loader: DataLoader, still: Frozen, ranks: Ranks) -> tuple[str, str, Place | None]:
    """Where features are kept, why, and the place; the first process decides for all."""
    images = len(loader.dataset.train) + len(loader.dataset.validation)
    needed = 4 * still.size * images
    each = f"{_numbers(still)} for each of {counted(images, 'image')}"
    what = f"frozen up to {still.names}, images are not augmented: {each}"
    what += f"; after that, `{still.noise}` is random" if still.noise else ""
    free = free_memory()
    fits, free = ranks.broadcast([needed * ranks.local_world <= free // SHARE, free])
    if fits:
        return MEMORY, f"{what}, {byte_text(needed)}", Place()
    beside = f"{what}, {byte_text(needed)}; {byte_text(free)} of memory are free"
    folder = folder_for(_key(plan, net, loader, still), needed)
    if ranks.highest(int(folder is None))[0] or folder is None:
        return RECOMPUTED, f"{beside}, and the cache has no room", None
    return CACHE, beside, Place(folder)


def _numbers(still: Frozen) -> str:
    return counted(still.size, "number")


def _key(plan: Plan, net: Net, loader: DataLoader, still: Frozen) -> tuple[object, ...]:
    """What features depend on."""
    digest = sha256()
    for name, layer in net.layers.items():
        node = next(node for node in net.graph.nodes if node.name == name)
        if node.index in still.constant:
            digest.update(repr((name, node.op.name, node.args, node.inputs)).encode())
            for key, value in layer.state_dict().items():
                digest.update(key.encode() + value.detach().cpu().contiguous().reshape(-1).numpy().tobytes())
    dataset = loader.dataset
    of_images = (dataset.hash, dataset.mean, dataset.std, dataset.seed, dataset.validated_on, len(dataset.train))
    return (digest.hexdigest(), still.names, of_images, repr(loader.data), plan.precision.name, plan.device.type)


def keep_features(
    trainer: Trainer, plan: Plan, loader: DataLoader, still: Frozen, place: Place, forward: Callable[[Tensor], Any]
) -> None:
    """Let a trainer take its steps from features. forward: the network's forward pass."""
    features = Features(trainer.state.net, loader, plan.precision, still.constant, still.until, place)
    of_tail = compiled(features.tail) if plan.compiled else features.tail
    trainer.features = features
    trainer.compute.forward = features.beside(forward, of_tail)
