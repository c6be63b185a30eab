"""What one step of a training computes: answers, losses, gradients, and the weights after them."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from itertools import starmap
from typing import Any

import torch
from torch import Tensor

from specc.backend.device import seed_generators
from specc.backend.engine.penalty import Penalty
from specc.backend.engine.state import TrainState
from specc.backend.evaluation.losses import Loss, Parts
from specc.backend.precision import Precision
from specc.tricks.sections import TrainSettings

TOTAL, WEIGHT, RIGHT = range(3)  # rows of a step's figures: summed loss, what that is divided by, right answers

Batch = tuple[Tensor, Tensor]  # normalized images, N x C x H x W, on the device, and their targets


class Step:
    """Called with the batches of a step, it changes the state's tensors as their gradients say.

    `settings` are those of the section `train`. forward: the network, or what computes the same as it. is_weighted:
    whether the batches of a step weigh differently, so that the mean over the step is not the mean of their means.
    """

    def __init__(
        self, state: TrainState, settings: TrainSettings, loss: Loss, penalty: Penalty, precision: Precision
    ) -> None:
        self.state, self.settings = state, settings
        self.loss, self.penalty, self.precision = loss, penalty, precision
        self.device = state.table.device
        self.forward: Callable[[Tensor], Any] = state.net
        self.is_weighted = settings.accumulate > 1 and loss.weights is not None and not loss.is_sum
        self.head_weights = {head.name: head.weight for head in state.net.graph.heads}

    def __call__(self, batches: Iterable[Batch]) -> Tensor:
        """Take the step. Gives what `backward` does for each batch, 3 x batches."""
        figures = torch.stack(list(starmap(self.backward, batches)), 1)  # which holds on to no batch
        if self.is_weighted:
            self._divide(figures[WEIGHT].sum())
        self.update()
        return figures

    def seed(self) -> None:
        """Set the generators that the network draws from (for dropout, say) for the step that comes."""
        seed_generators(step_seed(self.settings.seed, self.state.step), self.device)

    def backward(self, images: Tensor, target: Tensor) -> Tensor:
        """Add the gradient of the loss of one batch.

        Gives its summed loss, what that is divided by for the mean, and its number of right answers, as one tensor.
        """
        state = self.state
        with self.precision.autocast(self.device):
            answer = self.forward(images)
        logits, heads = answer if isinstance(answer, tuple) else (answer, {})
        parts = self.loss.parts(logits, target)
        labels = target.argmax(dim=1) if target.is_floating_point() else target
        right = (logits.detach().argmax(dim=1) == labels).sum()
        figures = torch.cat([parts.pair(), right.to(parts.total.dtype)[None]])
        of_heads = {name: self.loss.parts(answered, target) for name, answered in heads.items()}
        loss = with_heads(parts, of_heads, self.head_weights, self._of_batch)
        loss = loss if self.loss.is_sum else loss / self.settings.accumulate
        if loss.requires_grad:  # not where all that learned stands still
            (state.scaler.scale(loss) if state.scaler else loss).backward()  # type: ignore[no-untyped-call]
        return figures

    def _of_batch(self, parts: Parts) -> Tensor:
        """The loss of a batch by which its gradient is taken: a sum, or a mean."""
        if self.loss.is_sum:
            return parts.total
        return parts.total / self.settings.batch if self.is_weighted else parts.mean

    def _divide(self, weight: Tensor) -> None:
        """Divide the gradients by the weight of all images of the step, which is known after its last batch.

        Until then they were divided by the number of images, so that half precision can hold them.
        """
        gradients = [tensor.grad for tensor in self.state.weights.values() if tensor.grad is not None]
        if gradients:
            torch._foreach_mul_(gradients, self.settings.accumulate * self.settings.batch / weight)

    def update(self) -> None:
        """Let the weights follow their gradients."""
        state, optimizers = self.state, self.state.optimizers
        moving = optimizers.moving() if state.scaler else ()
        for part in moving:
            assert state.scaler is not None
            state.scaler.unscale_(part)
        self.penalty.add_gradient()
        if self.settings.clip is not None:
            torch.nn.utils.clip_grad_norm_(state.weights.values(), self.settings.clip)
        if state.scaler is None:
            optimizers.step()
        elif moving:
            for part in moving:
                state.scaler.step(part)
            state.scaler.update()
        optimizers.zero_grad()

    def moving(self) -> list[bool]:
        """For each weight whether it learns now, and for each layer whether it trains: some rest after a while."""
        layers = self.state.net.layers.values()
        return [*(weight.requires_grad for weight in self.state.weights.values()), *(one.training for one in layers)]

    def changes(self) -> list[Tensor]:
        """All tensors that a step changes."""
        return [*self.state.net.state_dict().values(), *self.state.optimizers.tensors()]

    def rewind(self) -> None:
        """Bring back what a step begins from besides these tensors: generators, and no gradients."""
        self.seed()
        self.state.optimizers.zero_grad()


def with_heads(
    end: Parts, heads: Mapping[str, Parts], weights: Mapping[str, float], of_batch: Callable[[Parts], Tensor]
) -> Tensor:
    """The loss whose gradient a network follows: that of its end, and those of its heads by their weights.

    of_batch: the sum, or the mean, over a batch.
    """
    loss = of_batch(end)
    for name, parts in heads.items():
        loss = loss + weights[name] * of_batch(parts)
    return loss


def step_seed(seed: int, step: int) -> int:
    """A seed for torch's own generator that differs for each step."""
    return int.from_bytes(hashlib.blake2b(f"{seed}/{step}".encode(), digest_size=8).digest()) >> 1
