"""`specc watch`: the page in every state of a run, and a server that answers nobody but this machine's browser."""

import http.client
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from specc.backend.progress import Quiet
from specc.backend.report_page.live import Watched
from specc.backend.run.files import NOW
from specc.backend.run.lock import Lock, is_held
from specc.backend.run.now import Now
from specc.backend.train.noting import Noting
from specc.cli.loopback import Loopback
from specc.cli.watch import page_of
from tests.backend.report_page.test_browser import DIM, TOO_WIDE
from tests.helpers.browser import Browser, browser, chromium
from tests.helpers.tiny_run import trained


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("watched"))


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A run of two epochs, of which one is done, that nobody trains any more."""
    path = Path(shutil.copytree(finished, tmp_path / "runs" / "Tiny-1"))
    change(path, finished=None, ended=None, best=None, figures=None)
    lines = (path / "metrics.jsonl").read_text().splitlines()
    (path / "metrics.jsonl").write_text(lines[0] + "\n")
    return path


def change(path: Path, **values: Any) -> None:
    """Change a run.json; None removes a key."""
    info = json.loads((path / "run.json").read_text()) | values
    for name in [name for name, value in values.items() if value is None]:
        del info[name]
    (path / "run.json").write_text(json.dumps(info))


def page(path: Path) -> str:
    return Watched(path).page()


def test_a_run_that_is_finished(finished: Path) -> None:
    shown = page(finished)
    assert "Finished after 2 of 2 epochs: validation accuracy" in shown and "kept: epoch" in shown
    assert "Learning rate" in shown and "epoch 2/2" in shown and "batch_norm" in shown


def test_a_run_that_is_trained_stopped_killed_and_resumed(run: Path) -> None:
    assert "Killed after 1 of 2 epochs." in page(run) and f"specc train --resume {run}" in page(run)
    change(run, ended="2026-01-01T00:00:00+00:00", finished=False)
    assert "Stopped after 1 of 2 epochs." in page(run)
    lock = Lock(run)
    try:
        change(run, resumed=[{"at": "2026-01-02T00:00:00+00:00", "step": 4, "exact": True, "changed": []}])
        shown = page(run)
        assert "Training: 1 of 2 epochs, about " in shown and "--resume" not in shown
        assert "Resumed once, last after step 4 at 2026-01-02 00:00:00 UTC." in shown
    finally:
        lock.release()
    assert "Killed after 1 of 2 epochs." in page(run)  # after it was resumed


def test_an_epoch_that_is_trained_now(run: Path) -> None:
    per_epoch = json.loads((run / "metrics.jsonl").read_text())["step"]
    listener = Noting(Quiet(), run)
    lock = Lock(run)
    try:
        with listener:
            listener.steps(per_epoch + per_epoch // 2, 2, 1.25, "accuracy 40.00%", 1000.0)
            shown = page(run)
            assert f"{per_epoch // 2 / per_epoch:.0%}" in shown and "loss 1.2500, accuracy 40.00% so far" in shown
            (run / NOW).write_text(json.dumps({"step": "many"}))
            assert "so far" not in page(run)
            (run / NOW).write_text(json.dumps(Now(per_epoch, 1.0, "", 1.0)._asdict()))  # of the epoch that has ended
            assert "so far" not in page(run)
        assert not (run / NOW).exists()
    finally:
        lock.release()
    (run / NOW).write_text(json.dumps(Now(per_epoch + 1, 1.0, "", 1.0)._asdict()))
    assert "so far" not in page(run)  # of a training that was killed


def test_a_run_that_is_not_there_yet_or_only_just(run: Path, tmp_path: Path) -> None:
    watched = Watched(tmp_path / "later")
    assert f"There is no run in {tmp_path / 'later'} yet" in watched.page()
    (tmp_path / "later").mkdir()
    for file in ("spec.cnn", "metrics.jsonl"):
        (tmp_path / "later" / file).touch()
    assert "It is beginning." in watched.page()
    shutil.copytree(run, tmp_path / "later", dirs_exist_ok=True)
    (tmp_path / "later" / "metrics.jsonl").write_text("")
    assert "The curves begin when the first epoch ends" in watched.page()


def test_a_half_written_line_and_damage_do_no_harm(run: Path) -> None:
    whole = page(run)
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 2.0, "step": 8, "val_lo')
    assert page(run) == whole
    (run / "run.json").write_text("{")
    assert "run.json cannot be read" in page(run)
    assert "is a file" in page(run / "spec.cnn")


def test_a_file_is_refused_before_anything_is_served(specc: Callable[..., Any], run: Path) -> None:
    answer = specc("watch", run / "spec.cnn")
    assert answer.status == 2 and answer.out == "" and "is a file, but the folder of a run is needed" in answer.err


def test_runs_in_a_folder_are_drawn_over_each_other(run: Path, finished: Path) -> None:
    shutil.copytree(finished, run.parent / "Tiny-2")
    (run.parent / "torn").mkdir()
    (run.parent / "torn" / "run.json").write_text("{")
    shown = page(run.parent)
    assert "3 runs: " in shown and "1 finished" in shown and "1 can be resumed" in shown
    assert "Tiny-1" in shown and "Tiny-2" in shown and "Validation accuracy" in shown
    assert "Not shown: torn, since" in shown


def test_a_look_does_not_keep_a_training_away(run: Path) -> None:
    looking = Lock(run)
    threading.Timer(0.05, looking.release).start()
    Lock(run).release()
    assert not is_held(run)


@contextmanager
def served(path: Path) -> Iterator[Loopback]:
    with Loopback(0, page_of(path)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def asked(server: Loopback, path: str = "/", method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    connection.putrequest(method, path, skip_host=True)
    for name, value in ({"Host": f"127.0.0.1:{server.server_port}"} | headers).items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    result = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return result


def test_who_is_answered(run: Path) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with served(run) as server:
        assert server.server_address[0] == "127.0.0.1"
        status, headers, body = asked(server)
        assert status == 200 and b"Killed after" in body and "frame-ancestors" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"
        assert asked(server, If_None_Match=headers["ETag"])[::2] == (304, b"")
        assert asked(server, method="HEAD")[::2] == (200, b"")
        assert asked(server, Host=f"localhost:{server.server_port}")[0] == 200
        for host in ("evil.example", f"evil.example:{server.server_port}", "127.0.0.1:1", ""):
            assert asked(server, Host=host)[0] == 421, host
        assert asked(server, "/?x")[0] == 200  # what stands behind a question mark is ignored
        for path in ("/run.json", "/../run.json", "/%2e%2e/run.json", "//etc/passwd", "http://evil.example/"):
            assert asked(server, path)[0] == 404, path
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            assert asked(server, method=method)[0] == 501, method
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_the_command(specc: Callable[..., Any], run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(server: Loopback) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("specc.cli.loopback.Loopback.serve_forever", interrupted)
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    answer = specc("watch", run)
    assert answer.status == 130 and answer.out.count("http://127.0.0.1:") == 1 and opened == []
    later = specc("watch", run.parent / "later", "--open")
    assert later.status == 130 and "as soon as it begins" in later.err and len(opened) == 1
    with Loopback(0, lambda path: None) as other:
        answer = specc("watch", run, "--port", other.server_port)
        assert answer.status == 2 and "error[E533]" in answer.err
        monkeypatch.setattr("specc.cli.watch.PORT", other.server_port)  # a second watch takes another port
        assert specc("watch", run).status == 130


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = chromium()
    if program is None:
        pytest.skip("no Chromium is there")
    with browser(program, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def test_the_page_follows_in_a_browser(tab: Browser, run: Path, finished: Path) -> None:
    lines = (finished / "metrics.jsonl").read_text().splitlines()
    with served(run) as server:
        tab.events.clear()
        tab.call("Page.navigate", url=server.url)
        tab.wait_for("document.readyState === 'complete' && document.body.innerText.includes('Killed after 1 of 2')")
        tab.value("document.querySelector('#curves details').open = true; window.same = true; 1")
        with (run / "metrics.jsonl").open("a") as file:
            file.write(lines[1] + "\n")
        tab.wait_for("document.body.innerText.includes('Killed after 2 of 2') && document.title.includes('killed')")
        assert tab.value("document.querySelector('#curves details').open && window.same")
        assert tab.value("document.getElementById('epochs').innerText.includes('epoch 2/2')")
        for theme in ("light", "dark"):
            tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
            for width in (1200, 390):
                size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
                tab.call("Emulation.setDeviceMetricsOverride", **size)
                assert tab.value(TOO_WIDE) <= 0 and tab.value(DIM) == [], (theme, width)
        assert tab.complaints() == [] and set(tab.requests()) == {server.url}
    tab.wait_for("document.getElementById('link').innerText.includes('no longer answers')")
