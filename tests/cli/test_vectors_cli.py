import json
import os
import subprocess
import sys

import pytest

CAPITALS = """\
france 1 0 0.1
paris 1 1 0.1
italy 3 0.2 0
rome 3 1.3 0
Spain -2 0.5 0
spain -2 0.5 0.3
madrid -2 1.7 0.3
"""


def tltf(verb, *arguments, **environment):
    """Runs `tltf VERB ...` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", f"tltf.cli.{verb}", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        timeout=60,
    )


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "v.txt"
    path.write_text(CAPITALS)
    return path


def test_nearest_prints_words_with_their_cosine(file):
    done = tltf("nearest", f"--vectors={file}", "spain", "--k=2")
    assert (done.returncode, done.stderr) == (0, "")
    # cos((-2, .5, .3), (-2, .5, 0)) and cos((-2, .5, .3), (-2, 1.7, .3))
    assert done.stdout.split() == ["0.9896", "Spain", "0.8975", "madrid"]


def test_nearest_of_several_words_as_json(file):
    done = tltf("nearest", f"--vectors={file}", "spain", "paris", "--json", "--k=1")
    shown = json.loads(done.stdout)
    assert shown["vectors"] == str(file)
    assert list(shown["nearest"]) == ["spain", "paris"]
    assert shown["nearest"]["spain"][0]["word"] == "Spain"


def test_analogy_is_a_less_b_plus_c(file):
    done = tltf("analogy", f"--vectors={file}", "paris", "france", "italy", "--json")
    shown = json.loads(done.stdout)
    assert shown["question"] == "paris - france + italy"
    assert shown["answers"][0]["word"] == "rome"


def test_questions_are_scored_by_section(file, tmp_path):
    asked = tmp_path / "q.txt"
    asked.write_text(": capitals\nfrance paris italy rome\nfrance paris x y\n")
    done = tltf("analogy", f"--vectors={file}", f"--questions={asked}", "--json")
    rows = {row["name"]: row for row in json.loads(done.stdout)["scores"]}
    wanted = {"asked": 1, "correct": 1, "unknown": 1, "accuracy": 1.0}
    assert rows["capitals"] == {"name": "capitals", **wanted}
    assert rows["total"] == {"name": "total", **wanted}
    done = tltf("analogy", f"--vectors={file}", f"--questions={asked}")
    assert done.stdout.splitlines()[1].split() == ["capitals", "1.0000", "1", "1", "1"]


def test_info_names_the_lines_left_out(tmp_path):
    path = tmp_path / "v.txt"
    path.write_text(CAPITALS + "rome 1 2 3\nx 1 2 y\n")
    done = tltf("vectors", "info", path)
    assert "7 words x 3" in done.stdout
    assert "line 8: duplicate, 'rome' came before" in done.stdout
    assert "line 9: broken" in done.stdout
    assert "skipped 1 broken, 1 duplicate; line 8" in done.stderr.replace("\n", " ")
    shown = json.loads(tltf("vectors", "info", path, "--json").stdout)
    assert shown["left_out"] == {"duplicate": 1, "broken": 1}
    assert [line["line"] for line in shown["lines"]] == [8, 9]


def test_oov_of_texts_and_of_a_list(file, tmp_path):
    (tmp_path / "t.txt").write_text("Rome, rome! Oslo Oslo\n")
    done = tltf("vectors", "oov", file, tmp_path / "t.txt", "--json", "--top=1")
    assert json.loads(done.stdout) == {
        "types": 5,
        "types_known": 1,
        "tokens": 6,
        "tokens_known": 1,
        "missing": [["Oslo", 2]],
    }
    (tmp_path / "list").write_text("Rome\noslo\n")
    done = tltf("vectors", "oov", file, f"--words={tmp_path}/list", "--lower")
    assert "distinct words with a vector: 1 of 2 (50.00%)" in done.stdout
    assert done.stdout.splitlines()[-1].split() == ["1", "oslo"]


def test_subset_writes_the_words_of_a_list(file, tmp_path):
    (tmp_path / "list").write_text("rome\noslo\nfrance\n")
    out = tmp_path / "small.vec"
    lines = f"--words={tmp_path}/list"
    done = tltf("vectors", "subset", file, lines, f"--out={out}", "--format=fasttext")
    assert done.stdout == f"{out}: 2 of 3 words\n"
    assert out.read_text() == "2 3\nrome 3 1.3 0 \nfrance 1 0 0.1 \n"


def test_map_draws_chains_and_panels(file, tmp_path):
    pytest.importorskip("matplotlib")
    import PIL.Image

    out = tmp_path / "map.png"
    chains = ["france:paris", "italy:rome", "/", "spain:madrid", "Spain"]
    done = tltf("vectors", "map", file, f"--out={out}", *chains)
    assert done.stdout == f"{out}\n"
    with PIL.Image.open(out) as picture:
        assert picture.width == 2 * picture.height


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nearest", "x"], "--vectors is missing"),
        (["nearest", "--vectors=F"], "no word"),
        (["nearest", "--vectors=F", "Rome"], "no word 'Rome' in F; there is 'rome'"),
        (["nearest", "--vectors=/no/such", "x"], "no file of word vectors at"),
        (["analogy", "--vectors=F", "a", "b"], "got 2 words; write three"),
        (["analogy", "--vectors=F", "--questions=/no"], "cannot read /no"),
        (["vectors"], "nothing to do"),
        (["vectors", "shrink", "F"], "no 'shrink'"),
        (["vectors", "info"], "no vectors"),
        (["vectors", "oov", "F"], "oov takes text files, or a list"),
        (["vectors", "subset", "F"], "subset takes --words"),
        (["vectors", "map", "F", "a"], "map takes --out"),
        (["vectors", "map", "F", "--out=m.png", "rome"], "at least 3"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(file, arguments, said):
    verb, *more = [part.replace("=F", f"={file}") for part in arguments]
    more = [str(file) if part == "F" else part for part in more]
    done = tltf(verb, *more)
    assert done.returncode == 2
    assert done.stdout == "" and done.stderr.count("\n") == 1
    assert said.replace(" F;", f" {file};") in done.stderr


def test_lines_of_another_dimension_are_told_and_may_be_skipped(file):
    file.write_text(CAPITALS + "x 1 2\n")
    done = tltf("nearest", f"--vectors={file}", "rome")
    assert done.returncode == 2
    assert f"{file}: line 8 has 2 numbers, the others 3" in done.stderr
    done = tltf("nearest", f"--vectors={file}", "rome", "--uneven=skip")
    assert done.returncode == 0


@pytest.mark.parametrize("verb", ["nearest", "analogy", "vectors"])
def test_help_and_work_need_no_tensorflow(verb, file):
    code = (
        f"import sys; sys.argv = ['tltf', '--help']; from tltf.cli import {verb};"
        f"{verb}.run();"
        "heavy = {'tensorflow', 'keras', 'numpy', 'sklearn', 'matplotlib'};"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
