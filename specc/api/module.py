"""The module of a spec, as a training begins with it."""

from pathlib import Path

import torch

from specc.backend.build import Net, build
from specc.backend.initialize import initialize
from specc.backend.memory import refuse_oversized
from specc.backend.start import load_start, map_start, resolve_start
from specc.check import Checked
from specc.check.verify.task import outputs_of


def fresh_module(checked: Checked, base: Path) -> Net:
    """The module of a spec without errors, with the weights that a training begins with. See `Spec.build`."""
    spec = checked.compiled()
    refuse_oversized(spec.graph, torch.device("cpu"))
    net = build(spec.graph)
    initialize(net, spec.train.seed)
    if spec.train.start is not None:
        origin = resolve_start(spec.train.start, base)
        load_start(net, map_start(spec.graph, origin, outputs_of(spec.data) or () if spec.data else ()), origin)
    return net.train()
