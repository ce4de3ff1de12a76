"""A photograph of patterned cloth: folds, light, clutter and camera."""

import numpy as np

from tltf.sources import _textures_clutter as clutter
from tltf.sources import _textures_fields as fields
from tltf.sources import _textures_patterns as patterns

# Periods of the pattern across the image. The finest have 2 pixels at side 224
# and 9 at 896, so some images can only be told at a larger side.
_COARSE, _FINE = 4.0, 32.0


def photograph(name: str, side: int, key: tuple[int, ...]) -> np.ndarray:
    """Returns one image of pattern `name`, uint8 `[side, side, 3]`.

    The same `key` gives the same scene at every side, drawn anew with its
    edges filtered, then noise of the sensor. All but the pattern comes from
    one distribution for all classes.

    Args:
      name: One of `patterns.PATTERNS`.
      side: Pixels of the image.
      key: Numbers that seed the scene.
    """
    rngs = [np.random.default_rng([*key, part]) for part in range(5)]
    size = side * 2 if side <= 448 else side
    scene, mask = _cloth(name, size, rngs[0], rngs[1])
    behind = clutter.background(size, rngs[2])
    image = fields.blend(behind, mask, scene)
    image = clutter.scatter(image, rngs[3])
    return _camera(image, side, rngs[4])


def _cloth(name, size, rng, ink_rng):
    """Lit, folded cloth float32 `[3, size, size]`, and where it is."""
    x, y = fields.grid(size)
    height = _folds(x, y, rng)
    slope_y, slope_x = np.gradient(height, 1 / size)
    periods = float(np.exp(rng.uniform(np.log(_COARSE), np.log(_FINE))))
    u, v = _warped(x, y, slope_x, slope_y, rng)
    soft = 1.5 * periods / size
    draw = patterns.PATTERNS[name]
    print_ = draw(u * periods + 31.7, v * periods + 17.3, soft, ink_rng)
    image = _dyed(print_, size, rng)
    shade = _light(x, y, slope_x, slope_y, rng) * _weave(u, v, size, rng)
    if print_.shade is not None:
        shade = shade * print_.shade
    return image * shade, _outline(x, y, rng)


def _folds(x, y, rng):
    """Height of the cloth, in widths of the image."""
    size = len(x)
    height = 0.05 * rng.uniform(0.2, 1) * fields.smooth(size, 4, rng)
    drift = 0.12 * fields.smooth(size, 3, rng)
    for _ in range(rng.integers(1, 5)):
        across, _ = fields.turn(x, y, rng.uniform(0, np.pi))
        wide, place = rng.uniform(0.03, 0.14), rng.uniform(-0.5, 0.5)
        ridge = np.exp(-(((across + drift - place) / wide) ** 2))
        height = height + rng.uniform(0.05, 0.3) * wide * ridge
    return height


def _warped(x, y, slope_x, slope_y, rng):
    """Place on the flat cloth that each pixel shows, one unit the image's side."""
    size, pull = len(x), rng.uniform(0.02, 0.1)
    u, v = fields.turn(x, y, rng.uniform(0, 2 * np.pi))
    tilt = 1 + rng.uniform(-0.5, 0.5) * x + rng.uniform(-0.5, 0.5) * y
    bend = rng.uniform(0.0, 0.06)
    u = u * tilt + pull * slope_x + bend * fields.smooth(size, 3, rng)
    v = v * tilt + pull * slope_y + bend * fields.smooth(size, 3, rng)
    return u, v * rng.uniform(0.8, 1.25)


def _dyed(print_, size, rng):
    colors = clutter.colors(rng, 4)
    # dye is uneven, in one place more than in another
    uneven = 1 + 0.08 * fields.smooth(size, 6, rng)
    image = np.broadcast_to(colors[0], (3, size, size))
    strength = rng.uniform(0.55, 1.0)
    for coverage, color in zip(print_.inks, colors[1:], strict=False):
        image = fields.blend(image, strength * coverage, color)
    return image * uneven


def _light(x, y, slope_x, slope_y, rng):
    """Brightness by the slope towards a lamp, a gradient and the lens's edge."""
    angle, depth = rng.uniform(0, 2 * np.pi), rng.uniform(0.4, 1.3)
    lean, _ = fields.turn(slope_x, slope_y, angle)
    lit = 1 + depth * lean / np.sqrt(1 + slope_x**2 + slope_y**2)
    ramp = 1 + rng.uniform(-0.7, 0.7) * x + rng.uniform(-0.7, 0.7) * y
    edge = 1 - rng.uniform(0, 0.8) * (x * x + y * y)
    return np.clip(lit, 0.15, 1.6) * ramp * edge


def _weave(u, v, size, rng):
    threads = rng.uniform(90, 260)
    seen = min(1.0, max(0.0, 1.5 - 3 * threads / size))  # finer ones fade
    depth = seen * rng.uniform(0.0, 0.12)
    across = np.sin(2 * np.pi * threads * u) * np.sin(2 * np.pi * threads * v)
    return 1 + depth * across + 0.04 * fields.smooth(size, 40, rng)


def _outline(x, y, rng):
    """Where the garment is: everywhere, up to a hem, or a rounded piece."""
    size, kind = len(x), rng.random()
    if kind < 0.4:
        return np.ones((size, size), np.float32)
    wavy = 0.06 * fields.smooth(size, 4, rng)
    a, b = fields.turn(x, y, rng.uniform(0, 2 * np.pi))
    if kind < 0.65:
        return fields.step(a + wavy + rng.uniform(0.05, 0.3), 2 / size)
    long, wide = rng.uniform(0.5, 0.8), rng.uniform(0.3, 0.45)
    round_ = (abs(a) / long) ** 3 + (abs(b) / wide) ** 3
    return fields.step(1 + 3 * wavy - round_, 6 / size)


def _camera(image, side, rng):
    from PIL import Image, ImageFilter

    planes = np.clip(255 * image + 0.5, 0, 255).astype(np.uint8)
    photo = Image.fromarray(np.ascontiguousarray(planes.transpose(1, 2, 0)))
    photo = photo.resize((side, side), Image.Resampling.BOX)
    blur = side * (0.0, 0.0005, 0.001, 0.002, 0.004)[rng.integers(5)]
    if blur:
        photo = photo.filter(ImageFilter.GaussianBlur(blur))
    pixels = _developed(np.asarray(photo), rng)
    grain = rng.uniform(1, 10) * min(1.0, 0.5 + side / 1792)
    noisy = pixels + grain * rng.standard_normal(pixels.shape, np.float32)
    return np.clip(np.round(noisy), 0, 255).astype(np.uint8)


def _developed(pixels, rng):
    """White balance, exposure and contrast by one table a channel."""
    gains = rng.uniform(0.85, 1.15, 3) * rng.uniform(0.7, 1.2)
    gamma, levels = rng.uniform(0.8, 1.25), np.arange(256) / 255
    tables = 255 * np.clip(levels[:, None] * gains, 0, 1) ** gamma
    channels = [tables[:, k].astype(np.float32)[pixels[..., k]] for k in range(3)]
    return np.stack(channels, -1)
