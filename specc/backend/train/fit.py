"""How large a batch fits into the memory of a device: an estimate from the graph, and a trial step."""

from pathlib import Path
from typing import NamedTuple

import torch

from specc.backend.data.dataset import load
from specc.backend.device import find
from specc.backend.evaluation.losses import weighted_losses
from specc.backend.execution.recompute import need
from specc.backend.memory import NARROWER, USED, is_out_of_memory, room, smaller
from specc.backend.precision import choose
from specc.backend.train.prepare import Request, prepare
from specc.check import Checked
from specc.errors import SpeccError
from specc.report.layers import byte_text


class Fitted(NamedTuple):
    """What fits: batch and accumulate for the spec, and in words why."""

    batch: int
    accumulate: int
    said: str


def fit(checked: Checked, *, device: str, data_dir: Path | None, base: Path) -> Fitted:
    """The largest batch, up to the spec's, that fits: by estimate, and then by a step that is tried.

    Raises SpeccError E448 where none does, and as `prepare` does.
    """
    spec = checked.trainable()
    settings = spec.train
    place = find(device)
    dataset = load(spec.data, data_dir=data_dir, base=base)
    request = Request(spec, device, data_dir, base, dataset=dataset)
    precision = choose(settings.precision, place, settings.part * spec.graph.total_macs)
    losses = weighted_losses(settings, dataset)
    size = settings.batch
    while size:
        accumulate = settings.accumulate * settings.batch // size
        changed = spec._replace(train=settings.replace(batch=size, accumulate=accumulate))
        weighted = changed._replace(train=changed.train.replace(loss=losses))
        takes, free = need(weighted, size, precision, place, dataset.task).least, room(place)
        if takes.step <= USED * free and _is_tried(request._replace(spec=changed)):
            estimated = f"{byte_text(takes.step)} estimated, {byte_text(free)} free on {place}"
            said = f"batches of {size} fit: {estimated}, and a trial step succeeded"
            if takes.ends:
                said += "; parts of the forward pass are computed twice"
            if size != settings.batch:
                said += f"; train.batch = {size} and train.accumulate = {accumulate} instead of {settings.batch}"
            return Fitted(size, accumulate, said)
        size = smaller(settings.batch, size, settings.shards)
    raise SpeccError(
        "E448",
        f"not even one image fits in the memory of {place}: {byte_text(takes.step)} needed, {byte_text(free)} free",
        help=NARROWER,
    )


def _is_tried(request: Request) -> bool:
    """Whether a step and a batch of the evaluation go well."""
    try:
        trainer = prepare(request).trainer
        trainer.growth = None  # images of full size take the most
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
