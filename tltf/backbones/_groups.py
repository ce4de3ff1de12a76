"""Layer groups of the families that `keras.applications` has in several sizes."""

VGG = tuple(
    (group, rf"block{number}_")
    for number, group in enumerate(("stem", "low", "middle", "high", "top"), 1)
)

RESNET = (
    ("stem", r"conv1_"),
    ("low", r"conv2_"),
    ("middle", r"conv3_"),
    ("high", r"conv4_"),
    ("top", r"conv5_|post_"),
)

DENSENET = (
    ("stem", r"conv1_"),
    ("low", r"conv2_|pool2_"),
    ("middle", r"conv3_|pool3_"),
    ("high", r"conv4_|pool4_"),
    ("top", r"conv5_|bn$"),
)

EFFICIENTNET = (
    ("stem", r"normalization|stem_|block1"),
    ("low", r"block[23]"),
    ("middle", r"block[45]"),
    ("high", r"block[67]"),
    ("top", r"top_"),
)

# a stage begins with its downsampling; a block of it is a model of its own,
# whose layers have the same prefix
CONVNEXT = (
    ("stem", r"\w+_stem"),
    ("low", r"\w+_stage_0"),
    ("middle", r"\w+_(stage_1|downsampling_\w+_0)"),
    ("high", r"\w+_(stage_2|downsampling_\w+_1)"),
    ("top", r"\w+_(stage_3|downsampling_\w+_2)|layer_normalization"),
)


def nasnet(blocks: int) -> tuple[tuple[str, str], ...]:
    """Returns the groups of NASNet with `blocks` normal cells between reductions.

    Names end in the number of the cell, or in `reduce_` and a number.
    """

    def cells(reduction: int | None, first: int) -> str:
        numbers = "|".join(str(first + n) for n in range(blocks))
        before = "" if reduction is None else rf"_reduce_{reduction}$|"
        return rf"\w+?({before}(?<!reduce)(?<!stem)_({numbers})$)"

    return (
        ("stem", r"stem_|\w+_stem_[12]$"),
        ("low", cells(None, 0)),
        ("middle", cells(blocks, blocks + 1)),
        ("high", cells(2 * blocks, 2 * blocks + 1)),
    )
