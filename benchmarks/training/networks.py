"""The networks of the specs beside this file: two as one writes them in PyTorch, others as `specc` builds them."""

from pathlib import Path

from torch import nn


def make(name: str) -> nn.Module:
    """The network of `name`.cnn."""
    return {"vgg": vgg, "small": small}[name]() if name in ("vgg", "small") else built(name)


def built(name: str) -> nn.Module:
    """As `specc` trains it."""
    from specc.backend.build import build
    from specc.backend.initialize import initialize
    from specc.check import check
    from specc.reading import load_base
    from specc.source import Source

    path = Path(__file__).with_name(f"{name}.cnn")
    graph = check(Source(str(path), path.read_text()), load=load_base).graph
    assert graph is not None
    net = build(graph)
    initialize(net, 0)
    return net


def vgg() -> nn.Module:
    """2.3 M weights; 3 x 32 x 32 -> 10."""
    layers: list[nn.Module] = []
    into = 3
    for count, channels in ((1, 64), (1, 128), (2, 256), (2, 512)):
        for _ in range(count):
            layers += [nn.Conv2d(into, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
            into = channels
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(into, 10))


def small() -> nn.Module:
    """105,866 weights; 1 x 28 x 28 -> 10."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 49, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )
