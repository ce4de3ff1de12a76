"""TensorFlow Hub modules; the layer itself comes with the text release."""

from tltf import errors
from tltf.backbones._base import Backbone

# `features` 0: known only when a module is loaded, so the name is not listed
VARIANTS = {
    "full": Backbone(side=224, least=1, features=0, groups=(("hub", r".*"),)),
}


def build(spec, *, side=None, weights=None):
    """Raises, until there is a layer for modules.

    Raises:
      UserError: Always.
    """
    raise errors.UserError(
        "backbone: hub is not here yet: TensorFlow Hub modules come with the text "
        "release; take one of `tltf models`, such as efficientnet_lite0/full"
    )
