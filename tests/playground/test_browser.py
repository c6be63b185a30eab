"""The playground in a real Chromium, under the policy with which `specc playground` serves it: a mistake is typed, seen
and repaired, shapes follow, no other host is asked, and no text freezes the page."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from specc.cli.loopback import Loopback
from specc.cli.playground import page
from specc.playground.folder import playground as files_of
from tests.backend.report_page.test_browser import DIM, TOO_WIDE
from tests.helpers.browser import Browser, browser, chromium
from tests.helpers.playground import real

DENSE = "[...document.querySelectorAll('.n-layer')].find((node) => node.textContent === 'dense')"
SHAPES = "[...document.querySelectorAll('.shape:not(.old)')].map((node) => node.textContent)"
OLD = "document.querySelectorAll('.shape.old').length"
NOTICE = "document.getElementById('notice').innerText"
STATE = "document.getElementById('state').innerText"
VIEW = (
    "import('@codemirror/view').then(({ EditorView }) => EditorView.findFromDOM(document.querySelector('.cm-editor')))"
)
TEXT = f"{VIEW}.then((view) => view.state.doc.toString())"
CHOOSE = """(() => {{
  const one = document.getElementById('{}');
  one.value = '{}';
  one.dispatchEvent(new Event('change'));
}})()"""
STUCK = """(async () => {
  const { Checker } = await import('./checker.js');
  const real = Worker;
  let started = 0, ended = 0;
  globalThis.Worker = class {
    constructor() { started++; setTimeout(() => this.onmessage({ data: { ready: true } })); }
    postMessage({ id, request }) { if (!request.includes('forever')) this.onmessage({ data: { id, answer: 'fine' } }); }
    terminate() { ended++; }
  };
  const checker = new Checker(() => {}, 50);
  const waited = await checker.ask('check', 'forever').catch((failure) => failure.message);
  const answered = await checker.ask('check', 'a text');
  globalThis.Worker = real;
  return [waited, answered, started, ended];
})()"""


def size(width: int) -> dict[str, Any]:
    return {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The page, once the checker has looked at the example with which it begins."""
    program = chromium()
    if program is None:
        pytest.skip("no Chromium is there")
    real()
    with Loopback(0, page()) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            with browser(program, tmp_path_factory.mktemp("profile")) as opened:
                opened.call("Emulation.setDeviceMetricsOverride", **size(1200))
                opened.call("Page.navigate", url=server.url)
                opened.wait_for("document.documentElement?.dataset.checked > 0")
                yield opened
                assert [url for url in opened.requests() if not url.startswith((server.url, "data:"))] == []
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def write(tab: Browser) -> Callable[[str], None]:
    """Replace the text, and wait until it is checked."""

    def replace(text: str) -> None:
        before = tab.value("Number(document.documentElement.dataset.checked)")
        changes = f"{{ from: 0, to: view.state.doc.length, insert: {json.dumps(text)} }}"
        tab.value(f"{VIEW}.then((view) => view.dispatch({{ changes: {changes} }}))")
        tab.wait_for(f"document.documentElement.dataset.checked > {before}")

    return replace


@pytest.fixture(autouse=True)
def _nothing_is_complained_of(tab: Browser) -> Iterator[None]:
    yield
    assert tab.complaints() == []


def press(tab: Browser, key: str, code: int, modifiers: int = 0) -> None:
    for kind in ("rawKeyDown", "keyUp"):
        event = {"type": kind, "key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        tab.call("Input.dispatchKeyEvent", **event)


def test_a_mistake_is_typed_seen_and_repaired(tab: Browser) -> None:
    assert tab.value("document.getElementById('examples').value") == "digits" and "No problems" in tab.value(STATE)
    assert "64 x 4 x 4" in tab.value(SHAPES) and tab.value(OLD) == 0
    x, y = tab.value(f"(() => {{ const at = {DENSE}.getBoundingClientRect(); return [at.x + 5, at.y + 5]; }})()")
    for count in (1, 2):  # a double click selects the word
        for kind in ("mousePressed", "mouseReleased"):
            tab.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=count)
    tab.call("Input.insertText", text="densee")
    tab.wait_for("document.querySelector('.cm-lintRange-error')?.textContent === 'densee'")
    assert tab.value(STATE) == "1 error" and tab.value(OLD) > 0  # what was known behind it stays, marked as such
    tab.wait_for("!document.getElementById('old').hidden")
    tab.value("document.getElementById('tab-problems').click()")
    listed = tab.wait_for("document.querySelector('#problems li')?.innerText")
    assert "there is no layer or block called densee" in listed and "did you mean dense?" in listed
    tab.value("document.querySelector('#problems .code').click()")
    tab.wait_for("document.getElementById('page').open")
    assert "E201: an unknown name" in tab.value("document.querySelector('#page article').innerText")
    tab.value("document.querySelector('#page button').click()")
    assert tab.value("document.querySelector('#problems .fix').innerText") == "Replace densee with dense"
    tab.value("document.querySelector('#problems .fix').click()")
    tab.wait_for(f"{STATE}.startsWith('No problems') && {OLD} === 0")
    assert tab.value(TEXT) == tab.value("fetch('examples.json').then((a) => a.json()).then((all) => all.digits)")


def test_a_mistake_is_repaired_with_the_keyboard(tab: Browser, write: Callable[[str], None]) -> None:
    write("network N {\n  input(3, 8x8)\n  flattenn -> dense(2)\n}\n")
    tab.value("document.querySelector('.cm-content').focus()")
    press(tab, "F8", 119)  # to the next problem
    press(tab, ".", 190, modifiers=2)
    tab.wait_for(f"{STATE}.startsWith('No problems')")
    assert "  flatten -> dense(2)\n" in tab.value(TEXT)
    tab.value("document.getElementById('tab-layers').focus()")
    press(tab, "ArrowRight", 39)
    assert tab.value("document.activeElement.id") == "tab-picture"


def test_what_stands_beside_the_text(tab: Browser) -> None:
    for name, shown in (("layers", "dense1"), ("picture", "192"), ("pytorch", "class N(nn.Module):")):
        tab.value(f"document.getElementById('tab-{name}').click()")
        tab.wait_for(f"document.getElementById('{name}').textContent.includes({json.dumps(shown)})")


def test_typing_is_helped(tab: Browser, write: Callable[[str], None]) -> None:
    write("network N {\n  input(3, 8x8)\n  \n  flatten -> dense(2)\n}\n")
    tab.value(f"{VIEW}.then((view) => (view.focus(), view.dispatch({{ selection: {{ anchor: 30 }} }})))")
    tab.call("Input.insertText", text="con")
    tab.wait_for("[...document.querySelectorAll('.cm-completionLabel')].some((node) => node.textContent === 'conv')")
    tab.call("Input.insertText", text="v")
    tab.wait_for("document.querySelector('.cm-tooltip-autocomplete [aria-selected]')?.innerText.includes('conv')")
    tab.wait_for("document.querySelector('.cm-completionInfo')?.innerText.includes('2-D convolution')")
    time.sleep(0.2)  # a key that comes at once is not meant for a list that has just opened
    press(tab, "Enter", 13)
    tab.wait_for(f"{TEXT}.then((text) => text.includes('conv(filters)'))")
    tab.call("Input.insertText", text="4, ")
    tab.wait_for("document.querySelector('.signature b')?.textContent.startsWith('kernel')")
    tab.value("document.getElementById('format').click()")
    tab.wait_for(f"{TEXT}.then((text) => text.includes('  conv(4)\\n'))")
    tab.wait_for(f"{SHAPES}.includes('4 x 8 x 8')")


def test_variants_are_chosen(tab: Browser) -> None:
    tab.value(CHOOSE.format("examples", "resnet50"))
    tab.wait_for("document.getElementById('variants').options.length === 2")
    tab.wait_for(f"{STATE}.includes('25.6 M parameters')")
    tab.value(CHOOSE.format("variants", "resnet101"))
    tab.wait_for(f"{STATE}.includes('44.5 M parameters')")


def test_it_fits_on_a_phone_and_is_read_in_both_themes(tab: Browser, write: Callable[[str], None]) -> None:
    write("network N {\n  input(3, 8x8)\n  conv(3, kernl=3) -> relu\n  flattenn -> dense(2)\n}\n")
    for theme in ("light", "dark"):
        tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
        for width in (1200, 390):
            tab.call("Emulation.setDeviceMetricsOverride", **size(width))
            for name in ("problems", "layers", "picture", "pytorch"):
                tab.value(f"document.getElementById('tab-{name}').click()")
                assert tab.value(TOO_WIDE) <= 0 and tab.value(DIM) == [], (theme, width, name)


def test_a_check_that_takes_too_long_is_ended(tab: Browser) -> None:
    waited, answered, started, ended = tab.value(STUCK)
    assert "longer than 0.05 seconds" in waited and answered == "fine" and (started, ended) == (2, 1)


def test_a_text_that_ends_the_checker(tab: Browser, write: Callable[[str], None]) -> None:
    head, tail = "network N { input(3, 8x8) -> conv(", ") -> flatten -> dense(2) }"
    write(head + "-" * 20_000 + "1" + tail)
    assert "too much for the checker" in tab.value(STATE)
    write(head + "1" + tail)
    assert "158 parameters" in tab.value(STATE)
    told = [event for event in tab.complaints() if event["method"] == "Log.entryAdded"]
    assert told and told == tab.complaints()  # by Python itself, as it ends
    tab.events.clear()


def test_what_cannot_be_done_is_said(tab: Browser, write: Callable[[str], None]) -> None:
    write("network N {\n  input(3, 8x8)\n  flattenn -> \n")
    tab.value("document.getElementById('format').click()")
    assert "is not formatted" in tab.wait_for(NOTICE) and "error" in tab.value(STATE)
    write("network N {\n  input(3, 8x8)\n  residual { conv(4) }\n  flatten -> dense(2)\n}\n")
    assert tab.value(NOTICE) == ""
    tab.value("document.getElementById('tab-problems').click()")
    assert "line 3 conv(4): 4 x 8 x 8" in tab.value("document.querySelector('#problems li').innerText")
    tab.value("document.querySelector('#problems .note .go').click()")
    at = tab.value(f"{VIEW}.then((view) => view.state.sliceDoc(view.state.selection.main.head))")
    assert at.startswith("conv(4)")
    write("#" * 1_000_001)
    for place in ("state", "problems"):
        assert "1,000,001 characters" in tab.value(f"document.getElementById('{place}').innerText")
    write("network N {\n  input(3, 8x8)\n  flatten -> dense(2)\n}\n")
    assert "No problems" in tab.value(STATE) + tab.value("document.getElementById('problems').innerText")
    tab.value("location.hash = '#cnn=zzz'")
    assert "is damaged" in tab.wait_for(NOTICE)
    tab.value("document.getElementById('tab-pytorch').click()")
    tab.wait_for("!!document.querySelector('#pytorch button')")
    tab.value("Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })")  # as over http
    tab.value("document.querySelector('#pytorch button').click()")
    tab.wait_for("document.querySelector('#pytorch button').innerText.startsWith('Selected')")
    assert "nn.Module" in tab.value("String(getSelection())")
    tab.value("document.getElementById('link').click()")
    tab.wait_for("document.getElementById('link').innerText === 'It is in the address bar'")


def test_no_text_takes_the_place_of_another(tab: Browser, write: Callable[[str], None]) -> None:
    before = (
        "[...document.querySelectorAll('#examples optgroup:last-child option')].map((one) => one.text.split(',')[0])"
    )
    write("network First { input(3, 8x8) -> flatten -> dense(2) }")
    tab.value(CHOOSE.format("examples", "unet"))
    assert tab.value(before)[0] == "First"
    address = tab.value("import('./share.js').then(({ packed }) => packed('network Second { }'))")
    tab.value(f"location.hash = {json.dumps(address)}")
    tab.wait_for(f"{TEXT}.then((text) => text.startsWith('network Second'))")
    write("network Third { }")
    other = (
        "localStorage.setItem('specc.draft.1', JSON.stringify({ time: Date.now() + 1e6, text: 'network Other { }' }))"
    )
    tab.value(f"{other}, window.isOld = true")  # what another tab does
    tab.call("Page.reload")
    tab.wait_for(
        f"!window.isOld && document.querySelector('.cm-content') && {TEXT}.then((text) => text.includes('Third'))"
    )
    tab.wait_for("document.documentElement.dataset.checked > 0")
    assert tab.value(before)[:2] == ["Other", "First"] and "Third" not in tab.value(before)
    tab.value("""(() => {
      const one = document.getElementById('examples');
      one.value = [...one.options].find((option) => option.text.startsWith('First')).value;
      one.dispatchEvent(new Event('change'));
    })()""")
    assert tab.value(TEXT).startswith("network First") and "Third" in tab.value(before)
    tab.value("localStorage.removeItem('specc.draft.1')")


def test_a_checker_that_cannot_be_loaded(tab: Browser) -> None:
    loaded = """(async () => {
      const { Checker } = await import('./checker.js');
      const real = Worker;
      globalThis.Worker = class { postMessage() {} };
      let told = '';
      const checker = new Checker((what, why) => (told = why));
      globalThis.Worker = real;
      const first = checker.ask('check', '').catch((failure) => failure.message);
      checker.worker.onmessage({ data: { broken: 'specc.zip: 404 File not found' } });
      return [told, await first, await checker.ask('check', '').catch((failure) => failure.message)];
    })()"""
    words = "The checker cannot be loaded: specc.zip: 404 File not found. Reload the page to try again."
    assert tab.value(loaded) == [words] * 3


def test_a_text_is_shared_and_remembered(tab: Browser, write: Callable[[str], None]) -> None:
    write("# 😀 <b>shared</b>\n" + "# of many lines\n" * 200)
    tab.value("document.getElementById('link').click()")
    address = tab.wait_for("location.hash.startsWith('#cnn=') && location.hash")
    assert len(address) < 120
    write("# something else\n")
    assert tab.value("location.hash") == ""
    unpacked = "import('./share.js').then(({{ unpacked }}) => unpacked({}))"
    assert tab.value(unpacked.format(json.dumps(address))).startswith("# 😀 <b>shared</b>\n# of many")
    assert tab.value(unpacked.format("'#cnn=damaged'")) is None and tab.value(unpacked.format("'#cnn='")) is None
    bomb = "import('./share.js').then(({ packed, unpacked }) => packed('a'.repeat(3e6)).then(unpacked))"
    assert tab.value(bomb) is None
    tab.value(f"location.hash = {json.dumps(address)}")
    tab.wait_for(f"{TEXT}.then((text) => text.startsWith('# 😀 <b>shared</b>'))")
    assert tab.value("document.querySelectorAll('#editor b').length") == 0
    tab.value("history.replaceState(null, '', location.pathname); window.isOld = true")
    tab.call("Page.reload")
    tab.wait_for(
        f"!window.isOld && document.querySelector('.cm-content') && {TEXT}.then((text) => text.startsWith('# 😀'))"
    )


def test_a_page_from_a_disk_says_that_it_needs_a_server(tab: Browser, tmp_path: Path) -> None:
    for name, data in files_of().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    tab.open(tmp_path / "index.html")
    tab.wait_for("getComputedStyle(document.getElementById('served')).visibility === 'visible'")
    assert "has to come from a server" in tab.value(STATE)
    tab.events.clear()  # the browser complains of scripts from a disk
