"""The inputs that are made to fill the memory, one after the other in a process of its own, which stays below 1 GB."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.helpers.damaged_images import IMAGES
from tests.helpers.damaged_sources import SOURCES
from tests.helpers.surviving import too_long

GIGABYTE = 1 << 30
PROJECT = Path(__file__).parents[2]
SCRIPT = """
import json, re, sys, time
from pathlib import Path
from tests.helpers.damaged_sources import SOURCES
from tests.helpers.tiny_data import read
from specc.backend.images import BadImage, decode
from specc.errors import SpeccError

top = Path(sys.argv[1])
found = {}
cases = {case.name: case for case in SOURCES}
for folder in sorted(top.iterdir()):
    start = time.process_time()
    if folder.name in cases:
        try:
            read(cases[folder.name].source, base=folder, data_dir=folder)
            answer = "nothing"
        except SpeccError as error:
            answer = error.code
    else:
        try:
            answer = str(decode(folder / "image", 3).shape)
        except BadImage as error:
            answer = "E461"
    # Not `ru_maxrss`: that begins with what the process had that started this one.
    peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
    found[folder.name] = (answer, time.process_time() - start, peak)
print(json.dumps(found))
"""
EXPLOSIVE = (
    "idx gzip bomb",
    "idx gzip bomb of zeros",
    "idx gzip endless name",
    "idx of 4 billion",
    "cifar too long",
    "cifar names of 10 GB",
    "tar endless header",
    "tar bomb",
    "npz bomb",
    "npz promises 10^18",
    "npz of many members",
    "shard with an endless header",
    "image of 10 GB",
    "image of 2^62 pixels",
    "image is a device",
)
PICTURES = (
    "PNG whose data explode",
    "PNG of 2^62 pixels",
    "PNG whose texts explode",
    "PNG whose EXIF explodes",
    "TIFF whose tags explode",
    "device",
)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process's memory is read from /proc")
def test_no_input_takes_a_gigabyte(tmp_path: Path, cache: Path) -> None:
    cases = {case.name: case for case in SOURCES}
    for name in EXPLOSIVE:
        (tmp_path / name).mkdir()
        cases[name].make(tmp_path / name)
    for name in PICTURES:
        (tmp_path / name).mkdir()
        make, path = IMAGES[name][0], tmp_path / name / "image"
        path.write_bytes(make) if isinstance(make, bytes) else make(path)
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=PROJECT)
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert set(found) == {*EXPLOSIVE, *PICTURES}
    for name, (code, seconds, peak) in found.items():
        assert code == (cases[name].code if name in cases else "E461"), name
        assert not too_long(seconds, 2) and peak < GIGABYTE, (name, seconds, peak)


LARGEST = """
import os, re, sys
from pathlib import Path
from specc.backend.images import decode
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
for path in sys.argv[1:]:  # each in a process of its own, whose peak is its own, too
    child = os.fork()
    if child == 0:
        before = peak()
        decode(Path(path), 3)
        print(peak() - before, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process's memory is read from /proc")
def test_the_largest_image_of_each_kind(tmp_path: Path) -> None:
    modes = ["L", "RGB", "P", "I;16", "LA", "RGBA"]
    paths = [str(tmp_path / f"{mode}.png") for mode in modes]
    for mode, path in zip(modes, paths, strict=True):
        Image.new(mode, (16_000, 4_000)).save(path, compress_level=1)
    answer = subprocess.run([sys.executable, "-c", LARGEST, *paths], capture_output=True, text=True, timeout=300)
    assert answer.returncode == 0, answer.stderr
    peaks = dict(zip(modes, map(int, answer.stdout.split()), strict=True))
    assert {mode: peak for mode, peak in peaks.items() if peak >= 0.48 * GIGABYTE} == {}
