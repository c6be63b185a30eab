"""Means of the weights over the steps: a running one beside the training, and slow weights that take part in it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection

import torch
from torch import nn

from specc.values import Args


def constants(net: nn.Module) -> set[str]:
    """The weights that do not learn, and the running statistics of layers that rest, by state-dict key."""
    frozen = {name for name, weight in net.named_parameters() if not weight.requires_grad}
    resting: tuple[str, ...] = getattr(net, "resting", ())
    return frozen | {name for name, _ in net.named_buffers() if name.rpartition(".")[0] in resting}


class Copy:
    """Values beside those of a network: its weights and the norms' running statistics, by state-dict key.

    What is frozen is not among them; `include` adds what learns later. sources: the network's own. values: the others;
    none where there are none yet.
    """

    def __init__(self, net: nn.Module) -> None:
        frozen = constants(net)
        self.sources = {
            name: value for name, value in net.state_dict().items() if value.is_floating_point() and name not in frozen
        }
        self.values: dict[str, torch.Tensor] = {}

    def begin(self) -> None:
        """Take the network's values as they are."""
        self.values = {name: value.clone() for name, value in self.sources.items()}

    def include(self, net: nn.Module, names: Collection[str]) -> None:
        """Take in what was frozen so far and learns from now on, at the values that it has."""
        state = net.state_dict().items()
        late = {name: value for name, value in state if name in names and value.is_floating_point()}
        self.sources |= late
        if self.values:
            self.values |= {name: value.clone() for name, value in late.items()}

    @torch.no_grad()
    def approach(self, part: float) -> None:
        """Go a part of the way to the network's values."""
        values, sources = self._pairs()
        torch._foreach_lerp_(values, sources, part)

    def _pairs(self) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """These values, and the network's, in the same order."""
        return list(self.values.values()), [self.sources[name] for name in self.values]

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the network's values and these, for an evaluation; a second call undoes it."""
        if not self.values:
            return
        values, sources = self._pairs()
        kept = [value.clone() for value in values]
        torch._foreach_copy_(values, sources)
        torch._foreach_copy_(sources, kept)


class Average(Copy):
    """An exponential moving average.

    The decay rises to its value, min(decay, (1 + step) / (10 + step)), so that the random start is soon forgotten
    (TensorFlow's ExponentialMovingAverage). `values` is what is evaluated and kept.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        super().__init__(net)
        self.decay = decay
        self.begin()

    def update(self, step: int) -> None:
        """Take in the weights after step number `step`, counted from 1."""
        self.approach(1 - min(self.decay, (1 + step) / (10 + step)))


class Snapshot(Copy, ABC):
    """Values that are worked out at the end of each epoch, for an evaluation with running statistics of their own.

    batches: of an epoch, over which these are computed anew (`statistics.renew`); None: all. count: of epochs that were
    taken in.
    """

    batches: int | None = None

    def __init__(self, net: nn.Module) -> None:
        super().__init__(net)
        self.weights = {name for name, _ in net.named_parameters()}
        self.count = 0

    @abstractmethod
    def take(self, step: int) -> None:
        """Take in the end of an epoch, after step number `step`, counted from 1."""

    @torch.no_grad()
    def take_statistics(self) -> None:
        """Set the running statistics to the network's, of which those that train are computed anew afterwards."""
        for name, value in self.values.items():
            if name not in self.weights:
                value.copy_(self.sources[name])


class EpochMean(Snapshot):
    """The mean of the weights at the ends of epochs (Izmailov et al., 2018, algorithm 1):

        mean <- (mean * n + W) / (n + 1)

    start: the step from which on the ends of epochs count.
    """

    def __init__(self, net: nn.Module, start: float) -> None:
        super().__init__(net)
        self.start = start

    def take(self, step: int) -> None:
        if step < self.start:
            return
        if self.values:
            self.approach(1 / (self.count + 1))
            self.take_statistics()
        else:
            self.begin()
        self.count += 1


class FreeAverage(Snapshot):
    """The averages of schedule-free learning (`specc.backend.engine.schedule_free`).

    The authors' example computes running statistics over 50 batches before each evaluation.
    """

    batches = 50

    def __init__(self, net: nn.Module, average_of: Callable[[nn.Parameter], torch.Tensor]) -> None:
        super().__init__(net)
        self.average_of, self.parameters = average_of, dict(net.named_parameters())

    @torch.no_grad()
    def take(self, step: int) -> None:
        if not self.values:
            self.begin()
        for name, value in self.values.items():
            if name in self.weights:
                value.copy_(self.average_of(self.parameters[name]))
        self.take_statistics()
        self.count += 1


class Lookahead(Copy):
    """Slow weights S that meet the fast ones W every k steps (Zhang et al., 2019, algorithm 1):

        S <- S + part * (W - S)          W <- S          part = 1 - (1 - alpha) * (step / total) ** power

    With a power of 0 the part is alpha, as in the paper. start: the step of the first meeting, or the one after it that
    is a multiple of k; there S begins as W. total: steps of the whole training.
    """

    def __init__(self, net: nn.Module, a: Args, start: float, total: int) -> None:
        super().__init__(net)
        self.a, self.start, self.total = a, start, total
        self.update(0)

    def update(self, step: int) -> None:
        """Meet the fast weights after step number `step`, counted from 1, if it is time."""
        if step < self.start or step % self.a.steps:
            return
        if not self.values:
            self.begin()
            return
        self.approach(1 - (1 - self.a.alpha) * (step / self.total) ** self.a.power)
        self.bring_back()

    @torch.no_grad()
    def bring_back(self) -> None:
        """Set the network's values to these, if there are any yet."""
        if not self.values:
            return
        values, sources = self._pairs()
        torch._foreach_copy_(sources, values)
