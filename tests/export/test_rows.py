"""What `tltf predict` prints of each kind of answer."""

import json

import numpy as np
import pytest

from tltf.export import local, named, rows

TAGS = np.array([[0.25, 0.75, 0.0], [0.5, 0.125, 0.375]], np.float32)


def model(form="classes", labels=("a", "b", "c"), **parts):
    return local.Model(
        serve=None, reads="text", labels=labels, form=form, owner=None, parts=parts
    )


def test_a_class_has_its_probabilities_by_name_or_the_best_first():
    answer = local.Answer(
        id="x", label="b", probabilities=np.array([0.25, 0.5, 0.25], np.float32)
    )
    row = json.loads(rows.as_json(model(), answer, top=None))
    assert row == {
        "id": "x",
        "label": "b",
        "probabilities": {"a": 0.25, "b": 0.5, "c": 0.25},
    }
    row = json.loads(rows.as_json(model(), answer, top=2))
    assert list(row["probabilities"].items()) == [("b", 0.5), ("a", 0.25)]
    assert rows.header(model(), top=None) == "id,label,error,a,b,c"
    assert rows.as_csv(model(), answer, top=None) == "x,b,,0.25,0.5,0.25"
    wide = "id,label,error,label_1,probability_1,label_2,probability_2"
    assert rows.header(model(), top=2) == wide
    assert rows.as_csv(model(), answer, top=2) == "x,b,,b,0.5,a,0.25"
    assert rows.header(model(), top=9).endswith("label_3,probability_3")


def test_a_number_has_no_probabilities():
    answer = local.Answer(id="x", label=0.1, probabilities=np.array([0.1]))
    number = model("number", ())
    assert json.loads(rows.as_json(number, answer, top=3)) == {"id": "x", "label": 0.1}
    assert rows.header(number, top=3) == "id,label,error"
    assert rows.as_csv(number, answer, top=3) == "x,0.1,"


def test_tags_have_the_probability_of_each_or_the_best_of_each():
    answer = local.Answer(id="x", label=["b", "a"], probabilities=TAGS)
    tokens = model("tokens")
    row = json.loads(rows.as_json(tokens, answer, top=None))
    assert row["label"] == ["b", "a"]
    assert row["probabilities"] == [0.75, 0.5]
    row = json.loads(rows.as_json(tokens, answer, top=2))
    assert row["probabilities"] == [{"b": 0.75, "a": 0.25}, {"a": 0.5, "c": 0.375}]
    assert rows.as_csv(tokens, answer, top=None) == "x,b a,"


def test_parts_stand_under_their_names():
    both = model(
        "parts",
        (),
        kind=named.Ends(("p", "q"), "classes"),
        size=named.Ends((), "number"),
    )
    kind = local.Answer(id="kind", label="q", probabilities=np.array([0.25, 0.75]))
    size = local.Answer(id="size", label=3.5, probabilities=np.array([3.5]))
    answer = local.Answer(id="x", parts={"kind": kind, "size": size})
    row = json.loads(rows.as_json(both, answer, top=None))
    assert row == {
        "id": "x",
        "parts": {
            "kind": {"label": "q", "probabilities": {"p": 0.25, "q": 0.75}},
            "size": {"label": 3.5},
        },
    }
    assert rows.header(both, top=None) == "id,kind,size,error"
    assert rows.as_csv(both, answer, top=None) == "x,q,3.5,"
    failed = local.Answer(id="y", error="broken")
    assert rows.as_csv(both, failed, top=None) == "y,,,broken"
    assert json.loads(rows.as_json(both, failed, top=None))["error"] == "broken"


@pytest.mark.parametrize(
    ("found", "label", "scores"),
    [
        ({"value": np.float32(0.1)}, 0.1, [np.float32(0.1)]),
        ({"scores": [0.6, 0.4], "classes": b"a"}, "a", [0.6, 0.4]),
        (
            {"scores": [0.6, 0.7], "classes": b"b", "accepted": [True, False]},
            ["a"],
            [0.6, 0.7],
        ),
        (
            {"tags": [b"a", b"b", b""], "scores": [[1, 0], [0, 1], [0, 0]]},
            ["a", "b"],
            [[1, 0], [0, 1]],
        ),
        ({"tags": [b""], "scores": [[0, 0]]}, [], np.zeros((0, 2))),
    ],
)
def test_outputs_of_the_graph_say_the_label(found, label, scores):
    assert named.label(found, ("a", "b")) == label
    np.testing.assert_array_equal(named.scores(found), scores)


def test_outputs_of_a_part_are_told_from_those_of_one_with_a_longer_name():
    found = {"a_scores": 1, "a_classes": 2, "a_b_value": 3}
    assert named.of_part(found, "a") == {"scores": 1, "classes": 2}
    assert named.of_part(found, "a_b") == {"value": 3}
