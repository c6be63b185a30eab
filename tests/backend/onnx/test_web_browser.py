"""The page in a real browser, opened from the disk: the same refusals and the same classes as `specc predict`."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import sklearn.datasets
from PIL import Image

from specc.backend.onnx import model_file
from specc.backend.onnx.export import export_run
from specc.backend.onnx.web.page import write_page
from specc.backend.onnx.web.runtime import INSTALL, Runtime, find_runtime
from specc.backend.predict import UNSEEN, predict
from specc.backend.predict.file import from_file
from specc.backend.predict.masks import palette
from specc.backend.train.job import train
from specc.check import check
from specc.errors import SpeccError
from specc.source import Source
from tests.helpers import task_runs as tasks
from tests.helpers.browser import Browser, browser, chromium
from tests.helpers.tiny_model import sealed, tiny_body
from tests.helpers.tiny_pictures import DRAW, GRAY, RGB, turned, write_kinds
from tests.helpers.tiny_run import files_trained, gray_trained, resizing_trained, trained

ALLOWED = 1e-4
DIGITS = """
data { source = digits }
network Digits { conv(8) -> relu -> flatten -> dense(10) }
train { epochs = 3; batch = 64 }
"""
PHOTO = Path(sklearn.datasets.__file__).parent / "images" / "china.jpg"
SHOWN = """(() => {
  const [answer, state] = ["answer", "state"].map((id) => document.getElementById(id));
  const rows = [...document.querySelectorAll("#classes li")];
  if (answer.ariaBusy !== "false" || !(rows.length || state.classList.contains("wrong"))) return null;
  const value = (row) => [row.querySelector("bdi").textContent, Number(row.querySelector("data").value)];
  return [rows.map(value), state.textContent, Number(answer.dataset.milliseconds ?? 0)];
})()"""
HOSTILE = ["</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "{{model}}"]


class Shown(NamedTuple):
    """What the page shows: probabilities by class, the likeliest first; what it says; how long the network took."""

    classes: dict[str, float]
    says: str
    milliseconds: float


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shutil.which", lambda name: None)  # a test installs nothing
        try:
            return find_runtime()
        except SpeccError:
            pytest.skip(f"onnxruntime-web is not there: {INSTALL}")


@pytest.fixture(scope="module")
def tab(runtime: Runtime, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = chromium()
    if program is None:
        pytest.skip("no Chromium is there")
    with browser(program, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def open_page(tab: Browser, runtime: Runtime) -> Callable[[Path], None]:
    """Opens the page of an exported file."""

    def open_one(model: Path) -> None:
        tab.open(write_page(model.parent / "web" / "index.html", model, runtime))
        tab.wait_for("!!document.documentElement.dataset.ready || !!document.querySelector('#state.wrong')")

    return open_one


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported file of a small network on digits."""
    run = train(
        check(Source("digits.cnn", DIGITS)), out=tmp_path_factory.mktemp("digits") / "run", device="cpu", quiet=True
    )
    return export_run(run.path, device="cpu")[0].path


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Image files of every kind, and more of those for which browsers have ways of their own."""
    folder = tmp_path_factory.mktemp("kinds")
    half = Image.fromarray(np.dstack([RGB, DRAW.integers(0, 256, RGB.shape[:2], dtype=np.uint8)]))
    half.save(folder / "half.png")
    half.save(folder / "half.webp", lossless=True)
    for orientation in range(2, 9):
        for kind in ("png", "webp"):
            Image.fromarray(RGB).save(folder / f"turned{orientation}.{kind}", exif=turned(orientation), lossless=True)
    Image.fromarray(RGB).quantize(4).save(folder / "four_colors.png", bits=2)
    Image.fromarray(GRAY).save(folder / "gray_key.png", transparency=int(GRAY[0, 0]))
    Image.fromarray(RGB).save(folder / "key.png", transparency=tuple(map(int, RGB[0, 0])))
    Image.fromarray(RGB).save(folder / "progressive.jpg", progressive=True)
    Image.fromarray(RGB).save(folder / "rgb.bmp")
    Image.open(PHOTO).resize((301, 77)).save(folder / "wide.jpg")
    write_kinds(folder)
    return [path for path in sorted(folder.iterdir()) if path.suffix != ".tif"]


def ask(tab: Browser, give: Callable[[], None]) -> Shown:
    """What is shown after `give` has given an image."""
    tab.value("document.getElementById('clear').click()")
    give()
    rows, says, milliseconds = tab.wait_for(SHOWN)
    return Shown(dict(rows), says, milliseconds)


def chosen(tab: Browser, file: Path) -> Shown:
    return ask(tab, lambda: tab.give("#file", file))


def same(found: Shown, model: Path, image: Path) -> None:
    """Hold what is shown against `specc predict`."""
    expected = predict(from_file(model), image, top=5).values
    assert found.says.startswith("The network took"), (image.name, found.says)
    assert list(found.classes) == [name for name, _ in expected], image.name
    for name, probability in expected:
        assert found.classes[name] == pytest.approx(probability, abs=ALLOWED), image.name


@pytest.mark.parametrize("make", [trained, gray_trained, resizing_trained])
def test_every_kind_of_image(
    tab: Browser, open_page: Callable[[Path], None], kinds: list[Path], tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    (exported,) = export_run(make(tmp_path), device="cpu")
    open_page(exported.path)
    assert len(kinds) == 42
    for image in [*kinds, PHOTO]:
        same(chosen(tab, image), exported.path, image)


def test_range_of_16_bit_files_is_that_of_predict(
    tab: Browser, open_page: Callable[[Path], None], kinds: list[Path], tmp_path: Path
) -> None:
    (exported,) = export_run(files_trained(tmp_path), device="cpu")
    open_page(exported.path)
    refused = []
    for image in [*kinds, PHOTO, *sorted((tmp_path / "files").rglob("*.png"))[:3]]:
        if not image.name.startswith("deep_rgb"):
            same(chosen(tab, image), exported.path, image)
            continue
        refused.append(image.name)
        with pytest.raises(SpeccError, match="has 16-bit colors") as caught:
            predict(from_file(exported.path), image, 1)
        assert chosen(tab, image).says == f"{image.name} {caught.value.message.removeprefix(f'{image} ')}"
    assert refused == ["deep_rgb.png", "deep_rgba.png"]


def test_digits_and_how_long_it_took(
    tab: Browser, open_page: Callable[[Path], None], digits: Path, tmp_path: Path
) -> None:
    open_page(digits)
    images, labels = sklearn.datasets.load_digits(return_X_y=True)
    right = 0
    for number in range(10):
        levels = np.rint(images[number].reshape(8, 8) * 255 / 16).astype(np.uint8)
        Image.fromarray(levels).save(tmp_path / f"{number}.png")
        found = chosen(tab, tmp_path / f"{number}.png")
        same(found, digits, tmp_path / f"{number}.png")
        assert 0 < found.milliseconds < 60_000
        right += next(iter(found.classes)) == str(labels[number])
    assert right >= 8


def test_digit_drawn_by_hand(tab: Browser, open_page: Callable[[Path], None], digits: Path, tmp_path: Path) -> None:
    open_page(digits)
    left, top, width = tab.value("(({left, top, width}) => [left, top, width])(pad.getBoundingClientRect())")
    one = [(left + width * x, top + width * y) for x, y in ((0.35, 0.3), (0.5, 0.15), (0.5, 0.5), (0.5, 0.85))]
    found = ask(tab, lambda: tab.stroke(one))
    drawn = tab.value("pad.toDataURL()")
    (tmp_path / "drawn.png").write_bytes(base64.b64decode(drawn.partition(",")[2]))
    with Image.open(tmp_path / "drawn.png") as image:
        levels = np.asarray(image.convert("L"))
    assert levels[0, 0] == 0 and levels[140, 140] == 255 and 0.03 < levels.mean() / 255 < 0.3
    same(found, digits, tmp_path / "drawn.png")
    tab.value("dark.click()")
    assert ask(tab, lambda: tab.stroke(one)).classes != found.classes


def test_dropped_file(tab: Browser, open_page: Callable[[Path], None], digits: Path, kinds: list[Path]) -> None:
    open_page(digits)
    (image,) = [path for path in kinds if path.name == "deep_gray.png"]
    same(ask(tab, lambda: tab.drop(image, 200, 300)), digits, image)


PASTE = """(() => {
  const bytes = Uint8Array.from(atob("%s"), (c) => c.charCodeAt(0));
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File([bytes], "pasted.png"));
  document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
})()"""


def test_pasted_image(tab: Browser, open_page: Callable[[Path], None], digits: Path, kinds: list[Path]) -> None:
    open_page(digits)
    (image,) = [path for path in kinds if path.name == "half.png"]
    same(ask(tab, lambda: tab.value(PASTE % base64.b64encode(image.read_bytes()).decode())), digits, image)


def test_everything_is_reached_by_keyboard(tab: Browser, open_page: Callable[[Path], None], digits: Path) -> None:
    open_page(digits)
    reached = []
    for _ in range(4):
        for kind in ("rawKeyDown", "keyUp"):
            tab.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        reached.append(tab.value("document.activeElement.id || document.activeElement.localName"))
    assert reached == ["file", "clear", "dark", "summary"]


def damaged(folder: Path) -> Iterator[Path]:
    """Files that cannot serve."""
    Image.fromarray(RGB).save(folder / "whole.png")
    Image.fromarray(RGB).save(folder / "whole.jpg")
    Image.fromarray(RGB).save(folder / "whole.webp")
    for path in sorted(folder.glob("whole.*")):
        (folder / f"cut{path.suffix}").write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
        yield folder / f"cut{path.suffix}"
    flipped = bytearray((folder / "whole.png").read_bytes())
    flipped[60] ^= 1
    others = {
        "flipped.png": bytes(flipped),
        "empty.png": b"",
        "text.png": b"hello there",
        "photo.png": b"\0\0\0 ftypheic",
    }
    for name, content in others.items():
        (folder / name).write_bytes(content)
        yield folder / name
    Image.new("1", (20_000, 1)).save(folder / "long.png")
    yield folder / "long.png"


def test_what_predict_refuses_is_refused(
    tab: Browser, open_page: Callable[[Path], None], digits: Path, tmp_path: Path
) -> None:
    open_page(digits)
    for image in damaged(tmp_path):
        with pytest.raises(SpeccError) as caught:
            predict(from_file(digits), image, 1)
        expected = caught.value.message.removeprefix(str(tmp_path / image.name)).partition(":")[0]
        found = chosen(tab, image)
        assert found.classes == {} and found.says.startswith(image.name)
        reason = found.says.removeprefix(image.name).partition(":")[0].replace("read here", "read")
        assert reason.removesuffix(" ") == expected, image.name
    Image.fromarray(RGB).save(tmp_path / "rgb.tif")
    assert "it is a TIFF image; convert it" in chosen(tab, tmp_path / "rgb.tif").says
    assert len(chosen(tab, tmp_path / "whole.png").classes) == 5


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_logits_become_probabilities_and_names_stay_text(
    tab: Browser, open_page: Callable[[Path], None], kinds: list[Path], tmp_path: Path, activation: str
) -> None:
    output = json.dumps({"name": "logits", "activation": activation})
    body = tiny_body({model_file.CLASSES: json.dumps(HOSTILE), model_file.OUTPUT: output})
    cpu = {"largest_difference": 0.0, "images": 9, "agreement": 1.0}
    hashes = dict.fromkeys(("weights_sha256", "data_sha256", "spec_sha256"), "")
    about = {"network": HOSTILE[0], "validation_images": 9, "correct": 9, "providers": {"CPU": cpu}, **hashes}
    (tmp_path / "model.onnx").write_bytes(sealed(body, **about))
    open_page(tmp_path / "model.onnx")
    same(chosen(tab, kinds[-1]), tmp_path / "model.onnx", kinds[-1])
    assert tab.value("document.querySelector('h1').textContent") == HOSTILE[0]
    assert tab.value("document.querySelectorAll('script, img').length") == 2


def slide(tab: Browser, slider: str, value: int) -> None:
    """Move a slider, as a person does."""
    tab.value(f"{slider}.value = {value}; {slider}.dispatchEvent(new Event('input'))")


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small photograph, of another shape than the networks take."""
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    Image.open(PHOTO).resize((40, 27)).save(path)
    return path


def test_tags_above_the_threshold(tab: Browser, open_page: Callable[[Path], None], photo: Path, tmp_path: Path) -> None:
    (exported,) = export_run(tasks.trained(tmp_path, "multi-label"), device="cpu")
    open_page(exported.path)
    assert tab.value("document.querySelector('.found h2').textContent") == "Tags"
    assert not tab.value("document.getElementById('threshold-control').hidden")
    slide(tab, "threshold", 0)
    found = chosen(tab, photo)
    model = from_file(exported.path)
    every = predict(model, photo, threshold=0).values
    assert list(found.classes) == [name for name, _ in every] and len(every) == 4
    assert found.classes == pytest.approx(dict(every), abs=ALLOWED)
    between = round(50 * (every[1][1] + every[2][1])) if every[1][1] - every[2][1] > 0.02 else 100
    slide(tab, "threshold", between)
    names = tab.value("[...document.querySelectorAll('#classes bdi')].map((name) => name.textContent)")
    assert names == [name for name, _ in predict(model, photo, threshold=between / 100).values]
    slide(tab, "threshold", 100)
    assert tab.value("none.hidden ? '' : none.textContent") == "no tag of at least 100%"


def test_numbers_in_the_units_of_the_data(
    tab: Browser, open_page: Callable[[Path], None], photo: Path, tmp_path: Path
) -> None:
    (exported,) = export_run(tasks.trained(tmp_path, "regression"), device="cpu")
    open_page(exported.path)
    found, expected = chosen(tab, photo), predict(from_file(exported.path), photo).values
    assert list(found.classes) == ["year", "share"] == [name for name, _ in expected]
    assert found.classes == pytest.approx(dict(expected), rel=ALLOWED)
    text = tab.value("document.querySelector('#classes data').textContent")
    assert float(text) == pytest.approx(expected[0][1], rel=ALLOWED) and "%" not in text
    assert tab.value("document.querySelectorAll('.track').length") == 0


MASK = """(() => {
  const { width, height } = mask;
  return [height, width, Array.from(mask.getContext("2d").getImageData(0, 0, width, height).data), mask.hidden];
})()"""


@pytest.mark.parametrize(
    ("data", "export"),
    [
        ("", ""),
        ("", "output = classes"),
        ("resize = 12x12", "output = logits"),
        ("resize = contain(12x12)", ""),
        ("resize = cover(14x17); view = 12x12", ""),
    ],
)
def test_mask_over_the_image(
    tab: Browser, open_page: Callable[[Path], None], photo: Path, tmp_path: Path, data: str, export: str
) -> None:
    size = (20, 15) if data else (tasks.SIDE, tasks.SIDE)
    (exported,) = export_run(tasks.trained(tmp_path, "segmentation", data=data, export=export, size=size), device="cpu")
    open_page(exported.path)
    found, expected = chosen(tab, photo), predict(from_file(exported.path), photo)
    assert found.classes == pytest.approx(dict(expected.values), abs=2e-3)
    assert expected.mask is not None and expected.mask.shape == (27, 40)
    height, width, pixels, hidden = tab.value(MASK)
    assert (height, width, hidden) == (27, 40, False)
    shown = np.array(pixels, np.uint8).reshape(27, 40, 4)
    clear = (expected.mask == 0) | (expected.mask == UNSEEN)
    colors = np.dstack([palette()[expected.mask], np.full((27, 40), 255, np.uint8)])
    colors[clear] = 0
    assert (shown == colors).all(axis=2).mean() > 0.995  # a pixel at a tie may fall to another class
    if "view" in data:
        assert 0 < (expected.mask == UNSEEN).mean() < 1
    slide(tab, "opacity", 20)
    assert (
        tab.value("mask.style.opacity") == "0.2"
        and tab.value("document.getElementById('opacity-value').value") == "20%"
    )
    tab.value("clear.click()")
    assert tab.value("mask.hidden")


def test_nothing_was_asked_of_any_network_and_nothing_went_wrong(
    tab: Browser, open_page: Callable[[Path], None], digits: Path
) -> None:
    open_page(digits)
    assert {address.partition(":")[0] for address in tab.requests()} <= {"file", "blob", "data"}
    assert tab.complaints() == []
    blocked = "fetch('http://localhost:1/').then(() => 'answered', (error) => error.name)"
    assert tab.value(blocked) == "TypeError" and "connect-src" in str(tab.complaints())
