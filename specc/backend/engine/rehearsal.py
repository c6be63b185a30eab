"""How much memory a training takes at most, counted in a step that computes nothing.

The network, its optimizer and a batch are made on torch's `meta` device, whose tensors have shapes and no numbers; a
forward pass, a backward pass and a step of the optimizer then make the tensors that the real ones make, and each is
counted from where it is made to where it is freed. Not counted: the data set, what augmentation works in, and what
kernels take for themselves while they run.
"""

import weakref
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from specc.backend.build import Net, build, run
from specc.backend.build import Step as LayerStep
from specc.backend.engine.average import Average, EpochMean, Lookahead
from specc.backend.engine.optimizers import freeze, is_fused, learning, make_optimizers, param_rules
from specc.backend.engine.recompute import Recomputed, segments
from specc.backend.engine.sam import perturbed
from specc.backend.evaluation.losses import loss_function
from specc.backend.memory import moved_numbers, needed
from specc.backend.ordered_sum import cost
from specc.backend.precision import Precision
from specc.backend.tasks.bound import BoundTask
from specc.check import Trainable
from specc.ir.graph import Graph
from specc.ir.weights import weights_of
from specc.tasks import CLASSIFICATION, SEGMENTATION
from specc.tricks.sections import TrainSettings, losses_of


class Peak(NamedTuple):
    """Bytes that are held at once, at most.

    step: in a training step. standing: of these, what is held between steps. ends: behind which steps of the forward
    pass segments end that are computed twice. again: the part of the forward pass, in multiply-accumulates, that these
    are. is_exact: False for a rough estimate, where something cannot be
    rehearsed.
    """

    step: int
    standing: int
    ends: tuple[int, ...] = ()
    again: float = 0.0
    is_exact: bool = True


class Live(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of tensors that are made while it is entered, as long as they live. now: of those that do."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._known: dict[int, Any] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for value in tree_leaves(out):
            if isinstance(value, Tensor):
                self._count(value.untyped_storage())
        return out

    def _count(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()  # noqa: SLF001 - the only name of a storage
        if key not in self._known:
            self._known[key] = weakref.finalize(storage, self._free, key, size)
            self.now += size
            self.peak = max(self.peak, self.now)

    def _free(self, key: int, size: int) -> None:
        del self._known[key]
        self.now -= size


def rehearse(
    spec: Trainable,
    batch: int,
    precision: Precision,
    device: torch.device,
    *,
    world: int = 1,
    recomputes: bool = False,
    constant: frozenset[int] = frozenset(),
    task: BoundTask | None = None,
) -> Peak:
    """The memory of a training step with so many images. world: the processes that divide its shards.

    recomputes: the forward pass is divided into segments, of which only the inputs are kept. constant: nodes whose
    values are computed before the training, and kept. task: whose loss is counted, too; else a plain one is.
    """
    shards, across = spec.train.shards, 0
    part = max(1, batch // shards)
    for counted in dict.fromkeys([task, None]):
        rehearsal = _Rehearsal(spec.graph, spec.train, part, precision, device, constant, counted)
        try:
            peak = rehearsal.peak(())
            if recomputes and (ends := segments(*rehearsal.profile())):
                peak = rehearsal.peak(ends)._replace(again=rehearsal.share(ends[-1]))
            break
        except RuntimeError:  # a loss or a layer that cannot do without numbers
            continue
    else:
        return Peak(needed(spec, batch, world), 0, is_exact=False)
    if shards > 1:
        is_exact = spec.train.plan is None or spec.train.plan.args.across == "exact"
        across = 4 * cost(shards, world, is_exact=is_exact).held * moved_numbers(spec.graph, spec.train)
    return peak._replace(step=peak.step + across)


class _Rehearsal:
    """One training step, as often as it is rehearsed. batch: images that pass through the network together."""

    def __init__(
        self,
        graph: Graph,
        settings: TrainSettings,
        batch: int,
        precision: Precision,
        device: torch.device,
        constant: frozenset[int],
        task: BoundTask | None,
    ) -> None:
        self.graph, self.settings, self.batch, self.constant = graph, settings, batch, constant
        self.precision, self.device, self.task = precision, device, task

    def peak(self, ends: Sequence[int]) -> Peak:
        """The memory of the step. ends: of the segments that are computed twice."""
        with self._counted() as live:
            net = self._net()
            if ends:
                net.runner = Recomputed(ends, draws=False)
            optimizers = make_optimizers(self.graph, self.settings, learning(net))
            beside = self._averages(net)
            weights = live.now
            for _ in range(min(2, self.settings.accumulate)):
                self._pass(net)
            if sam := self.settings.wrapper("sam"):
                with perturbed(net, net.parameters(), sam.args.rho, is_scaled=False):
                    self._pass(net)
            passes, after = live.peak, live.now
            live.peak = 0
            optimizers.step()
            in_step, states = live.peak, live.now - after
            is_free = self.settings.wrapper("schedule_free") is not None
            if not is_free and all(is_fused(part, self.device) for part in self._optimizers()):
                in_step = live.now
            del beside
        return Peak(max(passes + states, in_step), weights + states, tuple(ends))

    def profile(self) -> tuple[list[int], list[int]]:
        """Of each step of the forward pass what it adds to what is kept, and the values that are needed behind it."""
        kept: list[int] = []
        behind: list[int] = []

        def runner(steps: Sequence[LayerStep], values: dict[int, Tensor]) -> None:
            for step in steps:
                before = live.now
                run([step], values)
                kept.append(max(0, live.now - before))
                behind.append(sum(value.nbytes for value in values.values()))

        with self._counted() as live:
            net = self._net()
            net.runner = runner
            self._forward(net, self._images())
        return kept, behind

    def share(self, end: int) -> float:
        """The part of the forward pass that the steps before this one are, in multiply-accumulates."""
        with self._counted():
            steps = self._net().steps
        work = [self.graph.macs(self.graph.nodes[step.output]) for step in steps]
        return sum(work[:end]) / max(1, sum(work))

    @contextmanager
    def _counted(self) -> Iterator[Live]:
        with ExitStack() as stack:
            if self.precision.name == "fp32":
                stack.enter_context(torch.device("meta"))
            else:  # autocast knows real devices only
                from torch._subclasses.fake_tensor import FakeTensorMode

                stack.enter_context(FakeTensorMode())
                stack.enter_context(torch.device(self.device))
            yield stack.enter_context(Live())

    def _net(self) -> Net:
        net = build(self.graph)
        net.pool_first()
        freeze(net, self.graph, self.settings.frozen)
        return net

    def _images(self) -> Tensor:
        return torch.empty(self.batch, *self.graph.input).contiguous(memory_format=torch.channels_last)

    def _averages(self, net: Net) -> list[object]:
        beside: list[object] = []
        if self.settings.average or self.settings.wrapper("schedule_free"):
            mean = EpochMean(net, 0)
            mean.begin()
            beside.append(mean)
        if self.settings.ema:
            beside.append(Average(net, self.settings.ema))
        if self.settings.lookahead:
            beside.append(lookahead := Lookahead(net, self.settings.lookahead.args, 0, 1))
            lookahead.begin()
        return beside

    def _optimizers(self) -> set[str]:
        names = [weight.name for weight in weights_of(self.graph)]
        return {rule.optimizer for rule in param_rules(self.graph, self.settings, names).values()}

    def _pass(self, net: Net) -> None:
        """Forward and back; gradients stay."""
        images = self._images()
        loss = self._loss(self._forward(net, images))
        if loss.requires_grad:
            loss.backward()  # type: ignore[no-untyped-call]
        del images  # held to the end, as a training does

    def _forward(self, net: Net, images: Tensor) -> Any:
        with self.precision.autocast(self.device):
            if not self.constant:
                return net(images)
            values = {0: images}
            with torch.no_grad():
                run([step for step in net.steps if step.output in self.constant], values)
            run([step for step in net.steps if step.output not in self.constant], values)
            return net.answer(values)

    def _labels(self, task: BoundTask, outputs: Tensor) -> Tensor:
        if task.facts == CLASSIFICATION:
            return torch.zeros(self.batch, dtype=torch.int64)
        if task.facts == SEGMENTATION:
            return torch.zeros(self.batch, *outputs.shape[2:], dtype=torch.uint8)
        return torch.zeros(self.batch, len(task.outputs))

    def _loss(self, answer: Any) -> Tensor:
        """What stands for the loss: a term for each output, and what it takes to make one."""
        outputs, heads = answer if isinstance(answer, tuple) else (answer, {})
        if self.task is not None:
            labels = self._labels(self.task, outputs)
            loss = loss_function(losses_of(self.settings, self.task.facts), self.task, outputs.device)
            parts = loss.parts(outputs, labels)
            figures = self.task.records(outputs, labels)
            terms = [loss.of_batch(parts, None)]
            terms += [loss.of_batch(loss.parts(head, labels), None) for head in heads.values()]
            del figures
            return torch.stack(terms).sum()
        terms = [torch.log_softmax(part.float(), 1).mean() for part in (outputs, *heads.values())]
        return torch.stack(terms).sum()
