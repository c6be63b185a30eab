"""What one step of a training computes: answers, losses, gradients, and the weights after them."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor

from specc.backend.device import seed_generators
from specc.backend.engine.penalty import Penalty
from specc.backend.engine.sam import perturbed
from specc.backend.engine.state import TrainState
from specc.backend.evaluation.losses import Loss
from specc.backend.precision import Precision
from specc.backend.tasks.bound import BoundTask
from specc.tricks.sections import TrainSettings
from specc.values import Size

Batch = tuple[Tensor, Tensor]  # normalized images, N x C x H x W, on the device, and their labels


class Step:
    """Called with the batches of a step, it changes the state's tensors as their gradients say.

    `settings` are those of the section `train`. rho: of `sam`; None without it. forward: the network, or what
    computes the same as it. size: of the images, where it changes. is_weighted: whether the batches of a step, or their
    shards, weigh differently, so that the mean over the step is not the mean of their means.
    """

    def __init__(
        self,
        state: TrainState,
        settings: TrainSettings,
        task: BoundTask,
        loss: Loss,
        penalty: Penalty,
        precision: Precision,
    ) -> None:
        self.state, self.settings, self.task = state, settings, task
        self.loss, self.penalty, self.precision = loss, penalty, precision
        self.device = state.table.device
        self.forward: Callable[[Tensor], Any] = state.net
        self.size: Size | None = None
        varies = any(term.varies for term in loss.terms)
        self.parts = settings.accumulate * settings.shards  # that a step's images are cut into
        self.is_weighted = self.parts > 1 and varies and not loss.is_sum
        sam = settings.wrapper("sam")
        self.rho: float | None = sam.args.rho if sam else None
        self.head_weights = {head.name: head.weight for head in state.net.graph.heads}

    def __call__(self, batches: Iterable[Batch]) -> Tensor:
        """Take the step. Gives what `backward` does for each batch, rows x batches."""
        weights = None
        if self.is_weighted or self.rho is not None:  # all batches of the step are needed first, or twice
            batches = list(batches)
        if self.is_weighted:
            each = [self.loss.weights(labels) for _, labels in batches]
            weights = [sum(of_term) for of_term in zip(*each, strict=True)]
        figures = torch.stack([self.backward(*batch, weights) for batch in batches], 1)  # which holds on to no batch
        if self.rho is not None:
            with self.perturbed():
                self.seed()
                for batch in batches:
                    self.backward(*batch, weights)
        self.update()
        return figures

    def perturbed(self) -> AbstractContextManager[None]:
        """While it is entered, the weights are where `sam` finds the gradient; see `specc.backend.engine.sam`."""
        assert self.rho is not None
        state = self.state
        return perturbed(state.net, state.weights.values(), self.rho, is_scaled=state.scaler is not None)

    def seed(self, shard: int | None = None) -> None:
        """Set the generators that the network draws from (for dropout, say) for the step that comes, or for a shard."""
        seed_generators(step_seed(self.settings.seed, self.state.step, shard), self.device)

    def backward(self, images: Tensor, labels: Tensor, weights: Sequence[Tensor | int] | None = None) -> Tensor:
        """Add the gradient of the loss of one batch. weights: of each term of the loss, over all batches of the step.

        Gives the sums of the loss and what each is divided by, and the records of the images, as one tensor.
        """
        state = self.state
        with self.precision.autocast(self.device):
            answer = self.forward(images)
        outputs, heads = answer if isinstance(answer, tuple) else (answer, {})
        parts = self.loss.parts(outputs, labels)
        figures = torch.cat([self.loss.pairs(parts), self.task.records(outputs, labels).flatten()])
        loss = self.loss.of_batch(parts, weights)
        for name, of_head in heads.items():
            loss = loss + self.head_weights[name] * self.loss.of_batch(self.loss.parts(of_head, labels), weights)
        if not self.loss.is_sum and weights is None:
            loss = loss / self.parts
        if loss.requires_grad:  # not where all that learned stands still
            (state.scaler.scale(loss) if state.scaler else loss).backward()  # type: ignore[no-untyped-call]
        return figures

    def update(self) -> None:
        """Let the weights follow their gradients."""
        state, optimizers = self.state, self.state.optimizers
        moving = optimizers.moving() if state.scaler else ()
        if state.scaler and moving:
            optimizers.begin_momentum()
            unscale(state.scaler, moving)
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

    def moving(self) -> list[object]:
        """For each weight whether it learns now, for each layer whether it trains; whether all has thawed: then the
        optimizers' state is another; and the size of the images."""
        state = self.state
        learn = [weight.requires_grad for weight in state.weights.values()]
        return [*learn, *(layer.training for layer in state.net.layers.values()), state.thawed, self.size]

    def changes(self) -> list[Tensor]:
        """All tensors that a step changes."""
        return [*self.state.net.state_dict().values(), *self.state.optimizers.tensors()]

    def rewind(self) -> None:
        """Bring back what a step begins from besides these tensors: generators, and no gradients."""
        self.seed()
        self.state.optimizers.zero_grad()


def unscale(scaler: torch.amp.GradScaler, parts: Sequence[torch.optim.Optimizer]) -> None:
    """Divide the gradients by the loss scale. Where one is not finite, no part takes the step."""
    for part in parts:
        scaler.unscale_(part)
    flags = [flag for part in parts for flag in scaler._found_inf_per_device(part).values()]  # noqa: SLF001
    together = torch.stack(flags).amax(0)
    for flag in flags:
        flag.copy_(together)


def step_seed(seed: int, step: int, shard: int | None = None) -> int:
    """A seed for torch's own generator that differs for each step, and for each shard of its batches."""
    text = f"{seed}/{step}" if shard is None else f"{seed}/{step}/{shard}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) >> 1
