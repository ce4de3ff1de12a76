"""Puts this folder on the path, and gives each session a cache of its own."""

import json
import os

import numpy as np
import PIL.Image
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(scope="session", autouse=True)
def _home(tmp_path_factory):
    """Keeps tests out of the user's cache and off the network."""
    before = dict(os.environ)
    os.environ["TLTF_HOME"] = str(tmp_path_factory.mktemp("home"))
    os.environ["TLTF_OFFLINE"] = "1"
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def shared():
    """The folder of real data and weights, for tests marked `realdata`."""
    folder = os.environ.get("TLTF_SHARED")
    if not folder or not os.path.isdir(folder):
        pytest.skip(f"TLTF_SHARED names no folder (it is {folder!r})")
    return os.path.abspath(folder)


def draw(kind: int, number: int, side: int = 40) -> np.ndarray:
    """Returns a picture of one of three kinds of stripes, uint8."""
    random = np.random.default_rng([kind, number])
    down, across = np.mgrid[:side, :side]
    wave = (down, across, down + across)[kind] / 3 + random.uniform(0, 6)
    light = 127 + 90 * np.sin(wave)
    noise = random.normal(0, 25, (side, side, 3))
    return np.clip(light[..., None] + noise, 0, 255).astype(np.uint8)


SUBJECTS = {
    "food": ("bread", "soup", "salt", "oven", "taste"),
    "law": ("court", "judge", "appeal", "verdict", "lawyer"),
    "sport": ("goal", "team", "match", "coach", "score"),
}
COMMON = ("the", "of", "a", "and", "to", "in", "is", "was", "with", "for", "on", "it")


@pytest.fixture(scope="session")
def subjects(tmp_path_factory):
    """A JSON lines file of texts on 3 subjects: 120 train, 30 val, 30 test."""
    random = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("subjects") / "texts.jsonl"
    lines = []
    for split, count in (("train", 120), ("val", 30), ("test", 30)):
        for number in range(count):
            label = sorted(SUBJECTS)[number % 3]
            rare = random.random(random.integers(8, 25)) < 0.4
            words = [random.choice(SUBJECTS[label] if r else COMMON) for r in rare]
            words[0] = SUBJECTS[label][number % 5]
            line = {"text": " ".join(words), "label": label, "split": split}
            lines.append(json.dumps(line | {"id": f"{split} {number}"}))
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="session")
def stripes(tmp_path_factory):
    """A folder of 3 classes in train, val and test: 12, 6 and 6 PNG files each."""
    root = tmp_path_factory.mktemp("stripes")
    first = 0
    for split, count in (("train", 12), ("val", 6), ("test", 6)):
        for kind, name in enumerate(("across", "down", "slanted")):
            folder = root / split / name
            folder.mkdir(parents=True)
            for number in range(first, first + count):
                picture = PIL.Image.fromarray(draw(kind, number))
                picture.save(folder / f"{number:03}.png")
        first += count
    return root
