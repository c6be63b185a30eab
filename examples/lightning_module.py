"""A specc network inside a Lightning module: Lightning trains, the file describes the network.

pip install lightning
python examples/lightning_module.py [SPEC]
"""

import sys
from pathlib import Path

import lightning
import torch
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

import specc

DIGITS = Path(__file__).parent / "digits.cnn"


class Classifier(lightning.LightningModule):
    """The network of a spec. It takes normalized images, N x C x H x W, and gives logits."""

    def __init__(self, spec: specc.Spec, lr: float = 2e-3) -> None:
        super().__init__()
        self.net = spec.build()
        self.lr = lr

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.net(images)

    def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
        images, labels = batch
        return cross_entropy(self(images), labels)

    def validation_step(self, batch: list[torch.Tensor], index: int) -> None:
        images, labels = batch
        self.log("val_accuracy", (self(images).argmax(dim=1) == labels).float().mean(), prog_bar=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=self.lr)


def loaders(batch: int = 64) -> tuple[DataLoader, DataLoader]:
    """The digits of scikit-learn, standardized: four fifths to train on, a fifth to validate on."""
    digits = load_digits()
    images = torch.from_numpy(digits.images).float()[:, None]
    images = (images - images.mean()) / images.std()
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    parts = order.split([1437, 360])
    train, validation = (TensorDataset(images[part], torch.from_numpy(digits.target)[part]) for part in parts)
    return DataLoader(train, batch, shuffle=True, drop_last=True), DataLoader(validation, batch)


def main(spec: Path = DIGITS, epochs: int = 3) -> Classifier:
    """Train the network of a spec for ten classes of 8 x 8 gray images; its module with the last weights."""
    lightning.seed_everything(0)
    model = Classifier(specc.load(spec))
    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    trainer = lightning.Trainer(max_epochs=epochs, accelerator="cpu", **quiet)
    trainer.fit(model, *loaders())
    print(f"val_accuracy {trainer.callback_metrics['val_accuracy']:.4f}")
    return model


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
