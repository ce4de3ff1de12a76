import json

import broken
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tltf import errors
from tltf.sources import csv, jsonl


@pytest.fixture
def images(tmp_path):
    for number in range(3):
        broken.save(tmp_path / "pictures" / f"{number}.jpg", number)
    return tmp_path


def written(folder, text, name="m.csv"):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def test_csv_columns_become_the_table(images):
    table = csv.load(
        written(
            images,
            "image,label,split,group,weight\n"
            "pictures/0.jpg,dog,train,g1,2\n"
            "pictures/1.jpg,cat,test,,0.5\n",
        )
    )
    assert table.kind == "image"
    assert table.classes == ("cat", "dog")
    assert table.labels.tolist() == [1, 0]
    assert table.ids.tolist() == ["pictures/0.jpg", "pictures/1.jpg"]
    assert table.values.tolist() == [str(images / name) for name in table.ids]
    assert table.splits.tolist() == ["train", "test"]
    assert table.groups.tolist() == ["g1", ""]
    assert table.weights.tolist() == [2.0, 0.5]


def test_jsonl_texts_with_numbers_for_labels(tmp_path):
    lines = [{"text": 'a "b"\nc', "label": 1}, {"text": "é", "label": 0, "weight": 3}]
    text = "\n\n".join(json.dumps(line) for line in lines)
    table = jsonl.load(written(tmp_path, text, "m.jsonl"))
    assert table.kind == "text"
    assert table.values.tolist() == ['a "b"\nc', "é"]
    assert table.classes == ("0", "1")
    assert table.labels.tolist() == [1, 0]
    assert table.weights.tolist() == [1.0, 3.0]


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_byte_order_mark_and_line_ends_do_not_matter(tmp_path, start, end):
    text = start + end.join(["text,label", "x,a", '"y, z",b', ""])
    table = csv.load(written(tmp_path, text))
    assert table.values.tolist() == ["x", "y, z"]


def test_separated_labels_make_it_multi_label(tmp_path):
    table = csv.load(written(tmp_path, "text,label\nx,red | dotted\ny,red\n"))
    assert table.classes == ("dotted", "red")
    np.testing.assert_array_equal(table.labels, [[1, 1], [0, 1]])
    assert table.labels.dtype == np.float32


def test_multi_label_can_be_forced_either_way(tmp_path):
    path = written(tmp_path, "text,label\nx,a|b\ny,c\n")
    assert csv.load(path, multi_label=False).classes == ("a|b", "c")
    plain = written(tmp_path, "text,label\nx,a\ny,b\nz,\n", "p.csv")
    np.testing.assert_array_equal(
        csv.load(plain, multi_label=True).labels, [[1, 0], [0, 1], [0, 0]]
    )


def test_json_lists_are_several_labels(tmp_path):
    text = '{"text":"x","label":["b","a"]}\n{"text":"y","label":["a"]}'
    table = jsonl.load(written(tmp_path, text, "m.jsonl"))
    np.testing.assert_array_equal(table.labels, [[1, 1], [1, 0]])


def test_one_column_of_flags_a_label_keeps_the_given_order(tmp_path):
    path = written(tmp_path, "text,b,a\nx,1,0\ny,1,1\n")
    table = csv.load(path, labels=["b", "a"])
    assert table.classes == ("b", "a")
    np.testing.assert_array_equal(table.labels, [[1, 0], [1, 1]])


def test_columns_are_mapped(images):
    path = written(images, "file;class\npictures/0.jpg;a\npictures/1.jpg;b\n")
    columns = {"image": "file", "label": "class"}
    table = csv.load(path, columns=columns, delimiter=";")
    assert table.ids.tolist() == ["pictures/0.jpg", "pictures/1.jpg"]


def test_files_outside_the_manifests_folder_are_allowed(images):
    (images / "lists").mkdir()
    text = "image,label\n../pictures/0.jpg,a\n../pictures/1.jpg,b\n"
    table = csv.load(written(images / "lists", text))
    assert table.values[0] == str(images / "pictures/0.jpg")


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("pictures/9.jpg,a,1,", "line 3: no such file: .*9.jpg"),
        ("pictures/1.jpg,,1,", "line 3: empty label"),
        (",a,1,", "line 3: empty image"),
        ("pictures/1.jpg,a,much,", "line 3: bad weight: 'much', not a number"),
        ("pictures/1.jpg,a,-1,", "line 3: bad weight: '-1'"),
        ("pictures/1.jpg,a,nan,", "line 3: bad weight"),
        ("pictures/1.jpg,a,1", "line 3: wrong number of fields: 3, not 4"),
        (
            "pictures/0.jpg,a,1,",
            "line 3: repeated id: 'pictures/0.jpg', first on line 2",
        ),
    ],
)
def test_a_bad_line_is_named_with_its_number_and_cause(images, line, cause):
    text = (
        f"image,label,weight,group\npictures/0.jpg,a,1,\n{line}\npictures/2.jpg,b,1,\n"
    )
    path = written(images, text)
    with pytest.raises(errors.UserError, match=cause) as caught:
        csv.load(path)
    assert "\n" not in str(caught.value)
    table = csv.load(path, strict=False)
    assert len(table) == 2
    assert [name for name, _ in table.skipped] == [f"{path}:3"]


def test_lines_behind_a_quoted_line_break_keep_their_number(tmp_path):
    path = written(tmp_path, 'text,label\n"two\nlines",a\nx,\n')
    with pytest.raises(errors.UserError, match="line 4: empty label"):
        csv.load(path)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ('{"text": "x", "label": "a"}\n{"text": \n', "line 2: not JSON"),
        ('{"text": "x", "label": "a"}\n[1]\n', r"line 2: not a JSON object"),
        ('{"text": "x"}\n{"label": "a"}\n', "line 1: empty label"),
    ],
)
def test_a_bad_json_line_is_named(tmp_path, text, cause):
    with pytest.raises(errors.UserError, match=cause):
        jsonl.load(written(tmp_path, text, "m.jsonl"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"text,label\nx,a\n\xff,b\n", "line 3: byte 0xff is not UTF-8"),
        ("text,label\n", "has no records"),
        ("", "no column 'image'; it has no header"),
        ("text,class\nx,a\n", "no column 'label'; it has 'text', 'class'"),
        ('text,label\n"x,a\n', "line 2: unexpected end of data"),
        ("text,label\nx,a\ny,a\n", "one class only"),
        ("text,label,split\nx,a,train\ny,b,\n", "line 3: bad split: '' is empty"),
    ],
)
def test_a_bad_file_is_one_line(tmp_path, text, message):
    with pytest.raises(errors.UserError, match=message) as caught:
        csv.load(written(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_flag_that_is_not_0_or_1_is_named(tmp_path):
    path = written(tmp_path, "text,a,b\nx,1,yes\n")
    with pytest.raises(
        errors.UserError, match="line 2: bad flag: column 'b' holds 'yes'"
    ):
        csv.load(path, labels=["a", "b"])


def test_a_manifest_that_is_not_there_is_named(tmp_path):
    with pytest.raises(errors.UserError, match=r"none.csv is not there"):
        csv.load(str(tmp_path / "none.csv"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.lists(
        st.text(
            st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1
        ).filter(str.strip),
        min_size=2,
        max_size=6,
    )
)
def test_any_text_survives_a_json_manifest(tmp_path, texts):
    lines = [json.dumps({"text": t, "label": n % 2}) for n, t in enumerate(texts)]
    table = jsonl.load(written(tmp_path, "\n".join(lines), "m.jsonl"))
    assert table.values.tolist() == texts
