"""The ten cloth patterns of the textures set, as functions of the plane."""

from typing import NamedTuple

import numpy as np

from tltf.sources import _textures_fields as fields


class Print(NamedTuple):
    """What a pattern puts on plain cloth.

    Attributes:
      inks: Coverage of the first, second, third ink, in 0..1, later ones on top.
      shade: Factor of brightness by relief, or None.
    """

    inks: list[np.ndarray]
    shade: np.ndarray | None = None


def camouflage(u, v, soft, rng):
    """Returns blots of three inks with ragged edges."""
    inks = []
    for scale in (0.6, 0.75, 0.9):
        rough = fields.noise(u * scale * 3 + 9, v * scale * 3, rng)
        level = fields.noise(u * scale, v * scale, rng) + 0.3 * rough
        edge = rng.uniform(0.72, 0.8)
        inks.append(fields.step(level - edge, soft * scale * 1.5 + 0.01))
    return Print(inks)


def checked(u, v, soft, rng):
    """Returns gingham, a chessboard, or tartan bands."""
    kind = rng.integers(3)
    width = rng.uniform(0.4, 0.6)
    bands = [fields.step(width / 2 - abs(t - np.floor(t) - 0.5), soft) for t in (u, v)]
    if kind == 0:
        return Print([0.5 * bands[0], 0.5 * bands[1]])
    if kind == 1:
        return Print([bands[0] + bands[1] - 2 * bands[0] * bands[1]])
    thin = rng.uniform(0.04, 0.1)
    lines = [fields.step(thin / 2 - abs(t - np.floor(t) - 0.2), soft) for t in (u, v)]
    wide = 0.35 * bands[0] + 0.35 * bands[1]
    return Print([wide, 0.8 * np.maximum(*lines)])


def dotted(u, v, soft, rng):
    """Returns discs in offset rows, or scattered discs of several sizes."""
    x, y, (a, b, c) = fields.cells(u, v, rng, 3)
    radius, loose = rng.uniform(0.16, 0.36), _one(rng, [0.0, 0.0, 0.12])
    if loose:
        radius = np.minimum(radius, 0.34) * (0.6 + 0.5 * c)
        x, y = x + loose * (2 * a - 1), y + loose * (2 * b - 1)
    disc = fields.step(radius - np.hypot(x, y), soft)
    second = _one(rng, [0.0, 0.0, 0.4])
    return Print([disc, disc * (c < second)])


def floral(u, v, soft, rng):
    """Returns flowers with round petals, hearts and leaves."""
    u, v, soft = 0.7 * u, 0.7 * v, 0.7 * soft
    x, y, (a, b, c, d) = fields.cells(u, v, rng, 4)
    petals, size = int(rng.integers(4, 8)), rng.uniform(0.32, 0.42) * (0.75 + 0.3 * c)
    x, y = x + 0.1 * (2 * a - 1), y + 0.1 * (2 * b - 1)
    r, angle = np.hypot(x, y), np.arctan2(y, x) + 6.28 * d
    lobes = 0.5 + 0.5 * np.abs(np.cos(angle * petals / 2))
    flower = fields.step(size * lobes - r, soft)
    heart = fields.step(size * 0.3 - r, soft)
    p, q, (e, f) = fields.cells(u + 0.5, v + 0.5, rng, 2)
    p, q = _spun(p, q, 6.28 * e)
    leaf = fields.step(0.09 * (1 - (q / 0.32) ** 2) - abs(p), soft) * (f < 0.8)
    return Print([leaf, flower, heart])


def herringbone(u, v, soft, rng):
    """Returns columns of slanted threads that change direction and do not meet."""
    column = np.floor(u)
    across = u - column
    slant = np.where(column % 2 == 0, across, 1 - across) + 0.25 * (column % 2)
    fine = int(rng.integers(2, 5))
    t = fine * (v + slant * rng.uniform(0.8, 1.2))
    return Print([fields.step(rng.uniform(0.4, 0.6) - fields.wave(t), soft * 3 * fine)])


def houndstooth(u, v, soft, rng):
    """Returns the two-and-two twill of four dark and four light threads."""
    threads = _one(rng, [4, 4, 8])  # of one colour side by side
    u, v, soft = u / 2, v / 2, soft / 2
    warp, weft = (fields.step(0.5 - fields.wave(t - 0.25), 2 * soft) for t in (u, v))
    i, j = (np.floor(t * 2 * threads) for t in (u, v))
    # the change from thread to thread fades where it has less than a pixel
    blur = min(1.0, max(0.0, soft * 2 * threads - 0.5))
    over = ((i - j) % 4 < 2) * (1 - blur) + 0.5 * blur
    return Print([(over * warp + (1 - over) * weft).astype(np.float32)])


def knitted(u, v, soft, rng):
    """Returns columns of V-shaped stitches in relief, some with cables or bands."""
    bend = _one(rng, [0.0, 0.0, 0.35])
    v, soft = 0.8 * v, 0.8 * soft
    u = 1.6 * u + bend * np.sin(v * rng.uniform(1.5, 3))
    across = u - np.floor(u) - 0.5
    t = 3 * v + abs(across) * rng.uniform(1.4, 2.2)
    thread = 1 - fields.wave(t + 0.5)
    relief = (1 - thread**2) * (1 - 0.8 * (2 * abs(across)) ** 4)
    relief *= fields.step(abs(across) - 0.04, soft * 2 + 0.03) * 0.4 + 0.6
    bands = fields.step(0.25 - fields.wave(v * 0.3), soft) * _one(rng, [0.0, 0.0, 1.0])
    fleck = fields.noise(u * 2, t, rng)
    seen = min(1.0, max(0.0, 1.5 - 6 * soft))  # stitches below two pixels fade
    return Print([bands, 0.35 * fleck], 1 + seen * (0.75 * relief - 0.55))


def leopard(u, v, soft, rng):
    """Returns broken rings around a darker middle, and small spots between."""
    x, y, (a, b, c, d) = fields.cells(u, v, rng, 4)
    wobble = fields.noise(u * 4, v * 4, rng) - 0.5
    x, y = x + 0.1 * (2 * a - 1), y + 0.1 * (2 * b - 1)
    r = np.hypot(x, y * (0.85 + 0.4 * c)) + 0.16 * wobble
    angle = np.arctan2(y, x) + 6.28 * d
    outer, width = rng.uniform(0.32, 0.4), rng.uniform(0.12, 0.17)
    middle = fields.step(outer - width / 2 - r, soft)
    ring = fields.step(width / 2 - abs(r - outer + width / 2), soft)
    gaps = fields.step(np.cos(angle * (2 + (c > 0.5))) + 0.7, soft * 6 + 0.1)
    p, q, (e, f) = fields.cells(u * 1.6 + 0.3, v * 1.6, rng, 2)
    spots = fields.step(0.16 * e - np.hypot(p, q + 0.2 * f) - 0.2 * wobble, soft * 1.6)
    ink = np.maximum(ring * gaps, spots * (r > outer))
    return Print([rng.uniform(0.3, 0.7) * middle, ink])


def striped(u, v, soft, rng):
    """Returns bands: even, thin on wide, or of two inks."""
    del v
    width = _one(rng, [0.12, 0.3, 0.5, 0.65])
    band = fields.step(width / 2 - abs(u - np.floor(u) - 0.5), soft)
    thin = fields.step(0.06 - abs(u - np.floor(u) - 0.08), soft)
    return Print([band, thin * _one(rng, [0.0, 1.0])])


def zigzag(u, v, soft, rng):
    """Returns bands that run up and down in sharp corners."""
    height = rng.uniform(0.5, 1.1)
    t = v + height * fields.wave(u * rng.uniform(0.6, 1.1))
    width = _one(rng, [0.2, 0.4, 0.5])
    band = fields.step(width / 2 - abs(t - np.floor(t) - 0.5), soft * 1.6)
    thin = fields.step(0.07 - abs(t - np.floor(t) - 0.08), soft * 1.6)
    return Print([band, thin * _one(rng, [0.0, 1.0])])


def _one(rng, choices):
    # a plain number: NumPy's own float64 would make float32 arrays double
    return choices[rng.integers(len(choices))]


def _spun(x, y, angle):
    c, s = np.cos(angle), np.sin(angle)
    return c * x + s * y, c * y - s * x


PATTERNS = {
    draw.__name__: draw
    for draw in (
        camouflage,
        checked,
        dotted,
        floral,
        herringbone,
        houndstooth,
        knitted,
        leopard,
        striped,
        zigzag,
    )
}
