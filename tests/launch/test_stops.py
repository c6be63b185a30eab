"""A signal at one process stops all at the same step, and an error of one is the training's."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.faults import environment, fingerprint
from tests.helpers.launched import lives, steps_of, train

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")


def test_sigterm_at_one_process_stops_all_and_another_number_resumes(folder: Path, straight: Path) -> None:
    run = folder / "term"
    ended = train(folder, "small.cnn", "--out", str(run), "--devices", "3", fault="epoch.middle:8@1=term").end()
    assert ended.status == 143, ended.err
    assert steps_of(run) == [6, 8]
    assert ended.err == f"stopped after step 8; to continue: specc train --resume {run} --devices 3\n"
    ended = train(folder, "--resume", str(run), "--devices", "4").end()
    assert ended.status == 0, ended.err
    assert fingerprint(run) == fingerprint(straight)


def test_ctrl_c_stops_all(folder: Path) -> None:
    run = folder / "ctrl-c"
    started = train(folder, "small.cnn", "--out", str(run), "--devices", "3", "--set", "train.epochs=1000")
    started.wait_until(lambda: bool(steps_of(run)))
    children = started.children()
    started.process.send_signal(signal.SIGINT)
    ended = started.end()
    assert ended.status == 130, ended.err
    last = steps_of(run)[-1]
    assert ended.err == f"stopped after step {last:,}; to continue: specc train --resume {run} --devices 3\n"
    assert not any(map(lives, children))


@pytest.mark.parametrize(("what", "told"), [("raise", "RuntimeError: a fault"), ("memory", "error[E448]")])
def test_an_error_of_one_process_is_the_training_s(folder: Path, what: str, told: str) -> None:
    if what == "memory" and not os.environ.get("SPECC_KILLS"):
        pytest.skip("takes as long as the other one; SPECC_KILLS=20 has it")
    run = folder / what
    options = ["--out", str(run), "--devices", "3", "--max-restarts", "2"]
    ended = train(folder, "small.cnn", *options, fault=f"epoch.middle:3@1={what}").end()
    assert ended.status == 2, ended.err
    assert told in ended.err and ended.err.count("on rank 1 of 3") == 1
    assert ended.err.count("error") <= 2 and "restart" not in ended.err  # it would come again


def test_shards_that_the_spec_does_not_set_are_named(folder: Path) -> None:
    spec = (folder / "small.cnn").read_text().replace("  shards = 12\n", "").replace("epochs = 3", "epochs = 1")
    (folder / "plain.cnn").write_text(spec)
    ended = subprocess.run(
        [sys.executable, "-m", "specc", "train", "plain.cnn", "--device", "cpu", "--devices", "2", "--out", "plain"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    lines = ended.stderr.splitlines()
    words = "since the spec does not set it: each batch is cut into 2 shards of 12 images"
    assert f"train.shards = 2, one for each process, {words}" in lines
    assert any(line.startswith("2 processes, each on ") for line in lines)


def test_an_error_that_all_processes_have_names_none_of_them(folder: Path) -> None:
    (folder / "missing.cnn").write_text((folder / "small.cnn").read_text().replace("small.npz", "missing.npz"))
    ended = train(folder, "missing.cnn", "--devices", "3").end()
    assert ended.status == 2 and "missing.npz" in ended.err, ended.err
    assert ended.err.count("error[") == 1 and "rank" not in ended.err, ended.err


def test_one_process_is_not_named(folder: Path) -> None:
    options = ["--devices", "1", "--set", "data.augment=none", "--out", str(folder / "one")]
    ended = train(folder, "small.cnn", *options, fault="epoch.middle:3@0=raise").end()
    assert ended.status == 2 and "a fault" in ended.err and "rank 0" not in ended.err, ended.err


def test_what_can_be_refused_before_starts_no_process(folder: Path, straight: Path) -> None:
    ended = train(folder, "small.cnn", "--devices", "3", "--out", str(straight)).end()
    assert ended.status == 2 and ended.err.startswith("error[E435]") and "rank" not in ended.err, ended.err
    ended = train(folder, "small.cnn", "--devices", "5").end()
    assert ended.status == 1 and ended.err.startswith("error[E502]"), ended.err
    ended = train(folder, "small.cnn", "--devices", "").end()
    assert ended.status == 2 and ended.err.startswith("error[E506]: --devices is ''"), ended.err
