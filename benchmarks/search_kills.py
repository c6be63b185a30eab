"""A search of 24 trials with three workers, each killed at random while it trains, as is the search itself; then its
journal is replayed, and every trial is trained again: are the weights the same bits?

    python benchmarks/search_kills.py [FOLDER]

Evidence: SIGKILL, at times drawn from a seed, of each worker twice and of the search once; the weights of every
training after its last epoch, or after that at which it was pruned, are compared by their SHA-256.
"""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.helpers.killed_search import lines_of, search_with_kills

TRIALS, WORKERS = 24, 3
SPEC = """
data { source = digits; validation = split(20%) }
network Small(width=8, act=relu) {
  conv(width) -> batch_norm -> act -> conv(2 * width, stride=2) -> batch_norm -> act
  dropout(10%) -> global_avg_pool -> dense(10)
}
train { epochs = 8; batch = 32; optimizer = adam(lr=1e-2); ema = 0.99 }
search {
  network.width = integers(4, 12)
  network.act = choice(relu, gelu, tanh)
  train.optimizer.lr = log_uniform(1e-4, 1e-1)
}
"""


def main(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    spec, out = folder / "small.cnn", folder / "search"
    spec.write_text(SPEC)
    options = ["--trials", str(TRIALS), "--workers", str(WORKERS), "--device", "cpu", "--out", str(out)]
    counts = search_with_kills(["search", str(spec), *options], out, WORKERS, 2, seed=0, pauses=(0.0, 1.5))
    events = Counter(line["what"] for line in lines_of(out))
    resumed = events["started"] - events["trained"]
    states = Counter(line["state"] for line in lines_of(out) if line["what"] == "ended")
    print(f"{TRIALS} trials, {WORKERS} workers, killed at work: {dict(sorted(counts.items()))}; the search itself once")
    print(f"trials: {dict(states)}; trainings taken up again: {resumed}")
    command = [sys.executable, "-m", "specc", "search", "--replay", str(out), "--workers", str(WORKERS)]
    answer = subprocess.run([*command, "--device", "cpu", "--json"], capture_output=True, text=True, check=False)
    if answer.returncode:
        print(answer.stderr)
        return 1
    found = json.loads(answer.stdout)
    print(f"replayed: {found['same']} of {len(found['trainings'])} trainings have the same bits")
    return 0


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(main(Path(sys.argv[1])))
    with tempfile.TemporaryDirectory() as place:
        sys.exit(main(Path(place)))
