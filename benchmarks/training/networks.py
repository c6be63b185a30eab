"""The networks of vgg.cnn and small.cnn, as one writes them in PyTorch."""

from torch import nn


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
