"""Seconds to load 400,000 x 50 word vectors: the deck's loop, gensim, tltf.

Usage: python tools/benchmark/vectors.py [--rounds=7] [--nogensim] > result.json

The text file is the PyPI package's GloVe written out, or numbers as GloVe has
them where the package is missing. Every round runs every side in one process;
each first load of tltf has a new cache folder, each second one that of the last
first. The loop is that of the deck: a dict of arrays from the split lines.
"""

import argparse
import itertools
import os
import pathlib
import shutil
import tempfile

import _timing
import numpy as np

DIMENSION = 50


def main():
    flags = _flags()
    with tempfile.TemporaryDirectory(dir=flags.folder) as folder:
        os.environ["TLTF_HOME"] = f"{folder}/tltf"
        path, what = _written(pathlib.Path(folder, "vectors.txt"), flags.words)
        sides = _sides(path, gensim=not flags.nogensim)
        _timing.say(f"{what}: {', '.join(sides)}")
        _same(sides)
        taken = _timing.rounds(sides, flags.rounds)
        size = path.stat().st_size
    spread = {n: _timing.spread(times, 5) for n, times in taken.wall.items()}
    _timing.report(
        benchmark="vectors",
        data=what,
        shape=[flags.words, DIMENSION],
        bytes=size,
        seconds=spread,
        cpu_seconds={n: _timing.spread(times, 5) for n, times in taken.cpu.items()},
        times_faster_than={
            slow: _faster(taken.wall, slow)
            for slow in ("deck_loop", "gensim", "gensim_mmap")
            if slow in taken.wall
        },
    )


def _faster(wall, slow):
    ours = [name for name in wall if name.startswith("tltf")]
    return {name: _timing.ratios(wall[slow], wall[name]) for name in ours}


def _flags():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--words", type=int, default=400_000)
    parser.add_argument("--nogensim", action="store_true", help="leave gensim out")
    parser.add_argument("--folder", help="where the files go for the while")
    return parser.parse_args()


def _written(path, count):
    """Writes the text file; returns its path and what it is."""
    from tltf.text import vector_formats, vectors

    try:
        whole = vectors.load_vectors("glove.6B.50d")
        words, rows = whole.words[:count], whole.matrix[:count]
        what = "glove.6B.50d"
        if len(words) < count:
            raise SystemExit(f"--words: {what} has {len(words)}")
    except ValueError:  # neither the package nor a network
        random = np.random.default_rng(0)
        words = [f"w{number:x}" for number in random.permutation(count)]
        rows = np.round(random.normal(0, 0.5, (count, DIMENSION)), 5)
        what = "generated"
    chosen = vectors.from_arrays(words, rows)
    vector_formats.write(chosen, path, "glove")
    old = path.stat().st_mtime - 60  # as any file that was not made just now
    os.utime(path, (old, old))
    shutil.rmtree(os.environ["TLTF_HOME"], ignore_errors=True)
    return path, what


def _sides(path, *, gensim):
    from tltf.text import vectors

    def deck_loop():
        found = {}
        with open(path, encoding="utf-8") as file:
            for line in file:
                values = line.split()
                found[values[0]] = np.asarray(values[1:], dtype="float32")
        return found

    homes = itertools.count()

    def first():  # a new cache folder costs nothing, emptying one does
        os.environ["TLTF_HOME"] = str(path.with_name(f"home{next(homes)}"))
        return vectors.load_vectors(path)

    def second():
        return vectors.load_vectors(path)

    sides = {"deck_loop": deck_loop, "tltf_first": first, "tltf_second": second}
    if gensim:
        from gensim import models

        load = models.KeyedVectors.load_word2vec_format
        saved = str(path.with_name("gensim.kv"))
        load(path, no_header=True).save(saved)
        sides["gensim"] = lambda: load(path, no_header=True)
        sides["gensim_mmap"] = lambda: models.KeyedVectors.load(saved, mmap="r")
    return sides


def _same(sides):
    """Ends the benchmark unless all sides read the same numbers."""
    ours = sides["tltf_first"]()
    loop = sides["deck_loop"]()
    if list(loop) != ours.words:
        raise SystemExit("the words differ")
    if not np.array_equal(np.stack(list(loop.values())), ours.matrix):
        raise SystemExit("the numbers differ")


if __name__ == "__main__":
    main()
