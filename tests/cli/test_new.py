import pytest


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_writes_a_spec_and_says_what_to_do_next(specc, tmp_path):
    answer = specc("new", "my_first-net")
    assert answer.status == 0
    assert "specc train my_first-net.cnn" in answer.out
    assert "network MyFirstNet(width=32)" in (tmp_path / "my_first-net.cnn").read_text()


def test_the_default_name_is_net(specc, tmp_path):
    assert specc("new").status == 0
    assert (tmp_path / "net.cnn").exists()


def test_a_name_may_say_cnn_and_a_folder(specc, tmp_path):
    (tmp_path / "nets").mkdir()
    assert specc("new", "nets/first.cnn").status == 0
    assert (tmp_path / "nets" / "first.cnn").exists()


def test_overwrites_nothing(specc, tmp_path):
    (tmp_path / "net.cnn").write_text("mine")
    answer = specc("new")
    assert (answer.status, answer.out) == (2, "")
    assert "error[E480]: `net.cnn` already exists" in answer.err
    assert (tmp_path / "net.cnn").read_text() == "mine"


@pytest.mark.parametrize("name", ["2nd", "a b", "ünder", ".cnn", "-", "x.y"])
def test_bad_names(specc, tmp_path, name):
    answer = specc("new", "--", name)
    assert answer.status == 2
    assert "E476" in answer.err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(specc):
    answer = specc("new", "nowhere/net")
    assert answer.status == 2
    assert "error[E481]: `nowhere/net.cnn` cannot be written: No such file or directory" in answer.err


def test_a_folder_that_is_a_file(specc, tmp_path):
    (tmp_path / "net").touch()
    answer = specc("new", "net/first")
    assert answer.status == 2
    assert "error[E481]: `net/first.cnn` cannot be written: Not a directory" in answer.err
