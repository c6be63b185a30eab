"""How large a batch fits into the memory of a device: an estimate from the graph, and a trial step."""

import re
from pathlib import Path
from typing import NamedTuple

import torch

from specc.backend.data.dataset import DataSet, load
from specc.backend.data.memory import free_memory
from specc.backend.device import find
from specc.backend.train.job import is_out_of_memory, prepare
from specc.check import Checked, Trainable
from specc.errors import SpeccError
from specc.ir.weights import frozen_parameters
from specc.report.layers import activation_bytes, byte_text

COPIES = 2  # of each activation: kept for the gradient, and its own gradient or what a layer works in
STATES = 5  # numbers for each weight that learns: itself, its gradient, two that an optimizer remembers, its mean
USED = 0.9  # of what is free
ASKED = re.compile(r"allocate ([\d.]+ ?[KMGT]?i?B|\d+ bytes)")


class Fitted(NamedTuple):
    """What fits: batch and accumulate for the spec, and in words why."""

    batch: int
    accumulate: int
    said: str


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


def fit(checked: Checked, *, device: str, data_dir: Path | None, base: Path) -> Fitted:
    """The largest batch, up to the spec's, that fits: by estimate, and then by a step that is tried.

    Raises SpeccError E448 where none does, and as `prepare` does.
    """
    spec = checked.trainable()
    settings = spec.train
    place = find(device)
    dataset = load(spec.data, data_dir=data_dir, seed=settings.seed, base=base)
    size = estimate(spec, place)
    while size:
        accumulate = settings.accumulate * settings.batch // size
        if _is_tried(spec, size, accumulate, device, data_dir, base, dataset):
            free, takes = byte_text(room(place)), byte_text(needed(spec, size))
            said = f"batches of {size} fit: {takes} by estimate, {free} free on {place}, and a trial step went well"
            if size != settings.batch:
                said += f"; train.batch = {size} and train.accumulate = {accumulate} in place of {settings.batch}"
            return Fitted(size, accumulate, said)
        size = smaller(settings.batch, size)
    raise SpeccError(
        "E448",
        f"not one image fits into the memory of {place}: {byte_text(needed(spec, 1))} needed, "
        f"{byte_text(room(place))} free",
        help="smaller images (`resize`) or a narrower network",
    )


def _is_tried(
    spec: Trainable, size: int, accumulate: int, device: str, data_dir: Path | None, base: Path, dataset: DataSet
) -> bool:
    """Whether a step and a batch of the evaluation go well."""
    changed = spec._replace(train=spec.train.replace(batch=size, accumulate=accumulate))
    try:
        trainer = prepare(changed, device, data_dir, base, dataset=dataset).trainer
        trainer.step()
        with torch.no_grad():
            images, _ = next(iter(trainer.loader.validation()))
            trainer.state.net.eval()(images)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return False
    finally:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    return True


def out_of_memory(spec: Trainable, batch: int, device: torch.device, error: BaseException) -> SpeccError:
    """E448: what was asked for, what there is, and what would fit by estimate. batch: images that were tried."""
    asked = ASKED.search(str(error))
    how_much = f": {asked[1]} asked for at once, {byte_text(room(device))} free" if asked else ""
    message = f"batches of {batch} images do not fit into the memory of {device}{how_much}; the last checkpoint is kept"
    size = smaller(batch, min(batch, estimate(spec, device) + 1)) or 1
    steps = spec.train.accumulate * batch // size
    help = f"train.batch = {size} with train.accumulate = {steps} makes the same steps from less memory"
    return SpeccError("E448", message, help=f"{help}; --fit finds the largest batch that fits")
