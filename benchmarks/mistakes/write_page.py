"""Twenty common mistakes in Keras, PyTorch and specc: what each prints, and when. Writes docs/mistakes.md.

    python3 -m venv peers && peers/bin/pip install -r benchmarks/requirements.txt -c constraints.txt
    peers/bin/python benchmarks/mistakes/write_page.py

runs every snippet of cases.md, one after another in this process; specc's go through `.venv/bin/specc check --short`,
or the specc given as an argument. Only the snippets and the sentences about them are written by hand.
"""

import contextlib
import io
import os
import platform
import re
import runpy
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
import torch
import torch.nn.functional as F
from peers import fit
from sklearn.datasets import load_digits
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
COLUMNS = {"keras": "Keras", "pytorch": "PyTorch", "cnn": "specc"}
LINES, WIDTH = 6, 160  # the most that is shown of an output


@dataclass(frozen=True)
class Outcome:
    """What a snippet did: its message or last line, the most informative line, when, and after how many seconds."""

    output: str
    line: str
    when: str
    seconds: float


def names(peer: str) -> dict[str, object]:
    """The names each snippet can use: the imports, scikit-learn's 8x8 digits and random 32x32 color images."""
    pixels = load_digits()
    raw = (pixels.images[..., None] / 16 * 255).astype("float32")
    photos = np.random.default_rng(0).normal(size=(512, 32, 32, 3)).astype("float32")
    labels = np.random.default_rng(1).integers(0, 10, 512)
    data = {"raw_digits": raw, "digits": (raw - raw.mean()) / raw.std(), "photos": photos}
    targets = {"digit_labels": pixels.target.astype("int64"), "photo_labels": labels}
    if peer == "keras":
        return {"keras": keras, "layers": keras.layers, "np": np, **data, **targets}
    images = {name: torch.from_numpy(array).permute(0, 3, 1, 2).contiguous() for name, array in data.items()}
    classes = {name: torch.from_numpy(array) for name, array in targets.items()}
    return {"torch": torch, "nn": nn, "F": F, "fit": fit, **images, **classes}


class Steps:
    """Counts optimizer steps, in either library."""

    def __init__(self) -> None:
        self.taken = 0
        register_optimizer_step_post_hook(self.count)
        apply = keras.optimizers.Optimizer.apply

        def counted(optimizer: object, *args: object, **kwargs: object) -> object:
            self.count()
            return apply(optimizer, *args, **kwargs)

        keras.optimizers.Optimizer.apply = counted

    def count(self, *_: object) -> None:
        self.taken += 1


def run_peer(peer: str, code: str, steps: Steps) -> Outcome:
    """Run a snippet for Keras or PyTorch. The failing statement tells when: building, compiling or training."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    steps.taken = 0
    before, printed, failure = names(peer), io.StringIO(), None
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("default")
        for hidden in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
            warnings.simplefilter("ignore", hidden)  # as Python does
        file = Path(folder) / "snippet.py"
        file.write_text(code)
        start = time.perf_counter()
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                runpy.run_path(str(file), before)
        except Exception as error:  # noqa: BLE001 - whatever a user would see
            failure = error
        seconds = time.perf_counter() - start
        said = [f"{w.category.__name__}: {w.message}" for w in warned]
        if failure is None:
            last = plain(printed.getvalue()).splitlines()[-1:]
            when = f"never: trains {steps.taken} steps" if steps.taken else "never"
            return Outcome("\n".join([*said, *last]), "; ".join(said + last) or "nothing", when, seconds)
        frames = traceback.extract_tb(failure.__traceback__)
        statement = next(frame.line or "" for frame in frames if frame.filename == str(file))
        training = statement.startswith("model.fit(") or any(frame.name == "fit" for frame in frames)
    message = plain("".join(traceback.format_exception_only(failure)))
    return Outcome("\n".join([*said, message]), telling(message), moment(statement, training, steps.taken), seconds)


def plain(printed: str) -> str:
    """Without colors and Keras's progress bar, whose every state but the last is overwritten."""
    return re.sub(r"\x1b\[\d*m|━+ *|.*[\b\r]", "", printed).strip()


def moment(statement: str, training: bool, taken: int) -> str:
    if training:
        return f"after {taken} steps" if taken else "at the first batch"
    return "when compiled" if ".compile(" in statement else "when built"


def telling(message: str) -> str:
    """The line of a message that says what is wrong: the first, except for Keras's "Exception encountered when …"."""
    lines = [line for line in message.splitlines() if line.strip()]
    if "Exception encountered when calling" in lines[0] and len(lines) > 1:
        return f"{lines[0].split(':')[0]}: {lines[1]}"
    return lines[0]


def run_specc(specc: str, code: str) -> Outcome:
    """`specc check --short` as a whole process, including Python's startup."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "net.cnn").write_text(code)
        start = time.perf_counter()
        command = [specc, "check", "--short", "net.cnn"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - start
    output = (done.stdout + done.stderr).strip()
    problems = re.findall(r"^net\.cnn:\d.*", output, re.MULTILINE)
    return Outcome(output, "; ".join(problems) or output, "at the check" if problems else "never", seconds)


def shortened(output: str) -> str:
    """The first lines of an output, with very long ones cut; cuts are marked."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    cut = [line if len(line) <= WIDTH else line[:WIDTH] + " […]" for line in lines[:LINES]]
    return "\n".join(cut + [f"[… {len(lines) - LINES} more lines]"] * (len(lines) > LINES))


def duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def cell(outcome: Outcome) -> str:
    line = outcome.line if len(outcome.line) <= WIDTH else outcome.line[:WIDTH] + " […]"
    quoted = line.replace("|", "\\|")
    result = "``" if "`" in quoted else "`"
    pad = " " if result == "``" else ""
    return f"**{outcome.when}**, {duration(outcome.seconds)}: {result}{pad}{quoted}{pad}{result}"


def section(number: int, title: str, text: str, code: dict[str, str], outcomes: dict[str, Outcome]) -> str:
    parts = [f"## {number}. {title}"] + ([text] if text else [])
    for peer, column in COLUMNS.items():
        found = outcomes[peer]
        fence = "cnn" if peer == "cnn" else "python"
        parts.append(f"**{column}**, {found.when}, {duration(found.seconds)}:")
        parts.append(f"```{fence}\n{code[peer].strip()}\n```")
        parts.append(f"```text\n{shortened(found.output) or '(prints nothing)'}\n```")
    return "\n\n".join(parts)


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def head(specc: str, totals: str) -> str:
    version = subprocess.run([specc, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    trainer = (HERE / "peers.py").read_text().strip()
    return f"""# Twenty mistakes

<!-- Written by benchmarks/mistakes/write_page.py from benchmarks/mistakes/cases.md. Do not edit. -->

Each mistake below was written in Keras, in plain PyTorch and in specc, and run.
`benchmarks/mistakes/write_page.py` wrote this page from what they printed. {totals}

Keras {keras.__version__} with the torch backend, PyTorch {torch.__version__}, {version},
Python {platform.python_version()}; {platform.system()} {platform.machine()}, {processor()}, one thread, no GPU.

Times are until the message appeared, or until training ended. For Keras and PyTorch they start at the snippet's first
line, excluding the time to import the library and read the data. For specc they cover the whole process
`specc check --short`. The machine was doing other work at the time: read them as orders of magnitude.

`digits` is scikit-learn's set of 1797 8x8 images, standardized; `raw_digits` is the same set with pixels from 0 to 255;
`photos` is 512 random 32x32 images with three channels and random labels, enough to trigger a shape error. In specc,
`cifar10` takes their place. `specc check` reads no images. PyTorch's `fit` is the usual loop:

```python
{trainer}
```

The table shows the most informative line; the sections show the output, cut after {LINES} lines and {WIDTH} characters
per line; […] marks a cut. "never" means that nothing reports the mistake: the last line that training printed follows.
Without `--short`, specc also shows the source with the shapes under it, and how to fix it.
"""


def counts(rows: list[dict[str, Outcome]]) -> str:
    def number(peer: str, holds: Callable[[Outcome], bool]) -> int:
        return sum(holds(row[peer]) for row in rows)

    def late(found: Outcome) -> bool:
        return found.when.startswith(("at the first batch", "after"))

    def silent(found: Outcome) -> bool:
        return found.when.startswith("never")

    said = "\n".join(
        f"- {column}: {len(rows) - number(peer, late) - number(peer, silent)} before training, "
        f"{number(peer, late)} in training, {number(peer, silent)} never"
        for peer, column in COLUMNS.items()
    )
    warned = sum("error[" not in row["cnn"].line and "warning[" in row["cnn"].line for row in rows)
    strict = f"Of specc's reports, {warned} are warnings; `--strict` turns them into errors."
    return f"When the {len(rows)} mistakes are reported:\n\n{said}\n\n{strict}"


def main() -> None:
    specc = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / ".venv/bin/specc")
    torch.set_num_threads(1)
    subprocess.run([specc, "--version"], check=True, capture_output=True)
    steps = Steps()
    table, sections, rows = [], [], []
    cases = re.split(r"^## ", (HERE / "cases.md").read_text(), flags=re.MULTILINE)[1:]
    for number, case in enumerate(cases, 1):
        title, body = case.split("\n", 1)
        code = dict(re.findall(r"^```(\w+)\n(.*?)^```", body, re.MULTILINE | re.DOTALL))
        outcomes = {peer: run_peer(peer, code[peer], steps) for peer in ("keras", "pytorch")}
        outcomes["cnn"] = run_specc(specc, code["cnn"])
        print(number, title, *(f"{peer}: {found.when}" for peer, found in outcomes.items()), sep=" | ", flush=True)
        rows.append(outcomes)
        table.append(f"| {number}. {title} | {' | '.join(cell(outcomes[peer]) for peer in COLUMNS)} |")
        sections.append(section(number, title, body.split("```")[0].strip(), code, outcomes))
    heading = f"| mistake | {' | '.join(COLUMNS.values())} |\n|---|---|---|---|"
    page = "\n".join([head(specc, counts(rows)), heading, *table, "", "\n\n".join(sections), ""])
    (ROOT / "docs").mkdir(exist_ok=True)
    (ROOT / "docs/mistakes.md").write_text(page)


if __name__ == "__main__":
    main()
