"""Train the README's first spec, and photograph the upper part of its report into docs/pictures/first.png.

    python -m docs.site.picture

It needs Chromium.
"""

import base64
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.helpers.browser import browser, chromium

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "pictures" / "first.png"
WIDTH, HEIGHT = 1200, 802  # up to the second row of curves


def main() -> None:
    program = chromium()
    assert program is not None, "Chromium is needed"
    spec = re.findall(r"```cnn\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "digits.cnn").write_text(spec, encoding="utf-8")
        for command in ("train digits.cnn --quiet", "report runs/Digits-1"):
            subprocess.run([sys.executable, "-m", "specc", *command.split()], cwd=folder, check=True)
        with browser(program, folder / "profile") as tab:
            size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
            tab.call("Emulation.setDeviceMetricsOverride", **size)
            tab.call("Emulation.setScrollbarsHidden", hidden=True)
            tab.open(folder / "runs" / "Digits-1" / "report.html")
            PICTURE.write_bytes(base64.b64decode(tab.call("Page.captureScreenshot")["data"]))
    print(f"wrote {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
