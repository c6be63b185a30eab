"""A step recorded once and then played back: what it launches on a GPU goes there as one CUDA graph.

A small network's kernels take less time than Python takes to launch them. Batches are gathered and augmented as ever,
and copied to where the record reads them. Before a record is used it has to give, bit by bit, what the same step gives
operation by operation; where it does not, or where torch cannot record it, the training goes on without.
"""

import gc
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

Batch = tuple[Tensor, Tensor]
Work = Callable[[], Tensor]
Record = Callable[[Work], tuple[Tensor, Callable[[], None]]]

EAGER = 3  # steps before one is recorded, in which libraries choose kernels and optimizers make their state


class Step(Protocol):
    """What can be recorded: a function of batches that changes tensors in place."""

    def __call__(self, batches: Iterable[Batch]) -> Tensor:
        """Take the step; its figures."""

    def moving(self) -> list[object]:
        """Which weights and layers take part, and the size of images. A record holds as long as this is the same."""

    def changes(self) -> list[Tensor]:
        """All tensors that a step changes; the same ones after each step but the first few."""

    def rewind(self) -> None:
        """Once these tensors are as they were before a step: bring back all else that it begins from."""


class Recorded:
    """Does what a step does, by a record of it.

    record: takes work without doing it; gives the tensor that will hold what the work gives, and what does the work.
    say: is told where a record is not used. refused: why; empty as long as nothing speaks against it.
    """

    def __init__(self, step: Step, record: Record, say: Callable[[str], None]) -> None:
        self.step, self.record, self.say, self.refused = step, record, say, ""
        self._moving: list[object] | None = None
        self._eager = 0  # steps that are still to be taken without a record
        self._batches: list[Batch] = []
        self._figures = torch.empty(0)
        self._play: Callable[[], None] | None = None

    def __call__(self, batches: Iterable[Batch]) -> Tensor:
        """Take a step; its figures."""
        moving = self.step.moving()
        if moving != self._moving:  # weights that stand still from now on, say, are no part of the step any more
            self._moving, self._eager, self._play = moving, EAGER, None
        if self.refused or self._eager:
            self._eager = max(self._eager - 1, 0)
            return self.step(batches)
        given = list(batches)
        if self._play is None:
            self._batches = [(images.clone(), target.clone()) for images, target in given]
            return self._begin()
        for (images, target), (new_images, new_target) in zip(self._batches, given, strict=True):
            images.copy_(new_images)
            target.copy_(new_target)
        self._play()
        return self._figures

    def _begin(self) -> Tensor:
        """Take a step without a record, record it, and compare; its figures."""
        tensors = self.step.changes()
        before = [value.clone() for value in tensors]
        figures = self._work()  # first: memory that it takes is free again when the record takes its own
        after = [value.clone() for value in tensors]
        try:
            self._figures, self._play = self.record(self._work)
        except RuntimeError as error:
            self.refused = _reason(error)
        if self._play:
            _set(tensors, before)
            self.step.rewind()
            self._play()
            if not all(map(torch.equal, [self._figures, *tensors], [figures, *after])):
                self.refused = "replaying the graph does not give identical bits"
                _set(tensors, after)
        if self.refused:
            self.step.rewind()  # a recording that is broken off leaves gradients
            self._play, self._batches = None, []
            self.say(f"steps are not recorded as a CUDA graph: {self.refused}")
        return figures

    def _work(self) -> Tensor:
        return self.step(self._batches)


def _reason(error: BaseException) -> str:
    """What went wrong while recording; that the recording was then broken off says less."""
    lines = str(error.__context__ or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _set(tensors: list[Tensor], values: list[Tensor]) -> None:
    for tensor, value in zip(tensors, values, strict=True):
        tensor.copy_(value)


def on_cuda(step: Step, device: torch.device, say: Callable[[str], None]) -> Callable[[Iterable[Batch]], Tensor]:
    """What does the same as a step by a CUDA graph; on a stream of its own, as recording needs."""
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    recorded = Recorded(step, partial(_cuda_graph, stream), say)

    def launch(batches: Iterable[Batch]) -> Tensor:
        here = torch.cuda.current_stream(device)
        stream.wait_stream(here)
        try:
            with torch.cuda.stream(stream):
                return recorded(batches)
        finally:
            here.wait_stream(stream)

    return launch


def recorded(work: Work, device: torch.device) -> Callable[[], object]:
    """What plays back a CUDA graph of some work, which is done `EAGER` times before; the work itself where it cannot be
    recorded."""
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        for _ in range(EAGER):
            work()
        try:
            _, play = _cuda_graph(stream, work)
        except RuntimeError:
            return work
    return play


def _cuda_graph(stream: torch.cuda.Stream, work: Work) -> tuple[Tensor, Callable[[], None]]:
    """The work as a graph. Raises RuntimeError where it cannot be recorded."""
    graph = torch.cuda.CUDAGraph()
    gc.collect()  # a graph that is destroyed while another is recorded breaks the record
    collects = gc.isenabled()
    gc.disable()
    try:
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):  # other threads decode images
            figures = work()
    except RuntimeError:  # before torch 2.13 the generator would go on to believe that it is recorded
        torch.cuda.default_generators[stream.device_index].graphsafe_set_state(torch.Generator(stream.device))
        raise
    finally:
        if collects:
            gc.enable()
    return figures, graph.replay
