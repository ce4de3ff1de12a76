"""JSON of requests: what is read, and that nothing else than a refusal comes of it."""

import base64
import json

import numpy as np
import pytest

pytest.importorskip("tensorflow_serving")

import hypothesis
from hypothesis import strategies as st

from tltf.serving import documents, status, values, version

BYTES = np.dtype(object)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b", "b64", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)


def signature(**inputs):
    made = {
        name: version.Input(dtype=np.dtype(kind), shape=None)
        for name, kind in inputs.items()
    }
    return version.Signature(function=None, inputs=made, outputs=("y",), rows=True)


@hypothesis.given(st.binary(max_size=200))
def test_any_bytes_are_a_document_or_refused(body):
    try:
        assert isinstance(documents.parse(body), dict)
    except status.Refused as error:
        assert error.code == "INVALID_ARGUMENT"


@hypothesis.given(
    st.fixed_dictionaries(
        {}, optional={"instances": trees, "inputs": trees, "signature_name": trees}
    ),
    st.sampled_from(["float32", "int32", "uint8", "int64", "bool", "O"]),
    st.booleans(),
)
def test_any_document_gives_tensors_of_the_signature_or_is_refused(found, kind, two):
    wanted = signature(a=kind, **({"b": "float32"} if two else {}))
    try:
        documents.signature_name(found)
        asked = documents.asked(found, wanted)
    except status.Refused as error:
        assert error.code == "INVALID_ARGUMENT"
        return
    assert asked.inputs.keys() == wanted.inputs.keys()
    for name, value in asked.inputs.items():
        assert value.dtype == wanted.inputs[name].dtype
        if kind == "O" and name == "a":
            assert all(isinstance(one, bytes) for one in value.flat)


@hypothesis.given(
    st.fixed_dictionaries({"examples": trees}, optional={"context": trees})
)
def test_any_examples_are_serialized_or_refused(found):
    try:
        assert all(isinstance(one, bytes) for one in documents.examples(found))
    except status.Refused as error:
        assert error.code == "INVALID_ARGUMENT"


@hypothesis.given(st.binary(), st.booleans(), st.booleans())
def test_base64_is_read_with_or_without_padding_and_spaces(contents, bare, spaced):
    text = base64.b64encode(contents).decode()
    if bare:
        text = text.rstrip("=")
    if spaced:
        text = "\n ".join(text)
    found = values.tensor([{"b64": text}], BYTES)
    assert found.tolist() == [contents]


@hypothesis.given(
    st.lists(
        st.lists(st.floats(width=32, allow_nan=False), min_size=3, max_size=3),
        min_size=1,
        max_size=5,
    )
)
def test_float_values_survive_the_way_there_and_back(rows):
    body = json.dumps({"inputs": {"a": rows}}).encode()
    asked = documents.asked(documents.parse(body), signature(a="float32"))
    np.testing.assert_array_equal(asked.inputs["a"], np.array(rows, np.float32))
    answer = documents.predictions({"y": asked.inputs["a"]}, rows=True)
    assert json.loads(json.dumps(answer)) == {"predictions": rows}


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (3, "float32", 3.0),
        ([[1, 2], [3, 4]], "int32", [[1, 2], [3, 4]]),
        ([], "float32", []),
        ([[], []], "float32", [[], []]),
        ([True, False], "bool", [True, False]),
        ([2**63], "uint64", [2**63]),
        (["é", {"b64": "AAE="}], "O", ["é".encode(), b"\0\1"]),
        ([1e300, 2.0], "float64", [1e300, 2.0]),
        ([1, 2.5], "float32", [1.0, 2.5]),
    ],
)
def test_values_become_arrays(value, kind, expected):
    found = values.tensor(value, np.dtype(kind))
    assert found.dtype == np.dtype(kind)
    assert found.tolist() == expected


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        ([[1, 2], [3]], "float32", "unlike size at level: 1"),
        ([1, [2]], "float32", "unexpected level"),
        (["a"], "float32", "not of expected type: float32"),
        ([1.5], "int32", "not of expected type: int32"),
        ([True], "int32", "not of expected type: int32"),
        ([1], "bool", "not of expected type: bool"),
        ([300], "uint8", "without loss"),
        ([2**40], "int32", "without loss"),
        ([2**70], "int64", "out of the range"),
        ([1e300], "float32", "without loss"),
        ([2**24 + 1], "float32", "without loss"),
        ([None], "O", "not of expected type: string"),
        ([{"b64": "?"}], "O", "Unable to base64 decode"),
        ([{"b64": "AA==", "more": 1}], "O", "not of expected type: string"),
        (["\ud800"], "O", "not valid Unicode"),
    ],
)
def test_values_of_another_kind_are_refused(value, kind, said):
    with pytest.raises(status.Refused, match=said):
        values.tensor(value, np.dtype(kind))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({}, "Missing 'inputs' or 'instances' key"),
        ({"instances": [1], "inputs": [1]}, "only one of"),
        ({"instances": []}, "No values in 'instances'"),
        ({"instances": 1}, "to be an list/array"),
        ({"instances": [[1], [2]]}, "plain list"),
        ({"instances": [{"a": 1}]}, "element: 0 .* must be equal to: a,b"),
        ({"instances": [{"a": 1, "b": 2}, 3]}, "element: 1"),
        ({"inputs": {"a": 1}}, "Missing named input: b"),
        ({"inputs": 1}, "plain value/list"),
    ],
)
def test_documents_of_another_form_are_refused(found, said):
    with pytest.raises(status.Refused, match=said):
        documents.asked(found, signature(a="float32", b="float32"))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "document is empty"),
        (b"[1]", "Is not object"),
        (b"{", "at offset: 1"),
        (b"\xff", "not UTF-8|Expecting value"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "number too long"),
    ],
)
def test_bodies_that_are_no_object_are_refused(body, said):
    with pytest.raises(status.Refused, match=said):
        documents.parse(body)


def test_outputs_that_end_in_bytes_are_base64_and_others_text():
    rows = {"a_bytes": np.array([b"\0\xff"], object), "b": np.array([b"\xff"], object)}
    [found] = documents.predictions(rows, rows=True)["predictions"]
    assert found == {"a_bytes": {"b64": "AP8="}, "b": "\ufffd"}


def test_rows_of_outputs_with_unlike_sizes_are_refused_and_columns_are_not():
    outputs = {"a": np.zeros(2), "b": np.zeros(3)}
    with pytest.raises(status.Refused, match="inconsistent batch sizes"):
        documents.predictions(outputs, rows=True)
    found = documents.predictions(outputs, rows=False)
    assert found == {"outputs": {"a": [0.0] * 2, "b": [0.0] * 3}}
