"""Several devices learn what one learns."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

SCRIPT = pathlib.Path(__file__).with_name("two_replicas.py")


@pytest.fixture(scope="module")
def found(stripes, subjects, tmp_path_factory):
    # logical devices must be made before anything runs, so in a process of its own
    place = tmp_path_factory.mktemp("two")
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(stripes), str(subjects), str(place)],
        capture_output=True,
        text=True,
        env={**os.environ, "TLTF_HOME": str(place)},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "case",
    ["images", "features", "texts", "bilstm", "hub", "uncertainty", "gradnorm"],
)
def test_two_replicas_end_with_the_weights_of_one_device(found, case):
    weights, losses = found[case]
    assert weights < 1e-6
    assert losses < 1e-5


def test_statistics_of_replicas_become_their_mean(found):
    # the second number, equal on both, stays as it was to the bit
    equal = [0.5, float(np.float32(0.1))]
    assert found["alike"] == [equal, equal]


def test_random_layers_have_a_seed_for_each_replica(found):
    one, two = found["apart"]
    assert two == [one[0] + 1, one[1]]
    assert found["again"] == [one, one]


def test_all_copies_are_equal_in_the_end(found):
    assert found["equal"]
