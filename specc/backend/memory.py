"""How much memory a training step takes, by estimate, and the error where there is not enough."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from specc.backend.data.memory import free_memory
from specc.backend.device import find
from specc.check import Trainable
from specc.errors import SpeccError, counted
from specc.ir.weights import frozen_parameters
from specc.report.layers import activation_bytes, byte_text

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


def needed(spec: Trainable, batch: int) -> int:
    """Bytes that a step with so many images takes, by estimate: activations, weights and what they need, in fp32."""
    frozen = frozen_parameters(spec.graph, spec.train.frozen)
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


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: torch.OutOfMemoryError is one; those of CPU and MPS have no class."""
    return isinstance(error, torch.OutOfMemoryError) or any(words in str(error) for words in OF_OTHERS)


@contextmanager
def memory_explained(spec: Trainable, device: str, *, trains: bool = True) -> Iterator[None]:
    """Raise SpeccError E448 where memory runs out while a network is prepared for a device, or run on it.

    spec: with the batch that is tried. trains: the help is about steps, not about a single batch.
    """
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
    size = smaller(batch, min(batch, estimate(spec, device) + 1))
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
