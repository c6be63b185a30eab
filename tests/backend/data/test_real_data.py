"""The published data sets, where $SPECC_DATA holds them."""

import os
from pathlib import Path

import pytest
import torch

from tests.helpers.tiny_data import images_of, read

PLACE = Path(os.environ.get("SPECC_DATA", "/nowhere"))


def needs(folder: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not (PLACE / folder).is_dir(), reason=f"$SPECC_DATA holds no {folder}")


@needs("fashion-mnist")
def test_fashion_mnist() -> None:
    data = read("fashion_mnist", data_dir=PLACE)
    assert len(data.train) == 60_000 and len(data.validation) == 10_000
    assert data.train.labels.bincount().tolist() == [6000] * 10
    assert (round(data.mean[0], 4), round(data.std[0], 4)) == (0.2860, 0.3530)


@needs("cifar-10-batches-bin")
def test_cifar10() -> None:
    data = read("cifar10", data_dir=PLACE)
    assert data.train.labels.bincount().tolist() == [5000] * 10 and data.classes[0] == "airplane"
    assert data.validation.labels.bincount().tolist() == [1000] * 10
    published = torch.tensor([0.4914, 0.4822, 0.4465]), torch.tensor([0.2470, 0.2435, 0.2616])
    assert torch.allclose(torch.tensor(data.mean), published[0], atol=1e-3)
    assert torch.allclose(torch.tensor(data.std), published[1], atol=5e-3)
    assert images_of(data.train).nbytes + images_of(data.validation).nbytes == 60_000 * 3072
