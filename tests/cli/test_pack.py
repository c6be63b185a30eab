"""`specc pack`, and what the other commands make of what it writes."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.forked import Forks
from tests.helpers.tiny_data import levels, write_folder

SPEC = """\
data {{ source = {source}; normalize = standard{more} }}

network Net {{
  conv(4) -> relu
  flatten -> dense(2)
}}

train {{ epochs = 3; batch = 5; seed = 3 }}
"""
FLOWERS = 'folder("flowers")'


def write(place: Path, name: str, source: str, more: str = "") -> Path:
    path = place / name
    path.write_text(SPEC.format(source=source, more=more and f"; {more}"))
    return path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "flowers", each=20, size=(9, 8))
    write(tmp_path, "net.cnn", FLOWERS, "resize = 8x8")
    write(tmp_path, "packed.cnn", 'packed("sh")', "resize = 8x8")
    return tmp_path


def test_what_it_says(specc, place):
    answer = specc("pack", "net.cnn", "--out", "sh", "--shard-size", "20kB")
    assert answer.status == 0, answer.err
    lines = answer.out.splitlines()
    assert lines[0].startswith("40 training images, 3 x 8 x 8: ") and lines[0].endswith("kB")
    assert lines[1].startswith("sh/index.json, SHA-256 ")
    assert lines[2] == 'to read them: source = packed("sh")'
    assert answer.err == "resized to 8x8 (stretch, bilinear); the images were from 9x8\n"
    again = specc("pack", "net.cnn", "--out", "sh", "--shard-size", "20kB")
    assert "all of it was in sh already, and is unchanged" in again.out
    facts = json.loads(specc("pack", "net.cnn", "--out", "sh", "--shard-size", "20kB", "--json").out)
    assert facts["images"] == {"train": 40} and facts["shape"] == [3, 8, 8] and facts["was_complete"]
    assert facts["hash"] in answer.out and facts["kept"] == facts["shards"] > 2


@pytest.mark.parametrize(
    ("arguments", "code", "phrase"),
    [
        (("--size", "8x"), "E483", "--size 8x is not a size"),
        (("--size", "0"), "E483", "--size 0 is not a size"),
        (("--shard-size", "many"), "E526", "--shard-size is 'many', which is not an amount of bytes"),
        (("--jpeg", "101"), "E483", "101 is not in the range 1<=x<=100"),
        (("--set", "data.source=none"), "E437", "`data.source` is `none`"),
    ],
)
def test_what_it_refuses(specc, place, arguments, code, phrase):
    answer = specc("pack", "net.cnn", "--out", "sh", *arguments)
    assert answer.status in (1, 2) and f"error[{code}]" in answer.err and phrase in answer.err
    assert not (place / "sh").exists()


def test_size_and_variant_and_jpeg(specc, place):
    with (place / "net.cnn").open("a") as file:
        file.write("variant cut { data.resize = cover(8x8) }\n")
    how = ("--variant", "cut", "--size", "6x7", "--jpeg", "80", "--json")
    facts = json.loads(specc("pack", "net.cnn", "--out", "sh", *how).out)
    assert facts["shape"] == [3, 6, 7]
    assert "resized to 6x7 (cover, bilinear); the images were from 9x8" in facts["notes"]
    assert json.loads((place / "sh/index.json").read_text())["quality"] == 80


def test_the_same_training_with_and_without(specc, place, monkeypatch):
    specc("pack", "net.cnn", "--out", "sh", "--shard-size", "20kB")
    runs = {}
    for name, memory in (("net.cnn", ""), ("packed.cnn", "1 kB")):
        monkeypatch.setenv("SPECC_MEMORY", memory)
        answer = specc("train", name, "--device", "cpu", "--out", f"{name}-run")
        assert answer.status == 0, answer.err
        run = place / f"{name}-run"
        runs[name] = ((run / "last.safetensors").read_bytes(), json.loads((run / "run.json").read_text()), answer.err)
    assert runs["net.cnn"][0] == runs["packed.cnn"][0]
    info, printed = runs["packed.cnn"][1:]
    index = json.loads(specc("pack", "net.cnn", "--out", "sh", "--shard-size", "20kB", "--json").out)
    assert info["data_sha256"] == index["hash"]
    assert re.search(
        r"images are streamed, read from \d shards as they are wanted: at most 100 at once, 19.2 kB", printed
    )
    evaluated = specc("eval", "packed.cnn-run", "--device", "cpu", "--part", "train")
    assert evaluated.status == 0 and "accuracy" in evaluated.out
    assert specc("verify", "packed.cnn-run/model.onnx").status == 0
    assert specc("predict", "packed.cnn-run", "flowers/class0/1.png").status == 0


def test_other_shards_do_not_continue_a_run(specc, place):
    specc("pack", "net.cnn", "--out", "sh")
    moment = ("--device", "cpu", "--out", "run", "--set", "train.epochs=1", "-q")
    assert specc("train", "packed.cnn", *moment).status == 0
    for path in (place / "sh").iterdir():
        path.unlink()
    (place / "flowers/class0/0.png").unlink()
    specc("pack", "net.cnn", "--out", "sh")
    answer = specc("train", "packed.cnn", "--resume", "run", "--set", "train.epochs=2", "--device", "cpu")
    assert answer.status == 1 and "error[E441]" in answer.err


def test_a_plan_says_what_is_in_memory(specc, place, monkeypatch):
    specc("pack", "net.cnn", "--out", "sh")
    where = ("--device", "cpu", "--plan")
    (line,) = (line for line in specc("train", "packed.cnn", *where).out.splitlines() if line.startswith("images"))
    assert line.split("  ")[-1] == "36 training images, 6.91 kB" and "in memory" in line
    monkeypatch.setenv("SPECC_MEMORY", "1kB")
    answer = specc("train", "packed.cnn", *where)
    (line,) = (line for line in answer.out.splitlines() if line.startswith("images"))
    assert "streamed" in line and "read from 1 shard as they are wanted: at most 100 at once, 19.2 kB" in line


def test_check_knows_shape_and_classes_once_they_are_packed(specc, place):
    write(place, "packed.cnn", 'packed("sh")')
    answer = specc("check", "packed.cnn")
    assert "there is no folder sh" in answer.err and answer.status == 1
    specc("pack", "net.cnn", "--out", "sh")
    assert specc("check", "packed.cnn").status == 0
    shown = specc("show", "packed.cnn").out
    assert "3 x 8 x 8" in shown or "3x8x8" in shown.replace(" ", "")
    (place / "packed.cnn").write_text((place / "packed.cnn").read_text().replace("dense(2)", "dense(3)"))
    answer = specc("check", "packed.cnn")
    assert "error[E306]" in answer.err and "`packed` has 2 classes" in answer.err
    write(place, "far.cnn", 'packed("s3://bucket/set")')
    assert "s3://bucket/set is not on this machine, and a check fetches nothing" in specc("check", "far.cnn").err


def test_check_reads_tags_from_an_index_alone(front_forks: Forks, place):
    (place / "sh").mkdir()
    index = {"format": 1, "task": "multi-label", "tags": ["a", "b", "c"], "shape": [1, 8, 8], "encoding": "raw"}
    shard = {"name": "train-000000", "images": 5, "bytes": 10240, "sha256": "0" * 64, "table": "0" * 64}
    index |= {"quality": None, "ignore": None, "groups": False, "names": {}}
    index |= {"parts": {"train": {"images": 5, "shards": [shard]}}}
    (place / "sh/index.json").write_text(json.dumps(index))
    write(place, "packed.cnn", 'packed("sh")', "resize = 4x4")
    done = front_forks.run("check", "packed.cnn", cwd=place)
    assert "but `packed` has 3 tags" in done.stderr


def test_a_first_spec_for_shards(specc, place):
    specc("pack", "net.cnn", "--out", "sh")
    answer = specc("new", "own", "--data", "sh")
    assert answer.status == 0, answer.err
    text = (place / "own.cnn").read_text()
    assert re.search(r'source += packed\("sh"\)', text) and "input(3, 8x8)" in text
    assert "40 images in 2 classes (20 each), 8 x 8, RGB" in answer.err
    assert specc("check", "own.cnn").status == 0
    refused = specc("new", "other", "--data", "sh", "--like", "resnet18")
    assert "error[E475]" in refused.err and "holds packed images" in refused.err


def test_a_first_spec_for_shards_with_masks(specc, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("a.npz", images=levels(8, 16, 16, 3), labels=levels(8, 16, 16) % 2)
    text = SPEC.format(source='npz("a.npz")', more="").replace("flatten -> dense(2)", "conv(2, 1x1)")
    (tmp_path / "net.cnn").write_text(text)
    assert specc("pack", "net.cnn", "--out", "sh").status == 0
    answer = specc("new", "own", "--data", "sh")
    assert answer.status == 0 and "with masks of 2 classes" in answer.err
    assert specc("check", "own.cnn").status == 0


KILLS = ["write.middle:1", "rename.after:1", "rename.before:2", "rename.after:5", "write.middle:7", "rename.before:12"]


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL and fork are POSIX's")
def test_killed_at_any_point_it_continues(forks: Forks, place):
    how = ("--shard-size", "20kB", "--jpeg", "90")

    def content(out: str) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (place / out).iterdir() if path.name != "pack.json"}

    assert forks.run("pack", "net.cnn", "--out", "straight", *how, cwd=place).status == 0
    killed = 0
    for number, point in enumerate(KILLS):
        out = f"sh{number}"
        fault = {"SPECC_FAULT": point}
        killed += forks.run("pack", "net.cnn", "--out", out, *how, cwd=place, environment=fault).status == -9
        finished = len(list((place / out).glob("*.tar"))) if (place / out).exists() else 0
        done = forks.run("pack", "net.cnn", "--out", out, *how, cwd=place)
        assert done.status == 0, done.stderr
        assert content(out) == content("straight"), point
        assert finished < 3 or "finished before and are unchanged" in done.stdout or "already" in done.stdout
    assert killed == len(KILLS)


RESUMED = """\
data { source = packed("sh", window=2); augment = shift(1) -> noise(0.02) }
network Net { conv(4) -> batch_norm -> relu -> dropout(20%)
  flatten -> dense(2) }
train { epochs = 2; batch = 4; optimizer = adam(lr=1e-2) }
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL and fork are POSIX's")
def test_a_streamed_training_killed_within_an_epoch_ends_in_the_same_bits(forks: Forks, specc, place):
    specc("pack", "net.cnn", "--out", "sh", "--shard-size", "20kB")
    (place / "packed.cnn").write_text(RESUMED)
    how = ("--device", "cpu", "--quiet")
    assert forks.run("train", "packed.cnn", "--out", "straight", *how, cwd=place).status == 0
    fault = {"SPECC_FAULT": "epoch.middle:13"}
    assert forks.run("train", "packed.cnn", "--out", "run", *how, cwd=place, environment=fault).status == -9
    done = forks.run("train", "--resume", "run", *how, cwd=place)
    assert done.status == 0, done.stderr
    for name in ("last", "best"):
        assert (place / f"run/{name}.safetensors").read_bytes() == (place / f"straight/{name}.safetensors").read_bytes()
