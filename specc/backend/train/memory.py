"""How much memory a step of a training takes, by estimate, and what is said where there is not enough."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from specc.backend.data.memory import free_memory
from specc.backend.device import find
from specc.check import Trainable
from specc.errors import SpeccError
from specc.ir.weights import frozen_parameters
from specc.report.layers import activation_bytes, byte_text

COPIES = 2  # of each activation: kept for the gradient, and its own gradient or what a layer works in
STATES = 5  # numbers for each weight that learns: itself, its gradient, two that an optimizer remembers, its mean
USED = 0.9  # of what is free
ASKED = re.compile(r"allocate ([\d.]+ ?[KMGT]?i?B|\d+ bytes)")


def room(device: torch.device) -> int:
    """Bytes that a training may take on the device."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0]) + torch.cuda.memory_reserved(device)
    return free_memory()


def needed(spec: Trainable, batch: int) -> int:
    """Bytes that a step with so many images takes, by estimate: activations, weights and what they need, in fp32."""
    frozen = frozen_parameters(spec.graph, spec.train.freeze or ())
    numbers = STATES * (spec.graph.parameters - frozen) + frozen
    return 4 * numbers + COPIES * batch * activation_bytes(spec.graph)


def smaller(batch: int, than: int) -> int:
    """The largest divisor of a batch below `than`; 0 where there is none, so that accumulated batches add up to it."""
    return next((size for size in range(min(than - 1, batch), 0, -1) if batch % size == 0), 0)


def estimate(spec: Trainable, device: torch.device) -> int:
    """The largest divisor of the spec's batch that fits by estimate; 0 where not one image does."""
    size = batch = spec.train.batch
    while size and needed(spec, size) > USED * room(device):
        size = smaller(batch, size)
    return size


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether memory ran out: torch.OutOfMemoryError is one; the CPU's allocator has no class of its own."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


@contextmanager
def memory_explained(spec: Trainable, device: str) -> Iterator[None]:
    """Raise SpeccError E448 where memory runs out while the training of a spec is prepared for a device."""
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise out_of_memory(spec, spec.train.batch, find(device), error) from error


def out_of_memory(spec: Trainable, batch: int, device: torch.device, error: BaseException) -> SpeccError:
    """E448: what was asked for, what there is, and what would fit by estimate. batch: images that were tried."""
    asked = ASKED.search(str(error))
    how_much = f": {asked[1]} requested at once, {byte_text(room(device))} free" if asked else ""
    message = f"batches of {batch} images do not fit in the memory of {device}{how_much}; the last checkpoint is kept"
    size = smaller(batch, min(batch, estimate(spec, device) + 1)) or 1
    steps = spec.train.accumulate * batch // size
    help = f"train.batch = {size} with train.accumulate = {steps} takes the same steps in less memory"
    return SpeccError("E448", message, help=f"{help}; --fit finds the largest batch that fits")
