import made_runs
import numpy as np
import pytest

from tltf import errors
from tltf.export import inputs, local
from tltf.ops import messages


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("asked") / "run"
    files, answers = made_runs.make(folder)
    return local.load(folder), files, answers


@pytest.mark.parametrize("batch", [1, 4, 32])
def test_answers_come_in_order_and_equal_the_run(asked, batch):
    model, files, answers = asked
    order = [8, 0, 3, 3, 5, 1, 7]
    got = list(local.answers(model, [str(files[k]) for k in order], batch=batch))
    assert [answer.id for answer in got] == [str(files[k]) for k in order]
    assert [answer.label for answer in got] == [answers[k]["answer"] for k in order]
    np.testing.assert_allclose(
        [answer.probabilities for answer in got],
        [answers[k]["probabilities"] for k in order],
        rtol=1e-4,
        atol=1e-6,
    )


def test_a_bad_file_has_its_cause_and_stops_no_other(asked, tmp_path):
    model, files, _ = asked
    half = tmp_path / "half.jpg"
    half.write_bytes(files[0].read_bytes()[:200])
    words = tmp_path / "words.jpg"
    words.write_text("only words")
    empty = tmp_path / "empty.jpg"
    empty.write_bytes(b"")
    paths = [files[0], half, files[1], words, "/none.jpg", tmp_path, empty, files[2]]
    got = list(local.answers(model, map(str, paths), batch=32))
    causes = [answer.error for answer in got]
    assert [cause is None for cause in causes] == [
        True,
        False,
        True,
        False,
        False,
        False,
        False,
        True,
    ]
    assert "JPEG" in causes[1]
    assert "not an image" in causes[3]
    assert causes[4] == "No such file or directory"
    assert not any("\n" in cause or "{{" in cause for cause in causes if cause)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            "Graph execution error:\n\nDetected at node map/X defined at (most recent "
            "call last):\n<stack traces unavailable>\nassertion failed: "
            "[over the limit; size] [9 9]\n\t [[{{node map/X}}]] [Op:__inference]",
            "over the limit; size 9 9",
        ),
        (
            'Detected at node X defined at (most recent call last):\n  File "a.py", '
            "line 1, in f\n\nInvalid PNG data, size 60\n\t [[{{node X}}]]",
            "Invalid PNG data, size 60",
        ),
        (
            "2 root error(s) found.\n  (0) INVALID_ARGUMENT: Invalid PNG data\n"
            "\t [[{{node X}}]]\n  (1) INVALID_ARGUMENT: other\n\t [[{{node Y}}]]",
            "Invalid PNG data",
        ),
        ("", "cannot be decoded"),
    ],
)
def test_cause_keeps_the_words_of_an_error_alone(message, words):
    assert messages.cause(message) == words


def test_folder_that_is_no_model_is_refused(tmp_path):
    with pytest.raises(errors.UserError, match="neither a published model"):
        local.load(tmp_path)


def test_inputs_keep_their_order_and_folders_are_sorted(tmp_path):
    for name in ("b/2.PNG", "b/1.jpg", "b/deep/0.webp", "b/notes.txt", "a.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    names = [str(tmp_path / "b"), "-", str(tmp_path / "*.jpg"), "missing.jpg"]
    got = list(inputs.paths(names, ["x.jpg\n", "\n", "y y.png\r\n"]))
    below = [str(tmp_path / "b" / n) for n in ("1.jpg", "2.PNG", "deep/0.webp")]
    assert got == [
        *below,
        "x.jpg",
        "y y.png",
        str(tmp_path / "a.jpg"),
        "missing.jpg",
    ]


def test_name_with_brackets_that_stands_is_a_file(tmp_path):
    (tmp_path / "a[1].jpg").touch()
    assert list(inputs.paths([str(tmp_path / "a[1].jpg")])) == [
        str(tmp_path / "a[1].jpg")
    ]


def test_pattern_without_match_is_refused(tmp_path):
    with pytest.raises(errors.UserError, match="no file matches"):
        list(inputs.paths([str(tmp_path / "*.jpg")]))


def test_folder_without_images_is_refused(tmp_path):
    with pytest.raises(errors.UserError, match="no image in folder"):
        list(inputs.paths([str(tmp_path)]))
