import json
import os
import shutil
import subprocess
import sys
import time

import broken
import pytest


def tltf(*arguments, **environment):
    """Runs `tltf data ...` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tltf.cli.data", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        timeout=60,
    )


def test_check_names_every_bad_file_and_ends_with_1(tmp_path):
    root = broken.all_kinds(tmp_path / "data")
    # a home of its own: what another test has had decoded is not decoded again
    home = str(tmp_path / "home")
    done = tltf("check", root, "--json", "--nonear", TLTF_HOME=home)
    assert done.returncode == 1
    shown = json.loads(done.stdout)
    assert shown["files"] == 6 + len(broken.KINDS)
    named = {os.path.basename(p["path"]): p["action"] for p in shown["problems"]}
    assert named == {name: action for name, (_, _, action) in broken.KINDS.items()}
    assert "decoding: 25 of 25 files" in done.stderr


def test_check_shows_a_table_with_counts_by_cause(tmp_path):
    done = tltf("check", broken.all_kinds(tmp_path / "data"))
    assert done.returncode == 1
    assert "wrong extension: a GIF called .jpg" in done.stdout
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["truncated", "skipped", "5"] in lines
    assert "\x1b" not in done.stdout


def test_check_of_a_sound_folder_ends_with_0(tmp_path):
    root = broken.folder(tmp_path / "data")
    done = tltf("check", f"folder:{root}", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (
        0,
        {"files": 6, "problems": []},
    )


def test_check_lists_the_bad_lines_of_a_manifest(tmp_path):
    broken.save(tmp_path / "a.jpg", 0)
    (tmp_path / "m.csv").write_text("image,label\na.jpg,x\nb.jpg,y\n")
    done = tltf("check", tmp_path / "m.csv", "--json")
    (problem,) = json.loads(done.stdout)["problems"]
    assert problem["path"] == f"{tmp_path}/m.csv:3"
    assert problem["cause"] == f"no such file: {tmp_path}/b.jpg"


def test_near_duplicates_can_be_left_out(tmp_path):
    root = broken.folder(tmp_path / "data")
    broken.photo(0).resize((48, 32)).save(root / "cats" / "small.png")
    assert "near duplicate" in tltf("check", root).stdout
    assert tltf("check", root, "--nonear").returncode == 0


def test_the_limit_of_pixels_is_a_flag(tmp_path):
    root = broken.folder(tmp_path / "data")
    done = tltf("check", root, "--limit_pixels=100", "--json")
    assert len(json.loads(done.stdout)["problems"]) == 6


def test_info_counts_classes_by_split(tmp_path):
    root = tmp_path / "data"
    broken.folder(root / "train", each=3)
    broken.folder(root / "val", each=1)
    shown = json.loads(tltf("info", root, "--json").stdout)
    assert shown["classes"] == {
        "cats": {"train": 3, "val": 1},
        "dogs": {"train": 3, "val": 1},
    }
    assert shown["sides"] == {"width": [96, 96, 96], "height": [64, 64, 64]}
    sizes = [path.stat().st_size for path in root.rglob("*.jpg")]
    assert shown["bytes"] == sum(sizes)
    lines = [line.split() for line in tltf("info", root).stdout.splitlines()]
    assert ["cats", "3", "1"] in lines


def test_split_writes_a_manifest_that_moves_with_its_files(tmp_path):
    root = broken.folder(tmp_path / "data", each=20)
    done = tltf("split", root, f"--out={tmp_path}/data/m.csv")
    assert done.returncode == 0
    assert done.stdout.strip() == f"{tmp_path}/data/m.csv"
    shutil.move(tmp_path / "data", tmp_path / "moved")
    shown = json.loads(tltf("info", tmp_path / "moved/m.csv", "--json").stdout)
    assert shown["splits"] == {"train": 28, "valid": 6, "test": 6}
    assert shown["classes"]["cats"] == {"train": 14, "valid": 3, "test": 3}


def test_split_prints_to_stdout_and_says_what_is_left_out(tmp_path):
    root = broken.folder(tmp_path / "data", each=10)
    done = tltf("split", root, "--train=all[:50%]", "--valid=all[50%:60%]")
    lines = done.stdout.splitlines()
    assert lines[0] == "id,image,label,split,group,weight"
    assert len(lines) == 13
    assert "left out 8" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check"], "takes one source, got 0"),
        (["scan", "x"], "no 'scan'; write tltf data check"),
        ([], "nothing to do; write tltf data check"),
        (["check", "foldr:x"], "did you mean 'folder'?"),
        (["check", "/nowhere"], "folder: no folder /nowhere"),
        (["info", "hymenoptra"], "did you mean 'hymenoptera'?"),
        (["info", "dtd", "--set=split=11"], "data.options.split: 11 is not in 1 to 10"),
        (["info", "dtd", "--set=splt=1"], "did you mean 'split'?"),
        (["info", "dtd", "--set=split"], "--set=split: write --set=OPTION=VALUE"),
        (["check", "x", "--limit_pixels=0"], "limit_pixels"),
    ],
)
def test_a_mistake_is_one_line_and_ends_with_2(arguments, message):
    done = tltf(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not done.stdout


def test_overlapping_slices_are_refused(tmp_path):
    root = broken.folder(tmp_path / "data", each=10)
    done = tltf("split", root, "--train=all[:60%]", "--valid=all[50%:]")
    assert done.returncode == 2
    assert "data.train and data.valid share 2 records" in done.stderr


def test_a_named_set_without_network_fails_in_seconds():
    start = time.monotonic()
    done = tltf("info", "caltech256", TLTF_OFFLINE="1")
    assert time.monotonic() - start < 5
    assert done.returncode == 2
    assert "256_ObjectCategories.tar is not here" in done.stderr


@pytest.mark.realdata
def test_hymenoptera_has_its_published_counts_and_one_stray_file(shared):
    path = f"--set=path={shared}/data/hymenoptera"
    shown = json.loads(tltf("info", "hymenoptera", path, "--json").stdout)
    assert shown["classes"] == {
        "ants": {"train": 123, "val": 70},
        "bees": {"train": 121, "val": 83},
    }
    done = json.loads(tltf("check", "hymenoptera", path, "--json").stdout)
    assert [os.path.basename(p["path"]) for p in done["problems"]] == [
        "imageNotFound.gif"
    ]
