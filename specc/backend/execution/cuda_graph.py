"""A step recorded once and then played back: what it launches on a GPU goes there as one CUDA graph.

A small network's kernels take less time than Python takes to launch them. Batches are gathered and augmented as ever,
and copied to where the record reads them. Before a record is used it has to give, bit by bit, what the same step gives
operation by operation; where it does not, or where torch cannot record it, the training goes on without.
"""

import gc
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from specc.backend.engine.trainer import Trainer

Work = Callable[[], Tensor]
Record = Callable[[Work], tuple[Tensor, Callable[[], None]]]

EAGER = 3  # steps before one is recorded, in which libraries choose kernels and optimizers make their state


class Recorded:
    """Carries out a loop's steps by a record of one.

    record: takes work without doing it; gives the tensor that will hold what the work gives, and what does the work.
    say: is told where a record is not used. refused: why; empty as long as nothing speaks against it.
    """

    def __init__(self, trainer: Trainer, record: Record, say: Callable[[str], None]) -> None:
        self.trainer, self.record, self.say, self.refused = trainer, record, say, ""
        self._moving: list[bool] | None = None
        self._eager = 0  # steps that are still to be carried out so
        self._batches: list[tuple[Tensor, Tensor]] = []
        self._said = torch.empty(0)
        self._play: Callable[[], None] | None = None

    def __call__(self, epoch: int) -> None:
        """Carry out the step that comes, of this epoch."""
        trainer = self.trainer
        moving = [weight.requires_grad for weight in trainer.state.weights.values()]
        if moving != self._moving:  # weights that stand still from now on are no part of the step any more
            self._moving, self._eager, self._play = moving, EAGER, None
        if self.refused or self._eager:
            self._eager = max(self._eager - 1, 0)
            trainer.compute(epoch)
            return
        batches = [trainer.loader.training(epoch, number) for number in trainer.numbers()]
        if self._play is None:
            self._batches = [(images.clone(), target.clone()) for images, target in batches]
            said = self._begin()
        else:
            for (images, target), (new_images, new_target) in zip(self._batches, batches, strict=True):
                images.copy_(new_images)
                target.copy_(new_target)
            self._play()
            said = self._said
        numbers = trainer.numbers()
        trainer.state.table[:, numbers.start : numbers.stop] = said

    def _begin(self) -> Tensor:
        """Carry out the step that comes without a record, record it, and compare; what it says of its batches."""
        trainer, tensors = self.trainer, self._tensors()
        before = [value.clone() for value in tensors]
        said = self._work()  # first: memory that it takes is free again when the record takes its own
        after = [value.clone() for value in tensors]
        try:
            self._said, self._play = self.record(self._work)
        except RuntimeError as error:
            self.refused = _reason(error)
        if self._play:
            _set(tensors, before)
            trainer.seed()
            self._play()
            if not all(map(torch.equal, [self._said, *tensors], [said, *after])):
                self.refused = "the record gives other bits"
                _set(tensors, after)
        if self.refused:
            trainer.state.optimizers.zero_grad()
            self._play, self._batches = None, []
            self.say(f"steps are not recorded as a CUDA graph: {self.refused}")
        return said

    def _work(self) -> Tensor:
        said = [self.trainer.backward(images, target) for images, target in self._batches]
        self.trainer.update()
        return torch.stack(said, 1)

    def _tensors(self) -> list[Tensor]:
        """All that a step changes."""
        state = self.trainer.state
        remembered = [
            value
            for part in state.optimizers.parts
            for of_weight in part.state.values()
            for value in of_weight.values()
        ]
        return [*state.net.state_dict().values(), *(value for value in remembered if isinstance(value, Tensor))]


def _reason(error: BaseException) -> str:
    """What went wrong while recording; that the recording was then broken off says less."""
    lines = str(error.__context__ or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _set(tensors: list[Tensor], values: list[Tensor]) -> None:
    for tensor, value in zip(tensors, values, strict=True):
        tensor.copy_(value)


def on_cuda(trainer: Trainer, say: Callable[[str], None]) -> Callable[[int], None]:
    """What carries out the steps of a loop by a CUDA graph; on a stream of its own, as recording needs."""
    stream = torch.cuda.Stream(trainer.device)  # type: ignore[no-untyped-call]
    recorded = Recorded(trainer, partial(_cuda_graph, stream), say)

    def launch(epoch: int) -> None:
        here = torch.cuda.current_stream(trainer.device)
        stream.wait_stream(here)
        try:
            with torch.cuda.stream(stream):
                recorded(epoch)
        finally:
            here.wait_stream(stream)

    return launch


def _cuda_graph(stream: torch.cuda.Stream, work: Work) -> tuple[Tensor, Callable[[], None]]:
    """The work as a graph. Raises RuntimeError where it cannot be recorded."""
    graph = torch.cuda.CUDAGraph()
    gc.collect()  # a graph that is destroyed while another is recorded breaks the record
    collects = gc.isenabled()
    gc.disable()
    try:
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):  # other threads decode images
            said = work()
    except RuntimeError:  # before torch 2.13 the generator would go on to believe that it is recorded
        torch.cuda.default_generators[stream.device_index].graphsafe_set_state(torch.Generator(stream.device))
        raise
    finally:
        if collects:
            gc.enable()
    return said, graph.replay
