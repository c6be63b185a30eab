"""Everything that a training is, as one value: it can be taken apart after any step and put together again exactly.

Random draws need no place here: each is a function of the seed, the epoch or step, and the image.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from specc.backend.build import Net
from specc.backend.engine.average import Average, Copy, Lookahead, Snapshot
from specc.backend.engine.optimizers import Optimizers, Weights
from specc.backend.run.metrics import EpochResult, Selection, epoch_result

Tensors = dict[str, Tensor]


class TrainState:
    """A training between two steps.

    step: optimizer steps done; per_epoch: those of an epoch. table: rows x shards of an epoch's batches: of each what a
    step gives, the sums of its loss and the records of its images, as far as the epoch has come. seconds: spent
    training in this epoch. lines: what each epoch so far came to, as metrics.jsonl says it. selection: which epoch is
    the best. late: the state-dict keys of what is frozen at first and learns later; thawed: it does by now.
    """

    def __init__(
        self,
        net: Net,
        weights: Weights,
        optimizers: Optimizers,
        average: Average | None,
        lookahead: Lookahead | None,
        snapshot: Snapshot | None,
        scaler: torch.amp.GradScaler | None,
        table: Tensor,
        per_epoch: int,
        selection: Selection,
        late: Sequence[str] = (),
    ) -> None:
        self.net, self.weights, self.optimizers = net, weights, optimizers
        self.average, self.lookahead, self.snapshot = average, lookahead, snapshot
        self.scaler = scaler
        self.step, self.per_epoch = 0, per_epoch
        self.table = table
        self.selection = selection
        self.late, self.thawed = tuple(late), False
        self.seconds = 0.0
        self.lines: list[dict[str, Any]] = []

    @property
    def results(self) -> list[EpochResult]:
        """The end of each epoch so far."""
        return list(map(epoch_result, self.lines))

    @property
    def best(self) -> EpochResult | None:
        """The epoch whose weights are kept."""
        return self.selection.best(self.results)

    @property
    def has_improved(self) -> bool:
        """Whether the last epoch is the best one so far."""
        return bool(self.lines) and self.results[-1] == self.best

    @property
    def kept(self) -> Copy | None:
        """What is evaluated and kept in place of the network's own values, where there is such a thing."""
        if self.snapshot and self.snapshot.values:
            return self.snapshot
        return self.average or self.lookahead

    @property
    def _copies(self) -> dict[str, Copy]:
        """The values beside the network's own, by the names that they have in a checkpoint."""
        copies = {"average": self.average, "lookahead": self.lookahead, "snapshot": self.snapshot}
        return {part: copy for part, copy in copies.items() if copy is not None}

    def thaw(self) -> None:
        """What was frozen at first learns from now on: optimizers begin afresh, and averages take it in."""
        self.thawed = True
        self.optimizers.forget()
        for copy in self._copies.values():
            copy.include(self.net, self.late)

    def model(self) -> Tensors:
        """The weights and buffers to keep: those of a mean where there is one. Safetensors' keys are the net's."""
        values = self.net.state_dict() | (self.kept.values if self.kept else {})
        return {name: _plain(value) for name, value in values.items()}

    def tensors(self) -> Tensors:
        """All tensors of the state, on the CPU."""
        parts: dict[str, Tensor] = {"table": self.table}
        parts |= {f"model/{name}": value for name, value in self.net.state_dict().items()}
        for part, copy in self._copies.items():
            parts |= {f"{part}/{name}": value for name, value in copy.values.items()}
        for name, weight in self.weights.items():
            for key, value in self.optimizers.state_of(weight).items():
                if isinstance(value, Tensor):
                    parts[f"optimizer/{key}/{name}"] = value
        return {name: _plain(value) for name, value in parts.items()}

    def scalars(self) -> dict[str, Any]:
        """What is not a tensor, as JSON takes it."""
        return {
            "step": self.step,
            "per_epoch": self.per_epoch,
            "seconds": self.seconds,
            "lines": self.lines,
            "thawed": self.thawed,
            **({"snapshots": self.snapshot.count} if self.snapshot else {}),
            "scaler": self.scaler.state_dict() if self.scaler else None,
        }

    @torch.no_grad()
    def restore(self, tensors: Tensors, scalars: dict[str, Any]) -> None:
        """Take on a saved state, in place, so that the net's tensors stay where the optimizer knows them.

        Where an epoch had another number of steps, the epoch in hand begins anew.

        Raises KeyError or RuntimeError where the saved state is of another network or optimizer.
        """
        for name, value in self.net.state_dict().items():
            value.copy_(tensors[f"model/{name}"])
        if scalars.get("thawed", False):
            self.thaw()
        for part, copy in self._copies.items():
            if part == "average" or any(name.startswith(f"{part}/") for name in tensors):
                copy.begin()
                for name, value in copy.values.items():
                    value.copy_(tensors[f"{part}/{name}"])
        if self.snapshot:
            self.snapshot.count = scalars.get("snapshots", 0)
        for name, value in tensors.items():
            if name.startswith("optimizer/"):
                _, key, owner = name.split("/", 2)
                self.optimizers.remember(self.weights[owner], key, value)
        self.step, self.seconds = scalars["step"], scalars["seconds"]
        self.lines = [dict(line) for line in scalars["lines"]]
        before = scalars.get("per_epoch", self.per_epoch)
        if before == self.per_epoch and self.table.shape == tensors["table"].shape:
            self.table.copy_(tensors["table"])
        else:
            done = self.step // before
            self.step, self.seconds = done * self.per_epoch, 0.0
            self.lines = [
                {**line, "step": round(line["epoch"] * self.per_epoch)} for line in self.lines if line["epoch"] <= done
            ]
        if self.scaler:
            self.scaler.load_state_dict(scalars["scaler"])


def _plain(value: Tensor) -> Tensor:
    """As safetensors takes it: on the CPU, contiguous."""
    return value.detach().cpu().contiguous()
