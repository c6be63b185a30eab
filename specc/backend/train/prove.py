"""`--prove-resume`: a few steps of a training without a stop and with a kill, held against each other bit by bit."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from safetensors.torch import save
from torch import Tensor

from specc.backend.data.progress import hidden
from specc.backend.run.checkpoint import load_checkpoint, save_checkpoint
from specc.backend.run.files import CHECKPOINTS, INFO, METRICS, SPEC
from specc.backend.run.manifest import OUTCOME, read_info
from specc.backend.run.metrics import epoch_result, read_lines
from specc.backend.train.job import train
from specc.backend.train.prepare import Request, prepare
from specc.backend.train.resume import resume
from specc.check import Checked
from specc.errors import SpeccError, counted
from specc.files import json_bytes
from specc.plugins import load_words
from specc.render import render_error

SAVED, LOST = 3, 2  # steps before the state is saved, and steps from there to the kill
MOST = 40  # steps; where an epoch is shorter its end, too, is within what is proven
KILL = 9  # SIGKILL
TIMED = ("seconds", "images_per_second")
PARTS = {
    "model": "weights and running statistics",
    "average": "moving average (ema)",
    "lookahead": "slow weights (lookahead)",
    "snapshot": "weights that are evaluated (swa, schedule_free)",
    "optimizer": "optimizer state",
    "table": "losses and correct answers of the epoch so far",
}


class Compared(NamedTuple):
    """One part of the state. tensors: how many; 0 for what is none. one, other: SHA-256 without a stop and with."""

    what: str
    tensors: int
    one: str
    other: str

    @property
    def is_same(self) -> bool:
        return self.one == self.other


class Proof(NamedTuple):
    """steps: how many were taken. saved, killed: after which one the state was saved, and the process killed."""

    steps: int
    saved: int
    killed: int
    device: str
    parts: list[Compared]

    @property
    def holds(self) -> bool:
        return all(part.is_same for part in self.parts)


def prove(checked: Checked, *, device: str, data_dir: Path | None, base: Path) -> Proof:
    """Train the first steps of a spec twice, once with a process that is killed in between; compare everything.

    Nothing stays behind. Raises SpeccError E487 where the second training did not go as it should, and as `train` does.
    """
    with TemporaryDirectory(prefix="specc-") as place, hidden():
        straight, killed = Path(place) / "straight", Path(place) / "killed"
        steps = saved = lost = 0

        def length(per_epoch: int, total: int) -> int:
            nonlocal steps, saved, lost
            steps = min(total, per_epoch + SAVED if per_epoch + SAVED <= MOST else 2 * (SAVED + LOST))
            saved = min(SAVED, steps // 3)
            lost = min(LOST, steps - saved)
            return steps

        train(checked, out=straight, device=device, data_dir=data_dir, base=base, quiet=True, until=length)
        _begin_again(straight, killed)
        if (spec := checked.trainable()).train.start:  # its beginning follows from no seed
            state = prepare(Request(spec, device, data_dir, base)).trainer.state
            save_checkpoint(killed / CHECKPOINTS, state)
        if saved:
            _child(killed, saved)
        _child(killed, steps, kill=lost)
        _child(killed, steps)
        device_name = json.loads((straight / INFO).read_bytes())["device_name"]
        return Proof(steps, saved, saved + lost, device_name, _compare(straight, killed))


def _begin_again(run: Path, other: Path) -> None:
    """A run as it is before its first step, with the spec and the place of `run`."""
    (other / CHECKPOINTS).mkdir(parents=True)
    (other / SPEC).write_bytes((run / SPEC).read_bytes())
    info = {name: value for name, value in read_info(run).items() if name not in OUTCOME}
    (other / INFO).write_bytes(json_bytes(info))
    (other / METRICS).write_bytes(b"")


def _child(run: Path, until: int, kill: int = 0) -> None:
    """Go on with a run in a process of its own; kill: it is killed after so many steps. Raises SpeccError E487."""
    environment = {**os.environ, "SPECC_FAULT": f"epoch.middle:{kill}"} if kill else None
    arguments = [sys.executable, "-m", "specc.backend.train.prove", str(run), str(until)]
    status = subprocess.run(arguments, env=environment, stdin=subprocess.DEVNULL, check=False).returncode  # noqa: S603
    wanted = (-KILL, KILL) if kill else (0,)
    if status not in wanted:
        found = f"the process that resumed the training exited with status {status}, not {wanted[0]}"
        raise SpeccError(
            "E487", found, help="see its output above; `specc train` without --prove-resume may show the cause"
        )


def _compare(one: Path, other: Path) -> list[Compared]:
    """Everything that two runs must have in common."""
    first, second = (load_checkpoint(run / CHECKPOINTS) for run in (one, other))
    found = []
    for part, what in PARTS.items():
        names = [sorted(n for n in side.tensors if n.partition("/")[0] == part) for side in (first, second)]
        if names[0] or names[1]:
            hashes = (_tensors(side.tensors, mine) for side, mine in zip((first, second), names, strict=True))
            found.append(Compared(what, len(names[0]), *hashes))
    rest = (
        _hash(_untimed(side.scalars) | {"lines": list(map(epoch_result, side.scalars["lines"]))})
        for side in (first, second)
    )
    found.append(Compared("step, epochs, loss scale", 0, *rest))
    lines = [[_untimed(line) for line in read_lines(run / METRICS)] for run in (one, other)]
    found.append(Compared(f"{counted(len(lines[0]), 'line')} of metrics.jsonl", 0, *map(_hash, lines)))
    return found


def _tensors(tensors: Mapping[str, Tensor], names: list[str]) -> str:
    """The SHA-256 of some tensors, in this order."""
    return hashlib.sha256(save({f"{i:06d}": tensors[name] for i, name in enumerate(names)})).hexdigest()


def _untimed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what a clock says."""
    return {name: value for name, value in values.items() if name not in TIMED}


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def main() -> int:
    """What the process does that is killed: go on with the run at the first argument, until a step."""
    try:
        load_words()
        with hidden():
            resume(Path(sys.argv[1]), quiet=True, until=lambda per_epoch, total: int(sys.argv[2]))
    except SpeccError as error:
        print(render_error(error.code, error.message, error.help), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
