"""`specc emit`: to standard output or to a file, of a variant, and not at all where a spec has errors."""

import pytest

NET = """\
network Net(width=8, act=relu) {
  input(3, 16x16)
  conv(width, stride=2) -> batch_norm -> act
  global_avg_pool -> dense(4)
}
variant wide { network.width = 16 }
"""


@pytest.fixture
def net(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.cnn").write_text(NET)
    return "net.cnn"


def test_to_standard_output(specc, net):
    answer = specc("emit", net)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith('"""Net, written by `specc emit` from net.cnn.\n')
    assert "self.conv1 = nn.Conv2d(3, 8, kernel_size=3, stride=2, padding=1, bias=False)" in answer.out
    compile(answer.out, "net.py", "exec")


def test_to_a_file(specc, net, tmp_path):
    answer = specc("emit", net, "--out", "net.py")
    assert (answer.status, answer.out, answer.err) == (0, "", "")
    assert (tmp_path / "net.py").read_text() == specc("emit", net).out


def test_variant_and_set(specc, net):
    assert "nn.Conv2d(3, 16, " in specc("emit", net, "--variant", "wide").out
    out = specc("emit", net, "--variant", "wide", "--set", "network.width=5", "--set", "network.act=tanh").out
    assert "nn.Conv2d(3, 5, " in out
    assert "torch.tanh(" in out
    assert out.startswith(
        '"""Net, written by `specc emit` from net.cnn, variant `wide`.\nOverridden: network.width=5\n'
    )


def test_a_spec_with_errors_is_refused(specc, net, tmp_path):
    (tmp_path / "wrong.cnn").write_text(NET.replace("dense(4)", "dens(4)"))
    answer = specc("emit", "wrong.cnn", "--out", "wrong.py")
    assert (answer.status, answer.out) == (1, "")
    assert "dens" in answer.err
    assert not (tmp_path / "wrong.py").exists()


def test_a_variant_that_is_not_there(specc, net):
    answer = specc("emit", net, "--variant", "wider")
    assert (answer.status, answer.out) == (1, "")
    assert "wide" in answer.err


@pytest.mark.parametrize(("file", "out", "code"), [("no.cnn", "a.py", "E470"), ("net.cnn", "no/a.py", "E481")])
def test_files_that_cannot_be(specc, net, file, out, code):
    answer = specc("emit", file, "--out", out)
    assert (answer.status, answer.out) == (2, "")
    assert code in answer.err


def test_weights_that_a_training_begins_with_are_said_to_be_left_out(specc, net, tmp_path):
    (tmp_path / "net.cnn").write_text(f'{NET}train {{ start = weights("runs/one") }}\n')
    answer = specc("emit", net)
    assert answer.err == "the weights of `start` are not in the source; `specc train` saves them, under its names\n"
    without = specc("emit", net, "--set", "train.start=none").out
    assert answer.out == without.replace("Overridden: train.start=none\n", "")
