"""Trains the two small AWD-LSTMs that the package ships, forward and backward.

Usage: python tools/pretrain_language_models.py --data=FOLDER [--out=DIR]

FOLDER has language_model/wikitext-2.valid.txt, wikitext-2.test.txt and brown.zip
(WikiText-2 of Merity et al.; the Brown corpus as nltk has it) and imdb/*.tar.gz
(Maas et al.'s reviews; only the unlabelled ones are learnt from). Goes on where it
was stopped. Prints one line of JSON for each direction, with the perplexity of
WikiText-2's test text and of labelled reviews that were not learnt from.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

SETTINGS = {
    "words": 10_000, "least": 3, "embedding": 144, "hidden": 320, "layers": 2,
    "batch": 32, "bptt": 70, "rate": 5e-3, "dropout": 0.25,
    "save_steps": 200, "half": True,
}  # fmt: skip
# the forward one had the time for two passes, the backward one for one
EPOCHS = {"forward": 2, "backward": 1}
SHIPPED = ("lm.npz", "vocabulary.txt", "lm.json")
ROOT = pathlib.Path(__file__).resolve().parents[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "tltf/text/models")
    parser.add_argument("--work", type=pathlib.Path, default="runs/language_models")
    parser.add_argument("--directions", default="forward,backward")
    flags = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    (reviews,) = sorted((flags.data / "imdb").glob("*.tar.gz"))
    plain = flags.data / "language_model"
    for direction in flags.directions.split(","):
        name = f"awd_lstm_small_{direction}"
        work = flags.work / name
        _train(plain, reviews, work, direction)
        (flags.out / name).mkdir(parents=True, exist_ok=True)
        for file in SHIPPED:
            shutil.copyfile(work / file, flags.out / name / file)
        print(json.dumps({"model": name, **_scores(plain, reviews, work)}), flush=True)


def _train(plain, reviews, work, direction):
    command = [sys.executable, "-m", "tltf.cli.pretrain", "--method=awd_lstm"]
    command += [f"--data={plain / 'wikitext-2.valid.txt'}"]
    command += [f"--data={plain / 'brown.zip'}", f"--data={reviews}"]
    command += ["--only=*[!a-z]unsup/*", "--valid_share=0.02", f"--workdir={work}"]
    settings = {**SETTINGS, "epochs": EPOCHS[direction]}
    command += [f"--set={key}={value}" for key, value in settings.items()]
    command += ["--resume", *(["--backward"] if direction == "backward" else [])]
    subprocess.run(command, check=True, cwd=ROOT)


def _scores(plain, reviews, work):
    from tltf.pretraining import awd_lstm, texts

    held = {
        "wikitext_2_test": texts.read(str(plain / "wikitext-2.test.txt")),
        "imdb_labelled": texts.read(str(reviews), only="*/train/[np]*")[::10],
    }
    about = json.loads((work / "lm.json").read_text())
    scores = {name: awd_lstm.perplexity(work, found) for name, found in held.items()}
    size = sum((work / file).stat().st_size for file in SHIPPED)
    return {"perplexity": scores, "seconds": about["seconds"], "bytes": size}


if __name__ == "__main__":
    main()
