"""What stands around and upon the cloth of the textures set, and its colours."""

import colorsys

import numpy as np

from tltf.sources import _textures_fields as fields

_SKIN = ((0.95, 0.78, 0.66), (0.78, 0.57, 0.43), (0.45, 0.3, 0.22))


def colors(rng: np.random.Generator, count: int) -> list[np.ndarray]:
    """Returns colours, float32 `[3, 1, 1]` in 0..1, each well apart from the first."""
    first = _color(rng)
    others: list[np.ndarray] = []
    while len(others) < count - 1:
        color = _color(rng)
        if np.abs(color - first).mean() > 0.18:
            others.append(color)
    return [first, *others]


def _color(rng):
    saturation = rng.choice([0.0, 0.15, 0.4, 0.8]) * rng.uniform(0.6, 1.1)
    value = rng.uniform(0.08, 0.95)
    rgb = colorsys.hsv_to_rgb(rng.random(), min(saturation, 1.0), value)
    return np.array(rgb, np.float32)[:, None, None]


def background(size: int, rng: np.random.Generator) -> np.ndarray:
    """Returns a wall, planks or blurred things, float32 `[3, size, size]`."""
    x, y = fields.grid(size)
    one, two = colors(rng, 2)
    image = fields.blend(np.broadcast_to(one, (3, size, size)), 0.5 + 0.4 * x, two)
    kind = rng.random()
    if kind < 0.3:
        u, v = fields.turn(x, y, rng.uniform(0, np.pi))
        lines = fields.wave(u * rng.uniform(4, 14) + 0.1 * fields.smooth(size, 5, rng))
        image = image * (1 - 0.5 * fields.step(0.08 - lines, 0.05))
    elif kind < 0.6:
        blobs = fields.step(fields.smooth(size, 7, rng) - 0.2, 0.3)
        image = fields.blend(image, blobs, _color(rng))
    return image * (1 + 0.15 * fields.smooth(size, 20, rng))


def scatter(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns `image` with up to three things on it: buttons, seams, hands, tags."""
    things = (_buttons, _seam, _hand, _tag, _strap)
    for _ in range(rng.integers(0, 4)):
        image = things[rng.integers(len(things))](image, rng)
    return image


def _buttons(image, rng):
    x, y = _placed(image.shape[-1], rng)
    size, gap = rng.uniform(0.015, 0.04), rng.uniform(0.12, 0.25)
    center = np.round(y / gap) * gap
    r = np.hypot(x, y - center)
    disc = fields.step(size - r, 2 / image.shape[-1]) * (abs(center) < gap * 2)
    rim = 1 - 0.5 * fields.step(r - 0.7 * size, 3 / image.shape[-1])
    return fields.blend(image, disc, _color(rng) * rim)


def _seam(image, rng):
    x, y = _placed(image.shape[-1], rng)
    soft = 2 / image.shape[-1]
    x = x + 0.02 * fields.smooth(image.shape[-1], 3, rng)
    crease = np.exp(-((x / rng.uniform(0.004, 0.01)) ** 2))
    image = image * (1 - rng.uniform(0.2, 0.6) * crease)
    stitch = fields.step(0.003 - abs(x - 0.02), soft) * (fields.wave(y * 40) > 0.4)
    return fields.blend(image, 0.8 * stitch, _color(rng))


def _hand(image, rng):
    x, y = _placed(image.shape[-1], rng)
    size = rng.uniform(0.08, 0.16)
    shape = 1 - np.hypot(x, y * 0.8) / size
    for finger in range(4):
        across, along = fields.turn(x, y, 0.25 * (finger - 1.5))
        off = across - size * 0.45 * (finger - 1.5)
        reach = np.maximum(abs(along + size) - size * 0.9, 0)
        shape = np.maximum(shape, 1 - np.hypot(off, reach) / (size * 0.24))
    skin = np.array(_SKIN[rng.integers(3)], np.float32)[:, None, None]
    shade = 0.65 + 0.45 * np.clip(shape, 0, 0.8)
    return fields.blend(image, fields.step(shape, 0.05), skin * shade)


def _tag(image, rng):
    x, y = _placed(image.shape[-1], rng)
    wide, high = rng.uniform(0.05, 0.16, 2)
    inside = np.minimum(wide - abs(x), high - abs(y))
    mask = fields.step(inside, 2 / image.shape[-1])
    lines = 1 - 0.4 * (fields.wave(y * rng.uniform(10, 30)) < 0.4) * (inside > 0.02)
    return fields.blend(image, mask, _color(rng) * lines)


def _strap(image, rng):
    x, y = _placed(image.shape[-1], rng)
    width = rng.uniform(0.02, 0.07)
    x = x + 0.3 * rng.uniform(-1, 1) * y * y
    mask = fields.step(width - abs(x), 2 / image.shape[-1])
    shade = 1.1 - 0.5 * (x / width) ** 2
    return fields.blend(image, mask, _color(rng) * shade)


def _placed(size, rng):
    x, y = fields.grid(size)
    x, y = fields.turn(x, y, rng.uniform(0, 2 * np.pi))
    return x - rng.uniform(-0.4, 0.4), y - rng.uniform(-0.4, 0.4)
