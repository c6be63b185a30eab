"""Runs of every task, written without training: small networks with drawn weights, on data made here."""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from specc.backend.build import build
from specc.backend.data.dataset import DataSet
from specc.backend.data.split import Resident
from specc.backend.run.manifest import about_data, meaning_of
from specc.backend.run.weights import weights_bytes
from specc.backend.tasks.bound import BoundTask, Scale, bind
from specc.check import check
from specc.source import Source
from specc.tasks import CLASSIFICATION, MULTILABEL, REGRESSION, SEGMENTATION

COUNT, SIDE = 60, 12
SPEC = """
data {{ source = npz("pictures.npz"); normalize = standard {data} }}
network Tiny {{ input(3, {side}x{side}); {body} }}
train {{ epochs = 1; loss = {loss} {train} }}
export {{ {export} }}
"""
VECTOR = "conv(8) -> batch_norm -> relu -> conv(8, 3x3, stride=2) -> relu -> global_avg_pool -> dense({outputs})"
MAP = "conv(8) -> batch_norm -> relu -> conv(8) -> relu -> conv({outputs}, 1x1)"
SCALE = Scale((1990.0, 0.5), (8.0, 0.02))
TASKS: dict[str, tuple[BoundTask, str, str]] = {
    "classification": (bind(CLASSIFICATION, ("red", "green", "blue")), VECTOR, "cross_entropy"),
    "multi-label": (bind(MULTILABEL, ("sea", "sky", "sun", "<b>")), VECTOR, "binary_cross_entropy"),
    "regression": (bind(REGRESSION, ("year", "share"), scale=SCALE), VECTOR, "mse"),
    "segmentation": (bind(SEGMENTATION, ("ground", "cell", "edge"), ignore=255), MAP, "cross_entropy"),
}


class Made(NamedTuple):
    """A run, and the data that it is of."""

    path: Path
    dataset: DataSet

    def images(self) -> np.ndarray:
        """The validation images, uint8 N x C x H x W."""
        split = self.dataset.validation
        assert isinstance(split, Resident)
        return split.images.numpy()


def write_run(
    folder: Path, task: str, *, data: str = "", train: str = "", export: str = "", bound: BoundTask | None = None
) -> Made:
    """A run of a task in `folder`; its labels are the network's own answers, some of them changed."""
    known, body, loss = TASKS[task]
    bound = bound or known
    body = body.format(outputs=len(bound.outputs))
    text = SPEC.format(side=SIDE, body=body, loss=loss, data=data, train=train, export=export)
    checked = check(Source("tiny.cnn", text))
    assert not checked.errors, checked.errors
    spec = checked.trainable()
    draw = np.random.default_rng(0)
    light = draw.integers(0, 160, (COUNT, 3, 1, 1))
    images = torch.from_numpy((light + draw.integers(0, 96, (COUNT, 3, SIDE, SIDE))).astype(np.uint8))
    torch.manual_seed(0)
    net = build(spec.graph).eval()
    pixels = images.double() / 255
    mean, std = pixels.mean(dim=(0, 2, 3)).tolist(), pixels.std(dim=(0, 2, 3), correction=0).tolist()
    with torch.no_grad():
        _spread(net, (pixels.float() - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1))
        outputs = net((pixels.float() - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1))
    half = COUNT // 2
    labels = _labels(bound, outputs, draw)
    splits = [Resident(images[part], labels[part]) for part in (slice(half), slice(half, COUNT))]
    dataset = DataSet(
        name="npz", classes=bound.outputs, shape=(3, SIDE, SIDE), train=splits[0], validation=splits[1],
        mean=tuple(mean), std=tuple(std), hash="0" * 64, validated_on="the other half, 30 images", seed=0,
        is_split=False, train_counts=(), task=bound,
    )  # fmt: skip
    folder.mkdir(parents=True)
    info: dict[str, Any] = {
        "format": 1, "name": "Tiny", "data_dir": None, "device": "cpu", "base": ".", "versions": {"specc": "0.1"},
        "spec_sha256": hashlib.sha256(spec.resolved.encode()).hexdigest(), "steps_per_epoch": 1, **about_data(dataset),
    }  # fmt: skip
    (folder / "spec.cnn").write_text(spec.resolved)
    (folder / "run.json").write_text(json.dumps(info))
    (folder / "best.safetensors").write_bytes(weights_bytes(net.state_dict(), meaning_of(info)))
    return Made(folder, dataset)


def _spread(net: torch.nn.Module, images: Tensor) -> None:
    """Give the last layer such weights that every output varies about 0."""
    last = [module for module in net.modules() if isinstance(module, torch.nn.Conv2d | torch.nn.Linear)][-1]
    outputs = net(images).movedim(1, -1).reshape(-1, len(last.weight))
    assert last.bias is not None
    last.bias -= outputs.mean(dim=0)
    scale = 2 / outputs.std(dim=0)
    last.weight *= scale.view(-1, *[1] * (last.weight.dim() - 1))
    last.bias *= scale


def _labels(task: BoundTask, outputs: Tensor, draw: np.random.Generator) -> Tensor:
    if task.facts == REGRESSION:
        return outputs + torch.from_numpy(0.3 * draw.normal(size=tuple(outputs.shape))).float()
    noisy = outputs + torch.from_numpy(draw.normal(size=tuple(outputs.shape)))
    if task.facts == MULTILABEL:
        return (noisy > 0).float()
    labels = noisy.argmax(dim=1)
    if task.facts == CLASSIFICATION:
        return labels
    labels[:, 0] = 255
    return labels.to(torch.uint8)
