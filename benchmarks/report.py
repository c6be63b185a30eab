"""How long the report of a run takes, and how large it is; and the picture in docs/report.md.

Trains a small network on 6,000 images of Fashion-MNIST, validates on its 10,000 test images, and writes the page of the
run, from a process of its own. With Chromium, its upper part becomes `docs/pictures/report.png`, 1200 pixels wide:

    SPECC_DATA=data python benchmarks/report.py
    SPECC_DATA=data python benchmarks/report.py --picture
"""

import argparse
import base64
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from specc.backend.data.dataset import load  # noqa: E402
from specc.check import check  # noqa: E402
from specc.source import Source  # noqa: E402
from tests.helpers.browser import browser, chromium  # noqa: E402

SPEC = """\
data { source = npz("fashion.npz"); normalize = standard; augment = flip -> shift(2) }

block unit(filters) { conv(filters, 3x3) -> batch_norm -> relu }

network Fashion(width=12) {
  unit(width) -> max_pool(2)
  residual { unit(width) -> conv(width) -> batch_norm }
  relu
  unit(2 * width) -> max_pool(2)
  unit(4 * width)
  global_avg_pool -> dense(10)
}

train { epochs = 6; batch = 64; optimizer = adam(lr=5e-3); schedule = warmup(1) -> cosine }
"""
WIDTH, HEIGHT = 1200, 1900
PICTURE = ROOT / "docs" / "pictures" / "report.png"


def write_data(folder: Path) -> None:
    """6,000 training images and all test images, in an archive."""
    data = check(Source("net.cnn", "data { source = fashion_mnist }\nnetwork N { flatten -> dense(10) }")).data
    assert data is not None
    whole = load(data)
    some = np.arange(6000)
    np.savez(
        folder / "fashion.npz",
        x_train=whole.train.images[some].numpy(),
        y_train=whole.train.labels[some].numpy(),
        x_test=whole.validation.images.numpy(),
        y_test=whole.validation.labels.numpy(),
        classes=np.array(whole.classes),
    )


def run(*arguments: str, folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "specc", *arguments], cwd=folder, check=True)


def _worked() -> float:
    """Seconds that processors have worked for the processes started here."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", action="store_true", help="write docs/pictures/report.png, too")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_data(folder)
        (folder / "fashion.cnn").write_text(SPEC)
        run("train", "fashion.cnn", "--out", "fashion", "--quiet", folder=folder)
        begin, worked = perf_counter(), _worked()
        run("report", "fashion", folder=folder)
        page = folder / "fashion" / "report.html"
        seconds, work, size = perf_counter() - begin, _worked() - worked, page.stat().st_size / 1e6
        print(f"the report of 10,000 images: {seconds:.1f} s, of which it computed {work:.1f} s; {size:.2f} MB")
        if asked.picture:
            photograph(page, folder / "profile")


def photograph(page: Path, profile: Path) -> None:
    program = chromium()
    assert program is not None, "Chromium is needed"
    profile.mkdir()
    with browser(program, profile) as tab:
        tab.call("Emulation.setDeviceMetricsOverride", width=WIDTH, height=HEIGHT, deviceScaleFactor=1, mobile=False)
        tab.call("Emulation.setScrollbarsHidden", hidden=True)
        tab.open(page)
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": HEIGHT, "scale": 1}
        shot = tab.call("Page.captureScreenshot", clip=clip)
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_bytes(base64.b64decode(shot["data"]))
    print(f"wrote {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
