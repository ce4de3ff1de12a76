import hashlib
import pathlib

import pytest

from tltf import errors
from tltf.fetch import download, home, weights

BODY = b"numbers"
SHA, MD5 = hashlib.sha256(BODY).hexdigest(), hashlib.md5(BODY).hexdigest()
URL = "https://far.example/net.h5"


@pytest.fixture(autouse=True)
def homes(tmp_path, monkeypatch):
    monkeypatch.setenv("TLTF_HOME", str(tmp_path / "ours"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("TLTF_OFFLINE", "1")


def put(path, body=BODY):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package whose code must not run."""
    root = tmp_path / "site"
    put(root / "some_weights" / "__init__.py", b"raise SystemExit")
    monkeypatch.syspath_prepend(str(root))
    return put(root / "some_weights" / "models" / "net.pth")


def net(**changes):
    return weights.Weights(**{"file": "net.h5", "url": URL, "sha256": SHA, **changes})


def test_none_is_a_random_start_also_where_there_are_weights():
    assert weights.resolve(net(), "none", name="a/full") is None


@pytest.mark.parametrize("choice", ["auto", "imagenet"])
def test_a_network_without_weights_says_so(choice):
    with pytest.raises(errors.UserError, match=f"{choice}: a/tiny has no pre-trained"):
        weights.resolve(None, choice, name="a/tiny")


def test_a_path_is_taken_as_it_is(tmp_path):
    path = put(tmp_path / "mine.h5", b"anything")
    assert weights.resolve(net(), str(path), name="a/full") == path


@pytest.mark.parametrize(("choice", "why"), [("gone.h5", "not exist"), (".", "folder")])
def test_a_path_that_is_no_file_is_named(choice, why):
    with pytest.raises(errors.UserError, match=f"{choice!r} for a/full .*{why}"):
        weights.resolve(net(), choice, name="a/full")


def test_the_package_comes_before_the_caches(package):
    put(home.home() / "weights" / "net.pth")
    found = net(file="net.pth", package="some_weights:models/net.pth")
    assert weights.resolve(found, "auto", name="a/full") == package


def test_our_cache_comes_before_that_of_keras():
    ours = put(home.home() / "weights" / "net.h5")
    put(home.keras_home() / "models" / "net.h5")
    assert weights.resolve(net(), "auto", name="a/full") == ours


def test_what_keras_has_fetched_is_used():
    theirs = put(home.keras_home() / "models" / "net.h5")
    given = net(sha256=None, md5=MD5)
    assert weights.resolve(given, "imagenet", name="a/full") == theirs


def test_a_broken_file_of_keras_is_passed_over(monkeypatch):
    put(home.keras_home() / "models" / "net.h5", b"cut")
    asked = []

    def fetch(url, target, **checks):
        asked.append((url, target, checks))
        return target

    monkeypatch.setattr(download, "fetch", fetch)
    got = weights.resolve(net(), "auto", name="a/full")
    assert asked == [(URL, got, {"sha256": SHA, "md5": None})]
    assert got == home.home() / "weights" / "net.h5"


def test_a_wrong_file_in_our_cache_is_not_used():
    put(home.home() / "weights" / "net.h5", b"something else")
    with pytest.raises(errors.UserError, match="net.h5 is not the expected file"):
        weights.resolve(net(), "auto", name="a/full")


def test_offline_names_file_address_and_place():
    with pytest.raises(errors.UserError, match="net.h5 is not here") as error:
        weights.resolve(net(), "auto", name="a/full")
    assert URL in str(error.value)
    assert str(home.home() / "weights" / "net.h5") in str(error.value)


def test_a_missing_package_names_the_pip_line():
    missing = net(url=None, package="no_such_thing:x", install="no-such-thing==1")
    with pytest.raises(errors.UserError, match="`pip install no-such-thing==1`") as e:
        weights.resolve(missing, "auto", name="a/full")
    assert "put net.h5 into" in str(e.value)


def test_home_follows_the_environment_and_empty_means_unset(monkeypatch):
    monkeypatch.setenv("TLTF_HOME", "")
    monkeypatch.delenv("KERAS_HOME")
    assert home.home() == pathlib.Path.home() / ".cache" / "tltf"
    assert home.keras_home() == pathlib.Path.home() / ".keras"
