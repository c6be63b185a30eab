"""A finished run, measured: how good its last weights are on images as they are."""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from specc.backend.build import build
from specc.backend.data.dataset import DataSet
from specc.backend.data.loader import validation_batches
from specc.backend.data.subset import part_of
from specc.backend.evaluation.evaluate import evaluate, refuse_not_finite
from specc.backend.evaluation.losses import loss_of
from specc.backend.evaluation.totals import Evaluation
from specc.backend.precision import choose
from specc.backend.run.files import LAST
from specc.backend.run.weights import load_weights
from specc.check import Trainable

MOST = 10_000  # images


def on_training_images(spec: Trainable, run: Path, dataset: DataSet, device: torch.device) -> Evaluation:
    """The last weights of a run on at most 10,000 of its training images, drawn from `data.seed`, un-augmented.

    The figures of the training itself are over an epoch, of augmented images and with dropout: they say nothing about
    the gap to the validation images, which are seen as they are.

    Raises SpeccError: E442 to E445 as `load_weights` does, E465 where answers are not finite.
    """
    some = part_of(dataset.train, dataset.task, MOST, dataset.seed, "measured")
    return _measured(spec, run, dataset._replace(validation=some), device, "training images")


def on_validation_images(spec: Trainable, run: Path, dataset: DataSet, device: torch.device) -> Evaluation:
    """The last weights of a run on its validation images; raises as `on_training_images`."""
    return _measured(spec, run, dataset, device, "validation images")


def _measured(spec: Trainable, run: Path, dataset: DataSet, device: torch.device, words: str) -> Evaluation:
    graph, settings, data = spec.graph, spec.train, spec.data
    net = build(graph)
    load_weights(net, run / LAST)
    net.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        return validation_batches(dataset, data, settings.batch, device)

    loss = loss_of(settings, dataset, device)
    precision = choose(settings.precision, device, settings.batch * graph.total_macs)
    tta = settings.evaluate.args if settings.evaluate else None  # as the validation images are seen
    evaluation = evaluate(net, batches(), dataset.task, loss, precision, tta)
    refuse_not_finite(evaluation, net.eval(), batches(), words)
    return evaluation
