import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tltf import errors
from tltf.ops import tags

NAMES = ["O", "B-a", "I-a", "B-b", "I-b"]


def official(names):
    """The chunks of conlleval, by trying every pair of places against its rules.

    startOfChunk and endOfChunk are spelt as truth tables over (tag, type) of two
    neighbours, as in the script.
    """
    parts = [("O", "")] + [(n[0], n[2:]) for n in names] + [("O", "")]

    def starts(k):
        (before, kind), (tag, now) = parts[k - 1], parts[k]
        rules = [("B", "B"), ("I", "B"), ("O", "B"), ("O", "I")]
        return (before, tag) in rules or (tag != "O" and kind != now)

    def ends(k):  # between k - 1 and k
        (before, kind), (tag, now) = parts[k - 1], parts[k]
        rules = [("B", "B"), ("B", "O"), ("I", "B"), ("I", "O")]
        return (before, tag) in rules or (before != "O" and kind != now)

    found = []
    for first, last in itertools.product(range(1, len(parts) - 1), repeat=2):
        inner = range(first + 1, last + 1)
        whole = first <= last and parts[first][0] != "O"
        unbroken = not any(starts(k) or ends(k) for k in inner)
        if whole and unbroken and starts(first) and ends(last + 1):
            found.append((first - 1, last - 1, parts[first][1]))
    return found


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(NAMES), max_size=9))
def test_spans_are_those_of_conlleval(names):
    assert list(tags.spans(names)) == official(names)


def test_spans_of_a_known_sentence():
    found = tags.spans(["B-a", "I-a", "O", "I-b", "I-a", "B-a", "O"])
    assert list(found) == [(0, 1, "a"), (3, 3, "b"), (4, 4, "a"), (5, 5, "a")]


def drawn(count=30, longest=12):
    random = np.random.default_rng(0)
    sizes = random.integers(1, longest + 1, count)
    labels = np.empty(count, object)
    for row, size in enumerate(sizes):
        labels[row] = random.integers(0, 5, size).astype(np.int32)
    scores = random.gamma(1, 1, (count, longest, 5))
    for row, one in enumerate(labels):  # half of the answers are right
        hit = random.random(len(one)) < 0.5
        scores[row, np.arange(len(one))[hit], one[hit]] += 9
    return labels, scores / scores.sum(-1, keepdims=True)


def test_scores_count_what_a_loop_counts():
    labels, probabilities = drawn()
    found = tags.tokens(labels, probabilities, classes=NAMES, resamples=20)
    right = total = hits = true = given_ = 0
    loss = 0.0
    for one, row in zip(labels, probabilities, strict=True):
        answer = row[: len(one)].argmax(-1)
        right, total = right + (answer == one).sum(), total + len(one)
        spans = [set(official([NAMES[k] for k in x])) for x in (one, answer)]
        hits += len(spans[0] & spans[1])
        true, given_ = true + len(spans[0]), given_ + len(spans[1])
        loss -= np.log(row[np.arange(len(one)), one]).sum()
    assert found["accuracy"] == pytest.approx(right / total)
    precision, recall = hits / given_, hits / true
    assert found["span_precision"] == pytest.approx(precision)
    assert found["span_recall"] == pytest.approx(recall)
    f1 = 2 * precision * recall / (precision + recall)
    assert found["span_f1"] == pytest.approx(f1)
    assert found["log_loss"] == pytest.approx(loss / total)
    assert found["accuracy_low"] < found["accuracy"] < found["accuracy_high"]


def test_the_interval_resamples_whole_texts():
    labels, probabilities = drawn(80)
    found = tags.tokens(labels, probabilities, resamples=4000)
    pairs = [
        ((p[: len(one)].argmax(-1) == one).sum(), len(one))
        for one, p in zip(labels, probabilities, strict=True)
    ]
    pairs = np.array(pairs)
    random = np.random.default_rng(1)
    drawn_ = [pairs[random.integers(0, 80, 80)].sum(0) for _ in range(4000)]
    low, high = np.quantile([a / b for a, b in drawn_], [0.025, 0.975])
    assert found["accuracy_low"] == pytest.approx(low, abs=0.1 * (high - low))
    assert found["accuracy_high"] == pytest.approx(high, abs=0.1 * (high - low))


def test_tokens_past_the_networks_length_are_wrong_and_counted():
    labels = np.empty(1, object)
    labels[0] = np.array([1, 2, 0, 1])
    probabilities = np.eye(5)[[[1, 2]]]
    found = tags.tokens(labels, probabilities, classes=NAMES)
    assert found["accuracy"] == 0.5
    assert found["unread_tokens"] == 2
    assert (found["span_precision"], found["span_recall"]) == (1.0, 0.5)


def test_padding_is_not_read():
    labels, probabilities = drawn()
    before = tags.tokens(labels, probabilities, classes=NAMES)
    for row, one in enumerate(labels):
        probabilities[row, len(one) :] = np.nan
    assert tags.tokens(labels, probabilities, classes=NAMES) == before


@pytest.mark.parametrize("classes", [["noun", "verb"], ["O", "E-a"], ["O"], []])
def test_other_tags_than_bio_have_no_spans(classes):
    assert not tags.bio(classes)


def test_what_cannot_be_scored_is_said():
    labels, probabilities = drawn(3)
    probabilities[1, 0] = np.nan
    with pytest.raises(errors.WorkError, match="1 of 3 records .* first record 1"):
        tags.tokens(labels, probabilities)
    with pytest.raises(errors.UserError, match="no records"):
        tags.tokens(labels[:0], probabilities[:0])
