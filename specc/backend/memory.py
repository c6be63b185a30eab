"""How much memory a training step takes, by estimate, and the error where there is not enough."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import NamedTuple

import torch

from specc.backend.data.memory import free_memory
from specc.backend.device import find
from specc.backend.ordered_sum import cost
from specc.check import Trainable
from specc.errors import SpeccError, counted
from specc.ir.graph import Graph
from specc.ir.weights import frozen_parameters
from specc.report.layers import activation_bytes, byte_text
from specc.tricks.sections import TrainSettings

COPIES = 2  # of each activation: kept for the gradient, and its own gradient or what a layer works in
STATES = 5  # numbers for each weight that learns: itself, its gradient, two that an optimizer remembers, its mean
USED = 0.9  # of what is free
OF_OTHERS = ("can't allocate memory", "MPS backend out of memory")
NARROWER = "use smaller images (`resize`) or a narrower network"
LESS = "end other programs; a smaller `batch` or `resize` needs less"
GPU = re.compile(r"\bGPU (\d+)\b")
ASKED = re.compile(r"allocate ([\d.]+ ?[KMGT]?i?B|\d+ bytes)")


def room(device: torch.device) -> int:
    """Bytes that a training may take on the device."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0]) + torch.cuda.memory_reserved(device)
    return free_memory()


def needed(spec: Trainable, batch: int, world: int = 1) -> int:
    """Bytes that a step with so many images takes, by estimate: activations, weights and what they need, in fp32.

    world: the processes that divide its shards; what is told is what each of them takes.
    """
    shards, train = spec.train.shards, spec.train
    frozen = frozen_parameters(spec.graph, train.frozen)
    states = STATES + (train.passes > 1)  # and what it was before it was moved between two passes
    numbers = states * (spec.graph.parameters - frozen) + frozen
    if shards > 1:
        is_exact = train.plan is None or train.plan.args.across == "exact"
        numbers += cost(shards, world, is_exact=is_exact).held * moved_numbers(spec.graph, train)
    return 4 * numbers + COPIES * max(1, batch // shards) * activation_bytes(spec.graph)


def moved_numbers(graph: Graph, settings: TrainSettings) -> int:
    """How many numbers a shard adds to a step: the gradients, and the running statistics."""
    learning = graph.parameters - frozen_parameters(graph, settings.frozen)
    statistics = (graph.statistics(node) for node in graph.nodes if node.owns)
    return learning + sum(prod(one.shape) for of_node in statistics for one in of_node if one.shape)  # no counters


class PerDevice(NamedTuple):
    """What a training takes of each of `world` devices, by estimate.

    shards: that it computes. images: of a batch. memory: bytes. sent: bytes that it sends in a step. plain: the same
    where gradients are added up by a plain all-reduce.
    """

    world: int
    shards: int
    images: int
    memory: int
    sent: int
    plain: int


def per_device(spec: Trainable, world: int) -> PerDevice:
    """The estimate for so many processes, each on a device of its own; they divide the spec's shards."""
    train = spec.train
    is_exact = train.plan is None or train.plan.args.across == "exact"
    spent, numbers = cost(train.shards, world, is_exact=is_exact), 4 * moved_numbers(spec.graph, train)
    memory = needed(spec, train.batch, world)
    sent, plain = round(spent.sent * numbers), round(spent.plain * numbers)
    return PerDevice(world, train.shards // world, train.batch // world, memory, sent, plain)


def smaller(batch: int, than: int, multiple: int = 1) -> int:
    """The largest divisor of a batch below `than`; 0 where there is none, so that accumulated batches add up to it.

    multiple: it is a multiple of so many shards.
    """
    sizes = range(min(than - 1, batch), 0, -1)
    return next((size for size in sizes if batch % size == 0 and size % multiple == 0), 0)


def estimate(spec: Trainable, device: torch.device) -> int:
    """The largest divisor of the spec's batch that fits by estimate; 0 where not one image does."""
    size = batch = spec.train.batch
    while size and needed(spec, size) > USED * room(device):
        size = smaller(batch, size, spec.train.shards)
    return size


def refuse_oversized(graph: Graph, device: torch.device, learning: int = 0) -> None:
    """Raise SpeccError E448, before anything is allocated, for a network whose weights do not fit into memory.

    learning: how many of them are to have a gradient. What else is needed, such as activations, is not counted.
    """
    weights, gradients, free = 4 * graph.parameters, 4 * learning, room(device)
    if weights + gradients <= free:
        return
    more = f", and their gradients {byte_text(gradients)}" if gradients else ""
    what = f"{graph.parameters:,} weights take {byte_text(weights)}{more}; {byte_text(free)} are free"
    raise SpeccError("E448", f"the network does not fit in the memory of {device}: {what}", help=NARROWER)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: torch.OutOfMemoryError is one; those of CPU and MPS have no class."""
    return isinstance(error, torch.OutOfMemoryError) or any(words in str(error) for words in OF_OTHERS)


@contextmanager
def memory_explained(spec: Trainable, device: str, *, trains: bool = True) -> Iterator[None]:
    """Raise SpeccError E448 where memory runs out while a network is prepared for a device, or run on it; or would.

    spec: with the batch that is tried. trains: the help is about steps, not about a single batch.
    """
    learning = spec.graph.parameters - frozen_parameters(spec.graph, spec.train.frozen)
    refuse_oversized(spec.graph, find(device), learning)
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise out_of_memory(spec, spec.train.batch, find(device), error, trains=trains) from error


def out_of_memory(
    spec: Trainable, batch: int, device: torch.device, error: BaseException, *, kept: str = "", trains: bool = True
) -> SpeccError:
    """E448: what was asked for, what there is, and what would fit by estimate.

    batch: images that were tried. kept: what is left of a training, for the end of the message. trains: as above.
    """
    message = f"batches of {counted(batch, 'image')} do not fit in the memory of {device}{_asked(error, device)}"
    size = smaller(batch, min(batch, estimate(spec, device) + 1), spec.train.shards)
    if not size:
        help = NARROWER
    elif not trains:
        help = f"train.batch = {size} needs less"
    else:
        steps = spec.train.accumulate * batch // size
        help = f"train.batch = {size} with train.accumulate = {steps} takes the same steps in less memory; "
        help += "`specc train --fit` finds the largest batch that fits"
    return SpeccError("E448", message + (f"; {kept}" if kept else ""), help=help)


def not_enough(error: BaseException) -> SpeccError:
    """E448 for what is not known to be a batch."""
    gpu = GPU.search(str(error))
    device = torch.device(f"cuda:{gpu[1]}" if gpu else "cpu")
    help = "give another --device, such as cpu, or end other programs that use it" if gpu else LESS
    return SpeccError("E448", f"there is not enough memory on {device}{_asked(error, device)}", help=help)


def _asked(error: BaseException, device: torch.device) -> str:
    asked = ASKED.search(str(error))
    return f": {asked[1]} requested at once, {byte_text(room(device))} free" if asked else ""
