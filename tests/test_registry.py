"""The folder is the registry."""

import pytest

from tltf import errors, registry


def test_names_are_the_files_of_the_folder():
    assert "image_class" in registry.names("tasks")
    assert not [name for name in registry.names("sources") if name.startswith("_")]


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(errors.UserError, match="did you mean 'finetune'"):
        registry.find("methods", "finetun")


def test_a_backbone_without_variant_is_the_full_one():
    module, form = registry.variant("plain")
    assert form == "full"
    assert module is registry.find("backbones", "plain")


def test_an_unknown_variant_is_answered_with_the_nearest():
    with pytest.raises(errors.UserError, match="did you mean 'plain/tiny'"):
        registry.variant("plain/tinny")


@pytest.mark.parametrize("text", ["folder", "folder:"])
def test_a_source_of_files_needs_a_path(text):
    with pytest.raises(errors.UserError, match="needs a path"):
        registry.source(text)


def test_a_named_source_takes_no_path():
    with pytest.raises(errors.UserError, match="takes nothing after a colon"):
        registry.source("dtd:/data")


def test_a_path_may_hold_colons():
    assert registry.source("folder:C:/data") == ("folder", "C:/data")
