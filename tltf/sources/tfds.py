"""Any image classification set of tensorflow_datasets, tfds:NAME[/CONFIG]."""

from tltf.sources import _base, _materialize, _rows, _tfds

CARD = _base.Card(
    title="An image classification set of tensorflow_datasets (tfds:NAME)",
    homepage="https://www.tensorflow.org/datasets/catalog/overview",
)


def load(
    argument: str,
    *,
    data_dir: str | None = None,
    image: str | None = None,
    label: str | None = None,
) -> _base.Table:
    """Returns the records of a TFDS set: its splits, its labels, its ids.

    The encoded images are written to the cache folder as files, once; a
    stopped process is taken up at the first unfinished split.

    Args:
      argument: `NAME`, `NAME/CONFIG` or `NAME/CONFIG:VERSION`.
      data_dir: Where TFDS keeps prepared data; by default its own folder.
      image: Image feature, where the set has several.
      label: Class feature, where the set has several.

    Raises:
      UserError: No such set; not prepared and no network; or no image and
        class features.
      WorkError: The download or preparation failed.
    """
    builder = _tfds.builder(argument, data_dir)
    image = _tfds.feature(builder, "Image", image, option="image")
    label = _tfds.feature(builder, "ClassLabel", label, option="label")
    _tfds.prepare(builder)
    root = _materialize.folder(builder, image, label)
    rows, skipped = [], []
    for split in sorted(builder.info.splits):
        for name, file, number in _materialize.index(root / split):
            if number < 0:
                skipped.append((name, "no label"))
            else:
                path = str(root / split / file)
                rows.append(_rows.Row(name, path, number, split))
    classes = builder.info.features[label].names
    return _rows.table(rows, classes, skipped=skipped)
