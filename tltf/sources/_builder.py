"""Makes TFDS builders of our own sources."""

import importlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

from tltf import errors
from tltf.sources import _tfds

_VERSION = "1.0.0"


def builder(name: str, options: Mapping[str, Any] | None = None) -> type:
    """Returns a TFDS builder class of a source of images, registered with TFDS.

    Afterwards `tfds.load("<name>")` finds it. Records have `id`, `image` (the
    file's own bytes) and `label`; published splits are kept, and a set without
    splits is all `train`, as TFDS sets are.

    Args:
      name: File name under `tltf/sources`, or `folder:PATH` and the like; the
        colon and what follows it are no part of the TFDS name.
      options: Of the source, as `data.options`.

    Raises:
      UserError: No such source, its data is not here, or it holds no images of
        one label each.
    """
    tfds = _tfds.module()
    file, _, argument = name.partition(":")
    source = importlib.import_module(f"tltf.sources.{file}")
    members = {
        "VERSION": tfds.core.Version(_VERSION),
        "RELEASE_NOTES": {_VERSION: "As the source is."},
        "name": file,
        "_table": staticmethod(lambda: _loaded(source, argument, options or {})),
        "_info": _info,
        "_split_generators": _split_generators,
        "_generate_examples": _generate_examples,
        "__module__": __name__,
        "__doc__": source.CARD.title,
    }
    return type(file.title(), (tfds.core.GeneratorBasedBuilder,), members)


def _loaded(source: Any, argument: str, options: Mapping[str, Any]) -> Any:
    table = source.load(argument, **options)
    if table.kind != "image" or table.form != "one":
        raise errors.UserError(
            f"{source.__name__.rpartition('.')[2]} has no images of one label each; "
            "a TFDS builder can be made of image classification only"
        )
    return table


def _info(self: Any) -> Any:
    import tensorflow_datasets as tfds

    card = importlib.import_module(f"tltf.sources.{self.name}").CARD
    features = {
        "id": tfds.features.Text(),
        "image": tfds.features.Image(shape=(None, None, 3)),
        "label": tfds.features.ClassLabel(names=list(self._table().classes)),
    }
    return tfds.core.DatasetInfo(
        builder=self,
        description=card.title,
        features=tfds.features.FeaturesDict(features),
        supervised_keys=("image", "label"),
        homepage=card.homepage or None,
        citation=card.citation or None,
        license=card.licence or None,
    )


def _split_generators(self: Any, _manager: Any) -> dict[str, Any]:
    table = self._table()
    splits = sorted(set(table.splits.tolist()))
    return {
        "train" if split == "all" else split: self._generate_examples(table, split)
        for split in splits
    }


def _generate_examples(self: Any, table: Any, split: str) -> Iterator[tuple[str, dict]]:
    for row, name in enumerate(table.ids.tolist()):
        if table.splits[row] == split:
            label = table.classes[table.labels[row]]
            path = os.fspath(table.values[row])
            yield name, {"id": name, "image": path, "label": label}
