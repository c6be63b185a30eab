"""The memory that `specc train --plan` says a step takes, beside what it takes, for all examples.

    python benchmarks/memory_plan.py [--device cuda] [NAME …]

Each example takes two steps on random images and labels in a process of its own, as its spec trains: loss, optimizer,
averages, precision and all. Measured is the most that torch's allocator has handed out at once: on a CPU by its
profiler, on CUDA by `max_memory_allocated`. Networks that would take long on a CPU have smaller batches there, and
fp32 where it has no bfloat16, whose kernels would unfold images in memory. An example's second row is
`plan(recompute=always)`.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor

from specc.backend.build import build
from specc.backend.device import all_threads, describe, find, native_bf16
from specc.backend.engine.assemble import assemble
from specc.backend.engine.rehearsal import rehearse
from specc.backend.engine.trainer import Trainer
from specc.backend.execution.apply import apply
from specc.backend.execution.plan import Plan, make_plan
from specc.backend.ranks import ALONE, Ranks
from specc.backend.tasks.bound import BoundTask, Scale, bind
from specc.check import Trainable
from specc.reading import check_spec
from specc.source import Source
from specc.tasks import CLASSIFICATION, MULTILABEL, REGRESSION, SEGMENTATION
from specc.vocabulary import family
from specc.vocabulary.registry import component

EXAMPLES = Path(__file__).parent.parent / "examples"
WORK = 25e9  # multiply-accumulates of a batch's forward pass on a CPU
NO_DATA = "\ndata { source = none }\n"


class Random:
    """A training's batches, of random images and labels."""

    def __init__(self, spec: Trainable, batch: int, device: torch.device) -> None:
        self.task, self.batch, self.batches, self.spec, self.device = _task(spec), batch, 4, spec, device

    def training(self, epoch: int, index: int, shard: int = 0) -> tuple[Tensor, Tensor]:
        shape = (self.batch, *self.spec.graph.input)
        images = torch.rand(shape, device=self.device).contiguous(memory_format=torch.channels_last)
        outputs = len(self.task.outputs)
        if self.task.facts == CLASSIFICATION:
            return images, torch.randint(outputs, (self.batch,), device=self.device)
        if self.task.facts == SEGMENTATION:
            size = (self.batch, *shape[2:])
            return images, torch.randint(outputs, size, dtype=torch.uint8, device=self.device)
        return images, torch.randint(2, (self.batch, outputs), device=self.device).float()

    def validation(self, ranks: Ranks = ALONE) -> Iterable[tuple[Tensor, Tensor]]:
        return []


def _task(spec: Trainable) -> BoundTask:
    facts = component(family.Source, spec.data.source).task(spec.data.source.args) or CLASSIFICATION
    names = [str(number) for number in range(spec.graph.output_shape[0])]
    scale = Scale((0.0,) * len(names), (1.0,) * len(names)) if facts == REGRESSION else None
    assert facts in (CLASSIFICATION, MULTILABEL, REGRESSION, SEGMENTATION), facts
    return bind(facts, names, scale=scale)


def spec_of(name: str) -> Trainable:
    path = EXAMPLES / f"{name}.cnn"
    text = path.read_text()
    text += "" if "data {" in text else NO_DATA
    return check_spec(Source(str(path), text)).compiled()


def measure(name: str, device: torch.device, *, recomputes: bool) -> dict[str, float]:
    """The estimate and what was measured, in bytes."""
    spec = spec_of(name)
    batch = spec.train.batch
    if device.type == "cpu":
        batch = max(2, min(batch, int(WORK / spec.graph.total_macs)))
    precision = "fp32" if device.type == "cpu" and not native_bf16(device) else spec.train.precision
    spec = spec._replace(train=spec.train.replace(batch=batch, epochs=1.0, precision=precision))
    plan = make_plan(spec.graph, spec.train, device)
    estimate = rehearse(spec, batch, plan.precision, device, recomputes=recomputes, task=_task(spec))
    plan = plan._replace(ends=estimate.ends, recorded=False, compiled=False)
    real = on_cuda(spec, plan, batch) if device.type == "cuda" else on_cpu(spec, plan, batch)
    return {"batch": batch, "estimate": estimate.step, "measured": real, "segments": len(estimate.ends)}


def trainer_of(spec: Trainable, plan: Plan, batch: int) -> Trainer:
    net = build(spec.graph)
    plan = plan._replace(pools_first=net.pools_after_relu())
    apply(plan, net)
    trainer, _ = assemble(net, spec.train, Random(spec, batch, plan.device), plan.precision)
    net.train()
    return trainer


def on_cuda(spec: Trainable, plan: Plan, batch: int) -> int:
    before = torch.cuda.memory_allocated(plan.device)
    trainer = trainer_of(spec, plan, batch)
    for _ in range(2):
        trainer.step()
    return int(torch.cuda.max_memory_allocated(plan.device)) - before


def on_cpu(spec: Trainable, plan: Plan, batch: int) -> int:
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        trainer = trainer_of(spec, plan, batch)
        for _ in range(2):
            trainer.step()
    events = [event for event in profiled.profiler.kineto_results.events() if event.name() == "[memory]"]
    now = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        peak = max(peak, now)
    return peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--one", choices=["whole", "less"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    device = find(options.device)
    if options.one:
        print(json.dumps(measure(options.names[0], device, recomputes=options.one == "less")))
        return
    names = options.names or sorted(path.stem for path in EXAMPLES.glob("*.cnn"))
    print(f"{describe(device)}, torch {torch.__version__}, {all_threads()} threads\n")
    print("| example | batch | | estimate, MB | measured, MB | difference |")
    print("|---|---:|---|---:|---:|---:|")
    worst = 0.0
    for name in names:
        for one in ("whole", "less"):
            command = [sys.executable, __file__, "--device", options.device, "--one", one, name]
            done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
            if done.returncode:
                print(f"| {name} | | | | | {done.stderr.strip().splitlines()[-1]} |", flush=True)
                continue
            found = json.loads(done.stdout.splitlines()[-1])
            apart = found["estimate"] / found["measured"] - 1
            worst = max(worst, abs(apart))
            how = "" if one == "whole" else f"{found['segments']} segments"
            sizes = f"{found['estimate'] / 1e6:,.1f} | {found['measured'] / 1e6:,.1f}"
            print(f"| {name} | {found['batch']} | {how} | {sizes} | {apart:+.1%} |", flush=True)
    print(f"\nat most {worst:.1%} apart")


if __name__ == "__main__":
    main()
