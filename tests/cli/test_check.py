"""`specc check`: its exit status, what goes to which stream, and what programs read."""

import json

import pytest

GOOD = """\
data { source = digits }
network Net(width=8) {
  conv(width) -> batch_norm -> relu
  conv(2 * width) -> batch_norm -> relu
  flatten
  dense(10)
}
"""
BAD = GOOD.replace("dense(10)", "dense(7)").replace("conv(width)", "conv(widht)")


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write specs into the working directory."""
    monkeypatch.chdir(tmp_path)

    def call(**texts: str) -> None:
        for name, text in texts.items():
            (tmp_path / f"{name}.cnn").write_text(text)

    return call


def test_no_problems(specc, write):
    write(net=GOOD)
    answer = specc("check", "net.cnn")
    assert (answer.status, answer.out, answer.err) == (0, "net.cnn: no problems\n", "")


def test_problems_go_to_standard_error(specc, write):
    write(net=BAD)
    answer = specc("check", "net.cnn")
    assert (answer.status, answer.out) == (1, "")
    assert "error[E201]: there is no value called `widht`" in answer.err
    assert "--> net.cnn:3:8" in answer.err
    assert "conv(widht) -> batch_norm" in answer.err
    assert "^^^^^" in answer.err
    assert "help: did you mean `width`?" in answer.err
    assert answer.err.endswith("1 error\n")


def test_json(specc, write):
    write(net=BAD)
    answer = specc("check", "net.cnn", "--json")
    assert (answer.status, answer.err) == (1, "")
    found = json.loads(answer.out)
    assert (found["format"], found["errors"], found["warnings"]) == (1, 1, 0)
    [problem] = found["diagnostics"]
    expected = {
        "code": "E201", "severity": "error", "message": "there is no value called `widht`", "file": "net.cnn",
        "line": 3, "column": 8, "end_line": 3, "end_column": 13, "help": "did you mean `width`?",
    }  # fmt: skip
    assert {key: problem[key] for key in expected} == expected
    assert isinstance(problem["fixable"], bool)


def test_json_of_a_file_without_problems(specc, write):
    write(net=GOOD)
    answer = specc("check", "net.cnn", "--json")
    found = json.loads(answer.out)
    assert (answer.status, found["format"], found["errors"], found["diagnostics"]) == (0, 1, 0, [])


def test_json_of_every_kind_of_problem_is_complete(specc, write):
    network = "network N { input(3, 8x8)\nadd { | conv(4) | identity }\ncon(3) }\n"
    write(net=network + "train { epochs = 0; epoch = 3 }\nlet = 3")
    found = json.loads(specc("check", "net.cnn", "--json").out)
    assert [problem["code"] for problem in found["diagnostics"]] == ["E301", "E201", "E207", "E210", "E101"]
    for problem in found["diagnostics"]:
        keys = {"code", "severity", "message", "file", "line", "column", "end_line", "end_column", "help", "fixable"}
        assert keys <= problem.keys()
        assert (problem["line"], problem["column"]) < (problem["end_line"], problem["end_column"])


def test_several_files(specc, write):
    write(a=GOOD, b=BAD, c=GOOD)
    answer = specc("check", "a.cnn", "b.cnn", "c.cnn")
    assert (answer.status, answer.out) == (1, "")
    assert answer.err.count("error[") == 1
    answer = specc("check", "a.cnn", "c.cnn")
    assert (answer.status, answer.out) == (0, "2 specs: no problems\n")
    found = json.loads(specc("check", "b.cnn", "b.cnn", "--json").out)
    assert found["errors"] == 2


def test_all_variants_and_searches_are_checked(specc, write):
    write(net=GOOD + "variant wide { network.width = 0 }\nsearch { train.optimizer.lr = choice(1, 0) }")
    answer = specc("check", "net.cnn")
    assert answer.status == 1
    assert "in variant wide" in answer.err
    assert "in the search of train.optimizer.lr" in answer.err


def test_warnings_are_errors_where_that_is_asked_for(specc, write):
    write(net=GOOD + "let unused = 3\n")
    answer = specc("check", "net.cnn")
    assert answer.status == 0
    assert "warning[W" in answer.err
    assert specc("check", "net.cnn", "--strict").status == 1
    found = json.loads(specc("check", "net.cnn", "--json").out)
    assert (found["errors"], found["warnings"]) == (0, len(found["diagnostics"]))


def test_one_line_a_problem(specc, write):
    write(net=BAD)
    answer = specc("check", "net.cnn", "--short")
    assert answer.err.splitlines()[0] == "net.cnn:3:8: error[E201]: there is no value called `widht`"


def test_extends(specc, write, tmp_path):
    write(net='extends "base/base.cnn"\nlet epochs = 3\ntrain { epochs = epochs }')
    answer = specc("check", "net.cnn")
    assert answer.status == 1
    assert "E218" in answer.err
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "base.cnn").write_text('extends "../more.cnn"\n')
    (tmp_path / "more.cnn").write_text(GOOD)
    assert specc("check", "net.cnn").status == 0
    (tmp_path / "more.cnn").write_text('extends "net.cnn"\n')
    answer = specc("check", "net.cnn")
    assert answer.status == 1
    assert "E221" in answer.err
    (tmp_path / "more.cnn").write_text(BAD)
    assert "more.cnn:3:8" in specc("check", "net.cnn").err


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 1, "E105"),
        (b"   \n# nothing\n", 1, "E105"),
        (b"let a = 3\n", 1, "E105"),
        (b"\x00\x01\x02", 2, "E472"),
        (b"\xff\xfe\xfa", 2, "E472"),
        (b"network N { conv(", 1, "E108"),
        (b"(" * 1_000_000, 1, "E103"),
        (b"x" * 1_000_001, 1, "E103"),
    ],
)
def test_files_that_are_no_specs(specc, tmp_path, data, status, code):
    file = tmp_path / "net.cnn"
    file.write_bytes(data)
    answer = specc("check", file)
    assert (answer.status, answer.out) == (status, "")
    assert f"error[{code}]" in answer.err
    assert "Traceback" not in answer.err


def test_byte_order_mark_and_line_endings(specc, tmp_path):
    file = tmp_path / "net.cnn"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert specc("check", file).status == 0
    file.write_bytes(GOOD.replace("\n", "\r").encode())
    assert specc("check", file).status == 0


def test_what_cannot_be_read(specc, write, tmp_path):
    write(net=GOOD)
    answer = specc("check", "nett.cnn")
    assert (answer.status, answer.out) == (2, "")
    assert "E470" in answer.err and "net.cnn" in answer.err
    answer = specc("check", tmp_path)
    assert answer.status == 2
    assert "E471" in answer.err
    assert specc("check").status == 2
    assert specc("check", "--no-such-option", "net.cnn").status == 2
