"""What is decided before a process starts, and after all have ended; no process is started here."""

import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from specc.backend.launch import slurm, start
from specc.backend.launch.devices import process_count
from specc.backend.launch.watch import HUNG, LOST_STATUS, Outcome
from specc.backend.run.again import begun_run, job_name
from specc.cli.processes import signal_called, warn_of_restarts
from specc.errors import SpeccError
from specc.files import json_bytes


@pytest.mark.parametrize(
    ("hosts", "first"),
    [
        ("gpu07", "gpu07"),
        ("gpu07,gpu09", "gpu07"),
        ("gpu[07-09,12],big1", "gpu07"),
        ("rack[2,5]n[001-004]", "rack2n001"),
        ("a-b.c[1-2]-ib,x", "a-b.c1-ib"),
        ("", ""),
    ],
)
def test_the_first_host_of_slurm_s_list(hosts: str, first: str) -> None:
    assert slurm.first_host(hosts) == first


def test_a_task_of_srun_takes_its_place() -> None:
    environment = {
        "SLURM_JOB_ID": "4711",
        "SLURM_STEP_ID": "1",
        "SLURM_PROCID": "5",
        "SLURM_NTASKS": "7",
        "SLURM_LOCALID": "1",
        "SLURM_NODEID": "2",
        "SLURM_NODELIST": "gpu[07-10]",
        "SLURM_TASKS_PER_NODE": "2(x3),1",
    }
    assert slurm.task_environment(environment) == {
        "RANK": "5",
        "WORLD_SIZE": "7",
        "LOCAL_RANK": "1",
        "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "gpu07",
        "MASTER_PORT": "34211",
    }
    assert slurm.task_environment(environment | {"RANK": "0"}) == {}  # torchrun runs within the job
    assert slurm.task_environment(environment | {"SLURM_NTASKS": "1"}) == {}
    assert job_name(environment) == "slurm 4711.1"
    assert job_name({"TORCHELASTIC_RUN_ID": "none"}) == ""


def test_a_process_for_each_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specc.backend.launch.devices.devices", lambda: ["cuda:0", "cuda:1", "cuda:2", "cpu"])
    assert process_count("all", "auto") == 3 and process_count("2", "cuda") == 2 and process_count("5", "cpu") == 5
    assert process_count("8", "auto", has_all=False) == 8
    for asked, device in (
        ("4", "auto"),
        ("all", "cpu"),
        ("2", "cuda:1"),
        ("0", "cpu"),
        ("", "cpu"),
        ("-1", "cpu"),
        ("x", "cuda"),
    ):
        with pytest.raises(SpeccError) as caught:
            process_count(asked, device)
        assert caught.value.code == "E506"


def result(codes: dict[int, int], told: dict[int, Outcome]) -> Any:
    def data(rank: int) -> dict[str, Any]:
        if rank not in told:
            return {"message": ""}
        one = told[rank]
        about = {"kind": one.kind, "rank": one.rank}
        return {"message": {"message": f"rank {rank}: {one.text}", "errorCode": one.status, "extraInfo": about}}

    failures = {rank: SimpleNamespace(exitcode=code, error_file_data=data(rank)) for rank, code in codes.items()}
    return SimpleNamespace(failures=failures, is_failed=lambda: bool(failures))


KILL, TERM = -signal.SIGKILL, -signal.SIGTERM


@pytest.mark.parametrize(
    ("codes", "told", "status", "words"),
    [
        ({}, {}, 0, None),
        ({0: LOST_STATUS, 2: KILL, 1: TERM}, {}, 2, "rank 2 of 4 was killed (SIGKILL)"),
        ({1: TERM}, {}, 2, "rank 1 of 4 was killed (SIGTERM)"),
        ({0: TERM, 3: 3}, {}, 2, "rank 3 of 4 ended with exit status 3"),
        ({1: 2, 0: LOST_STATUS}, {1: Outcome("error", 1, 1, 1)}, 1, None),
        ({0: 143, 1: 143}, {0: Outcome("stopped", 0, 0, 143)}, 143, None),
        ({2: KILL, 1: 143}, {1: Outcome("stopped", 1, 1, 143)}, 2, "rank 2 of 4 was killed (SIGKILL)"),
        ({2: KILL, 1: LOST_STATUS}, {1: Outcome("lost", 2, 1, 2)}, 2, "rank 2 of 4 was killed (SIGKILL)"),
        ({2: KILL, 1: LOST_STATUS}, {1: Outcome(HUNG, 2, 1, 2, "rank 2 hangs")}, 2, "rank 2 hangs"),
    ],
)
def test_why_processes_ended(codes: dict[int, int], told: dict[int, Outcome], status: int, words: str | None) -> None:
    ending = start._ending(result(codes, told), 4)
    assert (ending.status, ending.died and ending.died.text) == (status, words)


def launched(
    monkeypatch: pytest.MonkeyPatch, steps: list[int | None], restarts: int, shards: int = 12
) -> tuple[list[int], SpeccError | None]:
    """How many processes were started each time, where all of them die. steps: of the newest checkpoint, each time."""
    counts: list[int] = []
    newest = iter(steps)

    def die(job: start.Job, count: int, name: str, starts: int) -> start.Ending:
        counts.append(count)
        return start.Ending(2, Outcome("lost", 1, 1, 2, "rank 1 died"))

    monkeypatch.setattr(start, "_processes", die)
    monkeypatch.setattr(start, "step_of", lambda path: next(newest))
    try:
        start.launch(start.Job([], shards, lambda job: Path("run")), 6, restarts)
    except SpeccError as error:
        return counts, error
    return counts, None


def test_fewer_processes_go_on_where_two_deaths_leave_no_checkpoint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    counts, error = launched(monkeypatch, [None, 6, 6, 12, 12, 12, 12, 12], restarts=6)
    assert counts == [6, 6, 6, 6, 6, 4, 4]
    assert error is not None and error.code == "E507" and "--resume run --devices 4" in error.help
    assert "resuming after step 12 with 4 processes instead of 6" in capsys.readouterr().err


def test_one_process_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    counts, _ = launched(monkeypatch, [None] * 12, restarts=8, shards=6)
    assert counts == [6, 6, 3, 3, 2, 2, 1, 1, 1]


def test_the_run_that_a_job_has_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("specc.backend.run.again.read_info", lambda path: INFOS[path.name])
    for name in INFOS:
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "run.json").write_bytes(json_bytes({}))
    assert begun_run("a", None, "Net") == Path("runs/Net-10")
    assert begun_run("a", None, "Net", "1") == Path("runs/Net-2")
    assert begun_run("b", None, "Net") is None and begun_run("", None, "Net") is None
    assert begun_run("a", tmp_path / "runs" / "Net-2", "Net") == tmp_path / "runs" / "Net-2"


INFOS = {
    "Net-2": {"job": "a", "spec_sha256": "1"},
    "Net-10": {"job": "a", "spec_sha256": "2"},
    "Net-11": {"job": "c", "spec_sha256": "1"},
    "Net-12": {},
}


@pytest.mark.parametrize(("name", "number"), [("USR2", signal.SIGUSR2), ("sighup", signal.SIGHUP)])
def test_a_signal_that_saves(name: str, number: signal.Signals) -> None:
    assert signal_called(name) == number


@pytest.mark.parametrize(("name", "why"), [("USR1", "NCCL"), ("KILL", "something else"), ("NONE", "there is none")])
def test_a_signal_that_cannot_save(name: str, why: str) -> None:
    with pytest.raises(SpeccError, match=why) as caught:
        signal_called(name)
    assert caught.value.code == "E483"


@pytest.mark.parametrize(
    ("restarts", "count", "rank", "warns"),
    [("3", "0", "0", True), ("3", "0", "1", False), ("3", "1", "0", False), ("0", "0", "0", False)],
)
def test_restarts_of_torchrun_are_warned_of_once(
    capsys: pytest.CaptureFixture[str], restarts: str, count: str, rank: str, warns: bool
) -> None:
    names = {"TORCHELASTIC_MAX_RESTARTS": restarts, "TORCHELASTIC_RESTART_COUNT": count, "RANK": rank}
    warn_of_restarts(names)
    assert ("torchrun was given --max-restarts 3" in capsys.readouterr().err) == warns
