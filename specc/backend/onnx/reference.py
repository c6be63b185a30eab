"""The trained model in PyTorch, from raw images to the exported graph's output: what a file is held against."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from specc.backend.build import Net
from specc.backend.data.normalize import Normalize, normalizer
from specc.backend.evaluation.not_finite import first_not_finite
from specc.backend.onnx.ending import Ending
from specc.backend.onnx.session import Outputs
from specc.backend.run.load import Run
from specc.check import Trainable


class Reference:
    """A network in evaluation mode and fp32, with its normalization before and the exported graph's end behind."""

    def __init__(self, net: Net, normalize: Normalize, ending: Ending, device: torch.device) -> None:
        self.net, self.normalize = net.float().eval().to(device), normalize.to(device)
        self.ending, self.device = ending, device

    def __call__(self, images: NDArray[np.uint8]) -> Outputs:
        """What the exported graph gives for images as the data set has them, resized, uint8 N x C x H x W."""
        return self.ending.apply(self.logits(images))

    @torch.inference_mode()
    def logits(self, images: NDArray[np.uint8]) -> Outputs:
        """The logits, N x outputs or N x classes x H x W, whatever the exported graph makes of them."""
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            logits: Outputs = self.net(self.normalized(images)).cpu().numpy()
        return logits

    def first_not_finite(self, images: NDArray[np.uint8]) -> str:
        """Where numbers are not finite first, in words, for images as above."""
        return first_not_finite(self.net, self.normalized(images))

    def normalized(self, images: NDArray[np.uint8]) -> torch.Tensor:
        """What the network sees of images as above."""
        pixels = torch.from_numpy(np.require(images, requirements="W"))  # torch shares only what may be written to
        normalized: torch.Tensor = self.normalize(pixels.to(self.device))
        return normalized


def normalize_as(spec: Trainable, mean: Sequence[float], std: Sequence[float]) -> Normalize:
    """A spec's normalization, with the statistics of its training images."""
    channels, height, width = spec.graph.input
    return normalizer(spec.data.normalize, (channels, height, width), mean, std, spec.data.view)


def of_run(run: Run, ending: Ending, device: torch.device) -> Reference:
    """The model that a run trained."""
    return Reference(run.net, normalize_as(run.spec, run.info["mean"], run.info["std"]), ending, device)
