"""A plan is carried out: the one place where a training's threads, kernels, layout, order and launch are set."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from specc.backend.build import Net
from specc.backend.device import exact, set_threads
from specc.backend.engine.recompute import Recomputed
from specc.backend.engine.trainer import Trainer
from specc.backend.execution.compile import compiled
from specc.backend.execution.cuda_graph import on_cuda
from specc.backend.execution.plan import Plan


def set_up(plan: Plan) -> None:
    """Bring the process into the plan's state, before anything is drawn or loaded: deterministic kernels, threads."""
    exact(plan.device)
    if plan.threads is not None:
        set_threads(plan.threads)


def apply(plan: Plan, net: Net) -> Callable[[Tensor], Any]:
    """Bring a fresh network to the plan's device, in its layout and order. Gives what computes its forward pass."""
    set_up(plan)
    net.to(plan.device).to(memory_format=plan.layout)  # type: ignore[call-overload]
    if plan.pools_first:
        net.pool_first()
    if plan.ends:
        draws = any(node.op.training_only and not node.op.idle(node.args) for node in net.graph.nodes)
        net.runner = Recomputed(plan.ends, draws=draws)
    return compiled(net) if plan.compiled else net


@contextmanager
def launched(plan: Plan, trainer: Trainer, say: Callable[[str], None]) -> Iterator[None]:
    """While it is entered, the trainer's steps are launched as the plan says. say: is told where they cannot be."""
    if plan.recorded:
        trainer.launch = on_cuda(trainer.compute, plan.device, say)
    try:
        yield
    finally:
        trainer.launch = trainer.compute  # a graph that is kept holds on to its memory
