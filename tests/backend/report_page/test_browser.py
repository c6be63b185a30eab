"""The page in a real browser, opened from the disk: it complains of nothing, asks nobody, and fits on a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from specc.backend.onnx.export import export_run
from specc.backend.report_page import page_of_run, page_of_runs
from tests.helpers import task_runs
from tests.helpers.browser import Browser, browser, chromium
from tests.helpers.tiny_run import trained

BODY = """\
residual { conv(3) -> batch_norm -> relu }
  conv(8, 3x3, stride=2) -> batch_norm -> relu
  global_avg_pool -> dense(3, init=he_normal)"""
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
GROUND = "getComputedStyle(document.body).backgroundColor"
STYLED = "getComputedStyle(document.querySelector('.tiles')).display"
# Texts whose contrast with what is behind them is below 4.5, the least that WCAG 2.1 allows; 3 for large ones.
DIM = """(() => {
  const numbers = (color) => color.match(/[\\d.]+/g).map((x) => color.startsWith('color(srgb') ? 255 * x : Number(x));
  const linear = (x) => x <= 10 ? x / 255 / 12.92 : ((x / 255 + .055) / 1.055) ** 2.4;
  const light = (c) => { const v = c.slice(0, 3).map(linear);
    return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]; };
  const behind = (node) => { for (; node; node = node.parentElement) {
    const c = numbers(getComputedStyle(node).backgroundColor);
    if (c.length < 4 || c[3] > .99) return c; } return [255, 255, 255]; };
  const dim = [];
  const words = 'p, dd, dt, th, td, li, a, summary, h1, h2, h3, .file, .wrong, .right, .q';
  for (const node of document.querySelectorAll(words)) {
    if (!node.innerText || !node.offsetParent || node.closest('svg')) continue;
    const [a, b] = [light(numbers(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x);
    const size = parseFloat(getComputedStyle(node).fontSize);
    if ((a + .05) / (b + .05) < (size >= 19 ? 3 : 4.5)) dim.push(node.tagName + ' ' + node.innerText.slice(0, 30));
  }
  return dim;
})()"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = chromium()
    if program is None:
        pytest.skip("no Chromium is there")
    with browser(program, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of a classifier that was exported, of a segmentation, and of two runs."""
    folder = tmp_path_factory.mktemp("pages")
    for name in ("one", "two"):
        (folder / name).mkdir()
    run = trained(folder / "one", body=BODY)
    export_run(run, device="cpu")
    masks = task_runs.trained(folder / "masks", "segmentation")
    other = trained(folder / "two", train_with="optimizer = sgd(lr=0.1)")
    written = {
        "one": page_of_run(run, device="cpu", data_dir=None, origin=None),
        "masks": page_of_run(masks, device="cpu", data_dir=None, origin=None),
        "several": page_of_runs([run, other]),
    }
    for name, text in written.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in written}


def look_at(tab: Browser, page: Path, theme: str, width: int) -> None:
    tab.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
    tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
    tab.open(page)


@pytest.mark.parametrize("name", ["one", "masks", "several"])
def test_it_fits_and_asks_nobody_in_both_themes(tab: Browser, pages: dict[str, Path], name: str) -> None:
    grounds = set()
    for theme in ("light", "dark"):
        for width in (1200, 390):
            tab.events.clear()
            look_at(tab, pages[name], theme, width)
            assert tab.complaints() == []
            assert [url for url in tab.requests() if not url.startswith("data:image/")] == [pages[name].as_uri()]
            assert tab.value(TOO_WIDE) <= 0, (theme, width)
            assert tab.value("[...document.images].every((one) => one.complete && one.naturalWidth > 0)")
            assert name == "several" or tab.value(STYLED) == "grid"  # the policy lets the style in
            assert tab.value(DIM) == [], (theme, width)
            grounds.add(tab.value(GROUND))
    assert len(grounds) == 2


def test_a_cell_of_the_matrix_shows_its_images(tab: Browser, pages: dict[str, Path]) -> None:
    look_at(tab, pages["one"], "light", 1200)
    shown = "[...document.querySelectorAll('.cell')].filter((one) => one.offsetParent).map((one) => one.id)"
    assert tab.value(shown) == []
    link = tab.value("document.querySelector('.matrix a').getAttribute('href')")
    tab.value("document.querySelector('.matrix a').focus()")
    for kind in ("keyDown", "keyUp"):  # with the keyboard
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        tab.call("Input.dispatchKeyEvent", type=kind, **key)
    tab.wait_for(f"location.hash === '{link}'")
    assert tab.value(shown) == [link[1:]]
    assert tab.value(f"document.querySelectorAll('{link} img').length") > 0
    tab.call("Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab", windowsVirtualKeyCode=9)
    assert tab.value("document.activeElement.tagName") in ("A", "SUMMARY", "DIV")
