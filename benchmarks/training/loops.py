"""The training loops beside which specc is measured, each in a process of its own.

    python benchmarks/training/loops.py LOOP NETWORK IMAGES THREADS

trains NETWORK (a spec beside this file; Keras knows vgg and small) by LOOP on so many images, once, in batches of 128,
on CUDA where there is one (Keras and Lightning choose themselves), and prints one line of JSON: images_per_second over
the steps (nothing before the first one counts, on CUDA nothing before the 21st), and when the first step had ended, by
the clock.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator

import images as pictures
import networks
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

BATCH = 128
START = 20 if torch.cuda.is_available() else 0  # steps that do not count: in them CUDA's libraries choose their kernels
SOURCES = {"small": "fashion_mnist"}  # the others train on CIFAR-10
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Clock:
    """When the first step had ended, and how fast those went that count."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.first, self.steps = 0.0, 0

    def step(self) -> None:
        self.first = self.first or time.time()
        self.steps += 1
        if self.steps == START:
            torch.cuda.synchronize()
            self.began = time.perf_counter()

    def report(self, count: int) -> None:
        if DEVICE.type == "cuda":
            torch.cuda.synchronize()
        speed = (count - START * BATCH) / (time.perf_counter() - self.began)
        print(json.dumps({"images_per_second": speed, "first_step": self.first}))


def optimizer(name: str, net: nn.Module, **how: bool) -> torch.optim.Optimizer:
    """As the specs say; l2(5e-4) is a weight decay of 1e-3 on the kernels of sgd."""
    if name == "small":
        return torch.optim.Adam(net.parameters(), lr=1e-3, **how)
    kernels = [weight for weight in net.parameters() if weight.dim() > 1]
    others = [weight for weight in net.parameters() if weight.dim() == 1]
    groups = [{"params": kernels, "weight_decay": 1e-3}, {"params": others}]
    return torch.optim.SGD(groups, lr=0.05, momentum=0.9, nesterov=True, **how)


def batches(count: int) -> Iterator[Tensor]:
    """Random rows of a data set, a batch at a time; the last one, if not full, is left out."""
    return (rows for rows in torch.randperm(count).to(DEVICE).split(BATCH) if len(rows) == BATCH)


def plain(name: str, pixels: np.ndarray, labels: np.ndarray) -> None:
    """What a tutorial writes once the images lie in memory, normalized: fp32, eager."""
    x, y = torch.from_numpy(pictures.normalized(pixels)).to(DEVICE), torch.from_numpy(labels).to(DEVICE)
    net = networks.make(name).to(DEVICE)
    opt = optimizer(name, net)
    clock = Clock()
    for rows in batches(len(x)):
        loss = F.cross_entropy(net(x[rows]), y[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
        clock.step()
    clock.report(len(x) // BATCH * BATCH)


def tuned(name: str, pixels: np.ndarray, labels: np.ndarray) -> None:
    """The best that we can write by hand: channels last, bfloat16 where it pays, fused, uint8 kept."""
    x, y = torch.from_numpy(pixels).to(DEVICE), torch.from_numpy(labels).to(DEVICE)
    shape = (1, -1, 1, 1)
    mean = torch.from_numpy(pixels.mean((0, 2, 3), dtype=np.float64)).float().view(shape).to(DEVICE)
    std = torch.from_numpy(pixels.std((0, 2, 3), dtype=np.float64)).float().view(shape).to(DEVICE)
    net = networks.make(name).to(DEVICE, memory_format=torch.channels_last)
    opt = optimizer(name, net, fused=True)
    bf16 = DEVICE.type == "cuda" or torch.cpu._is_avx512_bf16_supported()  # noqa: SLF001
    torch.backends.cudnn.benchmark = True
    clock = Clock()
    for rows in batches(len(x)):
        inputs = ((x[rows].float() - mean) / std).contiguous(memory_format=torch.channels_last)
        with torch.autocast(DEVICE.type, torch.bfloat16, enabled=bf16):
            logits = net(inputs)
        loss = F.cross_entropy(logits.float(), y[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
        clock.step()
    clock.report(len(x) // BATCH * BATCH)


class Rows(torch.utils.data.Dataset):
    """Image by image, as a DataLoader asks for them; `augmented`: flip, crop and noise, each image by itself."""

    def __init__(self, pixels: np.ndarray, labels: np.ndarray, augmented: bool = False) -> None:
        self.pixels, self.labels, self.augmented = pixels, labels, augmented
        self.mean = torch.tensor(pixels.mean((0, 2, 3)) / 255).float().view(-1, 1, 1)
        self.std = torch.tensor(pixels.std((0, 2, 3)) / 255).float().view(-1, 1, 1)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = torch.from_numpy(self.pixels[index]).float() / 255
        if self.augmented:
            if torch.rand(()) < 0.5:
                image = image.flip(-1)
            top, left = torch.randint(0, 9, (2,)).tolist()
            image = F.pad(image, (4, 4, 4, 4))[:, top : top + 32, left : left + 32]
            image = image + 0.01 * torch.randn_like(image)
        return (image - self.mean) / self.std, int(self.labels[index])


def loader(name: str, pixels: np.ndarray, labels: np.ndarray, augmented: bool = False) -> None:
    """A DataLoader in this process and a plain loop."""
    data = torch.utils.data.DataLoader(Rows(pixels, labels, augmented), batch_size=BATCH, shuffle=True, drop_last=True)
    net = networks.make(name).to(DEVICE)
    opt = optimizer(name, net)
    clock = Clock()
    for x, y in data:
        loss = F.cross_entropy(net(x.to(DEVICE)), y.to(DEVICE))
        opt.zero_grad()
        loss.backward()
        opt.step()
        clock.step()
    clock.report(len(labels) // BATCH * BATCH)


def lightning(name: str, pixels: np.ndarray, labels: np.ndarray) -> None:
    """Lightning with a DataLoader, its logger and checkpoints off."""
    import lightning as pl

    clock = Clock()

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = networks.make(name)

        def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
            return F.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return optimizer(name, self.net)

        def on_train_start(self) -> None:
            clock.began = time.perf_counter()

        def on_train_batch_end(self, *_: object) -> None:
            clock.step()

    data = torch.utils.data.DataLoader(Rows(pixels, labels), batch_size=BATCH, shuffle=True, drop_last=True)
    off = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    pl.Trainer(max_epochs=1, accelerator="auto", **off).fit(Module(), data)
    clock.report(len(labels) // BATCH * BATCH)


def keras(name: str, pixels: np.ndarray, labels: np.ndarray) -> None:
    """Keras 3 on torch: `fit` on arrays in memory, in its own layout."""
    import os

    os.environ["KERAS_BACKEND"] = "torch"
    import keras as k

    clock = Clock()

    class Steps(k.callbacks.Callback):
        def on_train_begin(self, logs: object = None) -> None:
            clock.began = time.perf_counter()

        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            clock.step()

    x = pictures.normalized(pixels).transpose(0, 2, 3, 1).copy()
    layers: list[k.layers.Layer] = [k.layers.Input(x.shape[1:])]
    if name == "vgg":
        l2 = {"kernel_regularizer": k.regularizers.L2(5e-4)}
        for count, channels in ((1, 64), (1, 128), (2, 256), (2, 512)):
            for _ in range(count):
                layers.append(k.layers.Conv2D(channels, 3, padding="same", use_bias=False, **l2))
                layers += [k.layers.BatchNormalization(), k.layers.ReLU()]
            layers.append(k.layers.MaxPooling2D())
        layers += [k.layers.GlobalAveragePooling2D(), k.layers.Dense(10, **l2)]
        how = k.optimizers.SGD(0.05, momentum=0.9, nesterov=True)
    else:
        for channels in (16, 32):
            layers.append(k.layers.Conv2D(channels, 3, padding="same", activation="relu"))
            layers.append(k.layers.MaxPooling2D())
        layers += [k.layers.Flatten(), k.layers.Dense(64, activation="relu"), k.layers.Dense(10)]
        how = k.optimizers.Adam(1e-3)
    net = k.Sequential(layers)
    net.compile(how, k.losses.SparseCategoricalCrossentropy(from_logits=True))
    count = len(x) // BATCH * BATCH
    net.fit(x[:count], labels[:count], batch_size=BATCH, epochs=1, verbose=0, callbacks=[Steps()])
    clock.report(count)


LOOPS: dict[str, Callable[[str, np.ndarray, np.ndarray], None]] = {
    "plain": plain,
    "tuned": tuned,
    "loader": loader,
    "augmenting_loader": lambda name, pixels, labels: loader(name, pixels, labels, augmented=True),
    "lightning": lightning,
    "keras": keras,
}

if __name__ == "__main__":
    trainer, name, count, threads = sys.argv[1:]
    if int(threads):
        torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    pixels, labels = pictures.load(SOURCES.get(name, "cifar10"))
    LOOPS[trainer](name, pixels[: int(count)], labels[: int(count)])
