"""Trains in processes that can be killed: PyTorch is imported once, and each training is a fork.

python fault_driver.py SPEC      reads a line of JSON for each training: {"run": …, "fault": …, "new": …, "export": …}
                           and answers with its exit status, -9 where it was killed
"""

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import torch._dynamo  # noqa: F401 - the first optimizer of a process loads it, which takes longer than a training here

from specc.backend.onnx.export import export_run
from specc.backend.run.files import INFO
from specc.backend.train.job import train
from specc.backend.train.resume import resume
from specc.check import check
from specc.source import Source


def work(spec: Path, run: Path, fault: str, exports: bool) -> int:
    """Begin a run, or go on with it, as `specc train` does. Returns its exit status."""
    if fault:
        os.environ["SPECC_FAULT"] = fault
    if (run / INFO).exists():
        outcome = resume(run, quiet=True)
    else:
        outcome = train(check(Source(str(spec), spec.read_text())), out=run, device="cpu", quiet=True)
    if exports and outcome.status == 0:
        export_run(run, device="cpu")
    return outcome.status


def main() -> None:
    spec = Path(sys.argv[1])
    for line in sys.stdin:
        job: dict[str, Any] = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                os._exit(work(spec, Path(job["run"]), job["fault"], job["export"]))
            except BaseException:  # noqa: BLE001 - the parent is told
                traceback.print_exc()
                os._exit(99)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
