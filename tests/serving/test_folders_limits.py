"""Which versions are served, and what a request may hold."""

import numpy as np
import pytest
import tiny_models

pytest.importorskip("tensorflow_serving")

import hypothesis
import tensorflow as tf
from hypothesis import strategies as st

from tltf import errors
from tltf.export import configs
from tltf.serving import folders, limits, status, tensors


def publish(model, *numbers):
    for number in numbers:
        (model / str(number)).mkdir(parents=True)
        (model / str(number) / "saved_model.pb").touch()


def config(model, text):
    whole = f'model_config_list {{ config {{ name: "{model.name}" {text} }} }}'
    (model / "models.config").write_text(whole)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("", (10,)),
        ("model_version_policy { latest { num_versions: 2 } }", (9, 10)),
        ("model_version_policy { all {} }", (2, 9, 10)),
        ("model_version_policy { specific { versions: 9 versions: 3 } }", (9,)),
    ],
)
def test_policies_choose_as_in_tensorflow_serving(policy, expected, tmp_path):
    publish(tmp_path / "m", 9, 10, 2)
    config(tmp_path / "m", policy)
    assert folders.wanted(tmp_path / "m").versions == expected


def test_newest_version_is_served_without_settings(tmp_path):
    publish(tmp_path / "m", 9, 10)
    (tmp_path / "m" / "11").mkdir()  # still copied
    (tmp_path / "m" / ".building-x").mkdir()
    assert folders.wanted(tmp_path / "m") == folders.Wanted(versions=(10,), labels={})


def test_labels_that_export_writes_are_read(tmp_path):
    publish(tmp_path / "m", 1)
    configs.write(tmp_path / "m")
    publish(tmp_path / "m", 2)
    configs.write(tmp_path / "m", canary=True)
    found = folders.wanted(tmp_path / "m")
    assert found.versions == (1, 2)
    assert found.labels == {"stable": 1, "canary": 2}


@pytest.mark.parametrize(
    "text", ["oops {", 'model_config_list { config { name: "n" } }']
)
def test_settings_that_are_none_are_named(text, tmp_path):
    publish(tmp_path / "m", 1)
    (tmp_path / "m" / "models.config").write_text(text)
    with pytest.raises(errors.UserError, match=r"models\.config"):
        folders.wanted(tmp_path / "m")


def test_only_folders_with_a_version_are_models(tmp_path):
    publish(tmp_path / "m", 1)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    assert list(folders.models(tmp_path)) == ["m"]


def strings(*contents):
    array = np.empty(len(contents), object)
    array[:] = contents
    return {"x": array, "y": np.zeros(3)}


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
def test_pixels_are_read_from_headers(form):
    inputs = strings(tiny_models.picture(side=30, form=form), b"no image")
    assert limits.pixels(inputs, 900) == 900
    with pytest.raises(status.Refused, match="900 pixels in one request; .* 899"):
        limits.pixels(inputs, 899)


def test_bomb_is_refused_before_it_is_decoded():
    with pytest.raises(status.Refused, match="100000000 pixels"):
        limits.pixels(strings(tiny_models.bomb()), 64_000_000)


def test_bomb_inside_an_example_is_refused():
    example = tf.train.Example()
    image = example.features.feature["image_bytes"].bytes_list
    image.value.append(tiny_models.bomb())
    [array, _] = strings(example.SerializeToString(), b"none").values()
    with pytest.raises(status.Refused, match="100000000 pixels"):
        limits.pixels({"examples": array}, 64_000_000)


def test_pixels_of_one_request_add_up():
    two = strings(tiny_models.picture(side=30), tiny_models.picture(side=10))
    assert limits.pixels(two, 1000) == 1000


@hypothesis.given(
    st.sampled_from(
        [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"RIFF"]
    ),
    st.binary(max_size=100),
)
def test_damaged_headers_raise_nothing_but_refusals(start, rest):
    try:
        assert limits.pixels(strings(start + rest), 10**6) >= 0
    except status.Refused as error:
        assert error.code == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    "array",
    [
        np.array([[1, 2], [3, 4]], np.float32),
        np.array(5, np.int64),
        np.array([b"a\0", b""], object),
        np.zeros((0, 3), np.uint8),
        np.array([True]),
    ],
    ids=str,
)
def test_arrays_survive_as_messages(array):
    found = tensors.read(tensors.write(array))
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_small_message_that_states_a_large_tensor_is_refused():
    proto = tf.make_tensor_proto([1.0])
    proto.tensor_shape.dim[0].size = 10**12
    with pytest.raises(status.Refused, match="over"):
        tensors.read(proto)


@hypothesis.given(
    st.integers(0, 130),
    st.lists(st.integers(-2, 2**40), max_size=4),
    st.binary(max_size=40),
    st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3),
)
def test_any_message_is_an_array_or_refused(dtype, shape, content, numbers):
    proto = type(tf.make_tensor_proto(1))(dtype=dtype, tensor_content=content)
    proto.int_val.extend(numbers)
    proto.half_val.extend(numbers)
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    try:
        assert isinstance(tensors.read(proto, most=10**6), np.ndarray)
    except status.Refused as error:
        assert error.code in ("INVALID_ARGUMENT", "RESOURCE_EXHAUSTED")
