import io
import stat
import tarfile
import threading
import zipfile

import hypothesis
import pytest
from hypothesis import strategies

from tltf import errors
from tltf.fetch import archive

FILES = {"set/a/1.txt": b"one", "set/a/2.txt": b"", "set/b/3.bin": b"\0" * 3000}


def tar(path, members, *, mode="w:gz"):
    with tarfile.open(path, mode) as out:
        for name, body in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(body)
            out.addfile(info, io.BytesIO(body))
    return path


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, body in members:
            out.writestr(name, body)
    return path


def plain_tar(path, members):
    return tar(path, members, mode="w")


@pytest.fixture(params=[tar, plain_tar, zipped])
def pack(request, tmp_path):
    return lambda members: request.param(tmp_path / "set.archive", list(members))


def content(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def test_files_come_out_equal_and_nothing_is_left_beside(tmp_path, pack):
    archive.unpack(pack(FILES.items()), tmp_path / "out" / "set")
    assert content(tmp_path / "out" / "set") == FILES
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["set"]


EVIL = ["../evil", "a/../../evil", "/evil", "a/./../../evil", "..\\evil", "C:\\evil"]


@pytest.mark.parametrize("name", EVIL)
def test_a_path_out_of_the_folder_is_refused(tmp_path, pack, name):
    packed = pack([("good", b"x"), (name, b"evil")])
    with pytest.raises(errors.UserError, match="a path out of the folder"):
        archive.unpack(packed, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.parent.rglob("*evil"))


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
    ],
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    info = tarfile.TarInfo("thing")
    info.type, info.linkname = kind, "/etc/passwd"
    packed = tar(tmp_path / "set.tgz", [(info, b"")])
    with pytest.raises(errors.UserError, match="'thing': a (link|device or pipe)"):
        archive.unpack(packed, tmp_path / "out")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_in_a_zip_are_refused(tmp_path, kind):
    info = zipfile.ZipInfo("thing")
    info.external_attr = (kind | 0o777) << 16
    packed = zipped(tmp_path / "set.zip", [(info, b"/etc/passwd")])
    with pytest.raises(errors.UserError, match="'thing': a (link|device or pipe)"):
        archive.unpack(packed, tmp_path / "out")


def test_a_bomb_is_refused_before_it_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "_FREE", 1 << 20)
    for write in (tar, zipped):
        packed = write(tmp_path / "bomb", [("zeros", bytes(30 << 20))])
        with pytest.raises(errors.UserError, match="more than 200 times its size"):
            archive.unpack(packed, tmp_path / "out")
        assert [path.name for path in tmp_path.iterdir()] == ["bomb"]


def test_many_small_members_count_together(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "_FREE", 1 << 10)
    members = [(f"{n}", bytes(100_000)) for n in range(50)]
    packed = tar(tmp_path / "bomb", members)
    assert packed.stat().st_size * 200 < 50 * 100_000
    with pytest.raises(errors.UserError, match="more than 200 times"):
        archive.unpack(packed, tmp_path / "out")


def test_a_name_used_twice_is_refused(tmp_path):
    packed = tar(tmp_path / "twice", [("a", b"1"), ("a", b"2")])
    with pytest.raises(errors.UserError, match="used twice"):
        archive.unpack(packed, tmp_path / "out")
    packed = tar(tmp_path / "below", [("a", b"1"), ("a/b", b"2")])
    with pytest.raises(errors.UserError, match="used twice"):
        archive.unpack(packed, tmp_path / "out")
    packed = zipped(tmp_path / "folder", [("a", b"1"), ("a/", b"")])
    with pytest.raises(errors.UserError, match="used twice"):
        archive.unpack(packed, tmp_path / "out")


@pytest.mark.parametrize("share", [0.2, 0.5, 0.7])
def test_a_cut_archive_leaves_nothing(tmp_path, share):
    noise = bytes(n * n % 251 for n in range(20_000))
    for write in (tar, plain_tar, zipped):
        packed = write(tmp_path / "set", [("a", noise), ("b", noise[::-1])])
        body = packed.read_bytes()
        packed.write_bytes(body[: int(len(body) * share)])
        with pytest.raises(errors.UserError, match="set is broken"):
            archive.unpack(packed, tmp_path / "out")
        assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_what_is_no_archive_is_said_so(tmp_path):
    (tmp_path / "page.tgz").write_bytes(b"<html>not found</html>")
    with pytest.raises(errors.UserError, match="page.tgz is broken"):
        archive.unpack(tmp_path / "page.tgz", tmp_path / "out")


def test_a_folder_with_files_is_not_touched(tmp_path, pack):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("keep")
    with pytest.raises(errors.UserError, match="out is not empty"):
        archive.unpack(pack(FILES.items()), tmp_path / "out")
    assert content(tmp_path / "out") == {"mine": b"keep"}


def test_two_at_once_leave_one_whole_folder(tmp_path, pack):
    packed, failures = pack(FILES.items()), []

    def work():
        try:
            archive.unpack(packed, tmp_path / "out")
        except errors.UserError as error:
            failures.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert content(tmp_path / "out") == FILES
    assert all("is not empty" in failure for failure in failures)
    assert len([path for path in tmp_path.iterdir()]) == 2


NAMES = strategies.text(
    strategies.sampled_from("ab./\\:\0 ~é"), min_size=1, max_size=12
)


@hypothesis.given(names=strategies.lists(NAMES, max_size=5))
@hypothesis.settings(deadline=None, max_examples=150)
def test_whatever_the_names_nothing_lands_outside(tmp_path_factory, names):
    root = tmp_path_factory.mktemp("names")
    packed = tar(root / "set", [(name, b"x") for name in names])
    target = root / "deep" / "out"
    try:
        archive.unpack(packed, target)
    except errors.UserError:
        assert not target.exists()
    allowed = {root / "set", root / "deep", target}
    outside = [
        p for p in root.rglob("*") if p not in allowed and target not in p.parents
    ]
    assert outside == []
