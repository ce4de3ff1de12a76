import gc
import re
import types

import applications
import keras
import pytest

from tltf import errors, registry

KIND = {
    name: registry.find("backbones", name).VARIANTS["full"].kind
    for name in registry.names("backbones")
    if "full" in registry.find("backbones", name).VARIANTS
}
FILES = [name for name, kind in KIND.items() if kind == "image" and name != "hub"]
BY_WEIGHT = [
    pytest.param(name, marks=[pytest.mark.slow] * (name in applications.HEAVY))
    for name in FILES
]
VARIANTS = [
    (file, form) for file in FILES for form in registry.find("backbones", file).VARIANTS
]


@pytest.fixture(scope="module", params=BY_WEIGHT)
def built(request):
    """One file's tiny encoder; built once for all tests, then let go."""
    module = registry.find("backbones", request.param)
    spec = module.VARIANTS["tiny"]
    yield types.SimpleNamespace(spec=spec, model=module.build(spec), file=request.param)
    gc.collect()


def weighted(model):
    """Returns the layers that hold weights themselves, in the order of the graph."""
    found = []
    for layer in model.layers:
        found += weighted(layer) if hasattr(layer, "layers") else [layer]
    return [layer for layer in found if layer.weights]


def test_every_layer_with_weights_is_in_exactly_one_group(built):
    for layer in weighted(built.model):
        hits = [g for g, pattern in built.spec.groups if re.match(pattern, layer.name)]
        assert len(hits) == 1, (layer.name, hits)
        assert built.spec.group_of(layer.name) == hits[0]


def test_groups_are_named_from_input_to_output_and_none_is_empty(built):
    seen = [built.spec.group_of(layer.name) for layer in weighted(built.model)]
    assert list(dict.fromkeys(seen)) == [name for name, _ in built.spec.groups]


def test_the_description_fits_the_network(built):
    vector, grid = built.model.output["vector"], built.model.output["map"]
    spec = built.spec
    assert built.model.name == "encoder"
    assert tuple(built.model.input["image"].shape) == (None, spec.side, spec.side, 3)
    assert tuple(vector.shape) == (None, spec.features)
    assert len(grid.shape) == 4
    assert grid.shape[3] == spec.features
    assert built.model.count_params() == spec.parameters


def test_no_layer_of_an_encoder_is_taken_for_a_head(built):
    assert not [x.name for x in built.model.layers if x.name.startswith("head_")]


def test_there_are_as_many_files_as_promised():
    # 40 constructors, EfficientNet-Lite 0 to 2, and the stand-in
    assert len(FILES) == 44
    assert set(applications.CONSTRUCTORS) <= set(FILES)
    known = {n for n in dir(keras.applications) if n[0].isupper()}
    assert {name for name, _ in applications.CONSTRUCTORS.values()} == known


@pytest.mark.parametrize(("file", "form"), VARIANTS)
def test_one_pixel_less_than_the_least_is_refused(file, form):
    module = registry.find("backbones", file)
    spec = module.VARIANTS[form]
    match = f"image.side: {spec.least - 1} .* at least {spec.least}$"
    with pytest.raises(errors.UserError, match=match):
        module.build(spec, side=spec.least - 1)


@pytest.mark.parametrize("file", sorted(applications.CONSTRUCTORS))
def test_the_least_side_is_the_one_that_keras_takes(file):
    least = registry.find("backbones", file).VARIANTS["tiny"].least
    constructor = getattr(keras.applications, applications.CONSTRUCTORS[file][0])
    shape = (least - 1, least - 1, 3)
    with pytest.raises(ValueError, match=f"at least {least}x{least}"):
        constructor(include_top=False, weights=None, input_shape=shape)


@pytest.mark.parametrize("file", FILES)
def test_tiny_has_no_weights_and_the_least_side_or_less_than_full(file):
    variants = registry.find("backbones", file).VARIANTS
    assert variants["tiny"].weights is None
    assert variants["tiny"].side < variants["full"].side
    assert variants["tiny"].parameters == min(v.parameters for v in variants.values())


@pytest.mark.parametrize("file", ["xception", "efficientnet_b0"])
def test_names_do_not_depend_on_what_was_built_before(file):
    module = registry.find("backbones", file)
    names = [
        [layer.name for layer in module.build(module.VARIANTS["tiny"]).layers]
        for _ in range(2)
    ]
    assert names[0] == names[1]
