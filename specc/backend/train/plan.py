"""How a training is carried out: what is chosen where the spec does not say it, and why.

The choices rest on `benchmarks/train_speed.py`. None changes what is computed beyond the precision that is named, but
for the order in which sums are taken; so a run keeps its plan, and is resumed by it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch

from specc.backend.build import Net
from specc.backend.device import SMALL_BATCH, share_work
from specc.backend.train.optimise import FUSED
from specc.backend.train.precision import Precision, choose
from specc.errors import SpeccError
from specc.ir.graph import Graph
from specc.values import Args

MOST_THREADS = 1024


class Choice(NamedTuple):
    """One thing that was chosen: what, which, and why."""

    what: str
    value: str
    why: str


class Plan(NamedTuple):
    """A plan, and the choices that it is made of, in words."""

    precision: Precision
    compiled: bool
    choices: tuple[Choice, ...]

    def as_dict(self) -> dict[str, dict[str, str]]:
        """As run.json holds it."""
        return {choice.what: {"is": choice.value, "because": choice.why} for choice in self.choices}


def make_plan(graph: Graph, settings: Args, device: torch.device, info: Mapping[str, Any] | None = None) -> Plan:
    """The plan of a training with the settings of the section `train`; sets the number of the CPU's threads.

    info: the run.json of a run that is gone on with. On a device of the same kind it is carried out as it was begun.

    Raises SpeccError: E431 where the device cannot train in the precision that is asked for, E449 where it cannot
    compile.
    """
    work = settings.batch * graph.total_macs
    asked: Args = settings.plan.args if settings.plan else Args(step="auto", threads=None)
    said = "as the spec says"
    precision, threads = choose(settings.precision, device, work), asked.threads
    if info is not None and str(info.get("device")).partition(":")[0] == device.type:
        begun = "as the run was begun"
        if settings.precision == "auto" and info.get("precision") in ("fp32", "bf16"):
            precision = Precision(info["precision"], begun)
        if threads is None and type(info.get("threads")) is int and 0 < info["threads"] <= MOST_THREADS:
            threads, said = info["threads"], begun
    choices = [Choice("precision", precision.name, precision.reason)]

    if device.type == "cpu":
        share_work(device, work, threads)
        small = f"a batch's forward pass is below {SMALL_BATCH:,} multiply-accumulates"
        why = said if threads else small if work < SMALL_BATCH else "as many as there are cores for"
        choices.append(Choice("threads", str(torch.get_num_threads()), why))

    choices.append(Choice("layout", "channels_last", "what convolutions work in"))

    step = "eager" if asked.step == "auto" else asked.step
    why = (
        "as the spec says" if asked.step != "auto" else "compiling took longer than it saved, wherever it was measured"
    )
    choices.append(Choice("step", step, why))

    fused = settings.optimizer.name in FUSED and device.type in ("cpu", "cuda")
    why = "one pass over the weights" if fused else f"`{settings.optimizer.name}` has no fused form here"
    choices.append(Choice("optimizer", "fused" if fused else "foreach", why))
    return Plan(precision, step == "compiled", tuple(choices))


def lay_out(plan: Plan, net: Net, device: torch.device, size: int) -> Plan:
    """Bring a network to its device, in the layout and the order of the plan; the plan with what follows from the data.

    size: bytes of the training images.
    """
    net.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    choices = [
        *plan.choices,
        Choice("data", f"resident on {device}", f"{size / 1e6:,.1f} MB of uint8"),
        Choice("augmentation", f"on {device}", "in whole batches, each image with its own draw"),
    ]
    turned = net.pool_first()
    if turned:
        choices.append(Choice("order", f"max_pool before relu, {turned}x", "the same numbers, found from fewer"))
    return plan._replace(choices=tuple(choices))


def compiled(net: Net) -> Any:
    """The network's forward pass, compiled at its first call.

    Raises SpeccError E449 where torch cannot compile here.
    """
    import torch._dynamo

    def forward(images: torch.Tensor) -> Any:
        try:
            return made(images)
        except torch._dynamo.exc.TorchDynamoException as error:  # noqa: SLF001
            last = str(error).strip().splitlines()[0]
            raise SpeccError("E449", f"the network cannot be compiled here: {last}", help="plan(step=eager)") from error

    made = torch.compile(net, dynamic=False)
    return forward
