import numpy as np
import pytest
from hypothesis import given, settings, strategies
from hypothesis.extra import numpy as arrays

from tltf import errors, text
from tltf.text import neighbours, questions, vectors


def drawn(count=300, d=12, seed=0):
    """Returns random vectors of words w0, w1, ... of unequal lengths."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, d)) * random.uniform(0.1, 9, (count, 1))
    return vectors.from_arrays([f"w{k}" for k in range(count)], rows)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def by_hand(loaded, scores, banned, k):
    """Returns the k best words by sorting everything, in double precision."""
    order = sorted(set(range(len(loaded))) - set(banned), key=lambda r: -scores[r])
    return [loaded.words[row] for row in order[:k]], [scores[row] for row in order[:k]]


def agree(found, wanted):
    assert [one.word for one in found] == wanted[0]
    np.testing.assert_allclose([one.score for one in found], wanted[1], atol=1e-5)


def test_nearest_words_are_those_of_a_full_sort_by_cosine():
    loaded = drawn()
    rows = unit(loaded.matrix.astype(np.float64))
    found = neighbours.nearest(loaded, "w7", 20)
    agree(found, by_hand(loaded, rows @ rows[7], [7], 20))


def test_blocks_do_not_change_the_result(monkeypatch):
    loaded = drawn()
    whole = neighbours.nearest(loaded, "w7", 20)
    monkeypatch.setattr(neighbours, "_ROWS", 7)
    found = neighbours.nearest(loaded, "w7", 20)
    agree(found, ([n.word for n in whole], [n.score for n in whole]))


def test_a_vector_is_its_own_nearest():
    loaded = drawn()
    first = neighbours.nearest(loaded, 5 * loaded.vector("w3"), 1)[0]
    assert first.word == "w3" and first.score == pytest.approx(1)


def test_more_neighbours_than_words_are_all_the_others():
    loaded = drawn(5)
    assert len(neighbours.nearest(loaded, "w0", 99)) == 4


def test_among_looks_at_the_first_words_only():
    loaded = drawn()
    rows = unit(loaded.matrix.astype(np.float64))
    found = neighbours.nearest(loaded, "w299", 5, among=50)
    agree(found, by_hand(loaded, rows @ rows[299], range(50, 300), 5))


def test_zero_vectors_are_no_one_s_neighbours():
    loaded = vectors.from_arrays(["a", "b", "z"], [[1.0, 0], [0.5, 0.1], [0, 0]])
    found = neighbours.nearest(loaded, "a", 2)
    assert [n.word for n in found] == ["b", "z"] and found[1].score == 0


@pytest.mark.parametrize("method", ["add", "mul"])
def test_analogies_are_those_of_the_papers_formulas(method):
    loaded = drawn()
    rows = unit(loaded.matrix.astype(np.float64))
    a, b, c = (rows @ rows[k] for k in (4, 9, 2))
    if method == "add":
        scores = (a - b + c) / np.linalg.norm(rows[4] - rows[9] + rows[2])
    else:
        scores = ((1 + a) / 2) * ((1 + c) / 2) / ((1 + b) / 2 + 1e-6)
    found = neighbours.analogy(loaded, ["w4", "w9", "w2"], 10, method=method)
    agree(found, by_hand(loaded, scores, [4, 9, 2], 10))


@settings(deadline=None)
@given(
    arrays.arrays(np.float32, (9, 3), elements=strategies.integers(-3, 3)),
    strategies.integers(1, 12),
)
def test_of_equal_scores_the_earlier_word_comes_first(matrix, k):
    loaded = vectors.from_arrays([f"w{n}" for n in range(9)], matrix)
    found = neighbours.nearest(loaded, "w0", k)
    order = [(-one.score, int(one.word[1:])) for one in found]
    assert order == sorted(order) and len(found) == min(k, 8)


def test_mistakes_are_told():
    loaded = drawn(9)
    with pytest.raises(errors.UserError, match="takes 3 words"):
        neighbours.analogy(loaded, ["w1", "w2"])
    with pytest.raises(errors.UserError, match="no word 'x'"):
        neighbours.analogy(loaded, ["w1", "w2", "x"])
    with pytest.raises(errors.UserError, match="add or mul"):
        neighbours.analogy(loaded, ["w1", "w2", "w3"], method="div")
    with pytest.raises(errors.UserError, match="12 numbers a word"):
        neighbours.nearest(loaded, np.zeros(3))
    with pytest.raises(errors.UserError, match="at least 1"):
        neighbours.nearest(loaded, "w0", 0)


# a plane where going from country to capital is the same step everywhere
PLANE = {
    "france": (1, 0),
    "paris": (1, 1),
    "italy": (3, 0.2),
    "rome": (3, 1.3),
    "Rome": (3, 1.4),
    "spain": (-2, 0.5),
    "madrid": (-2, 1.7),
    "walk": (0.3, -2),
    "walked": (-0.5, -2),
}
ASKED = """\
: capitals
france paris italy rome
Italy ROME France Paris
france paris atlantis lemuria

: gram1-past
walk walked walk walked
"""


@pytest.fixture
def plane():
    return vectors.from_arrays(list(PLANE), list(PLANE.values()))


def file(folder, content):
    path = folder / "questions.txt"
    path.write_text(content, encoding="utf-8")
    return path


def test_questions_are_read_by_section(tmp_path):
    first, second = questions.read(file(tmp_path, ASKED))
    assert first.name == "capitals" and len(first.questions) == 3
    assert second == ("gram1-past", [("walk", "walked", "walk", "walked")])


@pytest.mark.parametrize("content", ["a b c d\n", ": x\na b c\n", ": x\na b c d e\n"])
def test_a_line_that_is_no_question_is_named(tmp_path, content):
    with pytest.raises(errors.UserError, match=r"line [12] is 'a b c"):
        questions.read(file(tmp_path, content))


def test_scores_count_asked_correct_and_unknown(tmp_path, plane):
    sections = questions.read(file(tmp_path, ASKED))
    scores = {s.name: s for s in questions.score(plane, sections)}
    assert scores["capitals"] == ("capitals", 2, 2, 1)
    # the answer is one of the three words that were given: never right
    assert scores["gram1-past"] == ("gram1-past", 1, 0, 0)
    assert scores["semantic"][1:] == (2, 2, 1)
    assert scores["syntactic"][1:] == (1, 0, 0)
    assert scores["total"][1:] == (3, 2, 1)
    assert scores["total"].accuracy == pytest.approx(2 / 3)


def test_without_folding_another_case_is_another_word(tmp_path, plane):
    sections = questions.read(file(tmp_path, ASKED))
    scores = questions.score(plane, sections, fold=False)
    assert scores[0][1:3] == (1, 0)  # Rome is nearer than rome
    assert scores[0].unknown == 2


def test_a_section_of_unknown_words_has_no_accuracy(tmp_path, plane):
    sections = questions.read(file(tmp_path, ": x\na b c d\n"))
    assert [s.accuracy for s in questions.score(plane, sections)] == [None, None]


def gensim(loaded, folder):
    """Returns gensim's reading of the same vectors."""
    models = pytest.importorskip("gensim.models")
    from tltf.text import vector_formats

    path = folder / "v.txt"
    vector_formats.write(loaded, path, "glove")
    return models.KeyedVectors.load_word2vec_format(path, no_header=True)


@pytest.mark.filterwarnings("ignore")  # of gensim: files left open
def test_neighbours_and_analogies_are_gensim_s(tmp_path):
    loaded = drawn(2000, 30)
    theirs = gensim(loaded, tmp_path)
    for word in ("w0", "w77", "w1999"):
        wanted = list(zip(*theirs.most_similar(word, topn=25), strict=True))
        agree(neighbours.nearest(loaded, word, 25), (list(wanted[0]), wanted[1]))
    a, b, c = "w1", "w20", "w300"
    wanted = list(zip(*theirs.most_similar([a, c], [b], topn=25), strict=True))
    found = neighbours.analogy(loaded, [a, b, c], 25)
    agree(found, (list(wanted[0]), wanted[1]))
    wanted = list(zip(*theirs.most_similar_cosmul([a, c], [b], topn=25), strict=True))
    found = neighbours.analogy(loaded, [a, b, c], 25, method="mul")
    agree(found, (list(wanted[0]), wanted[1]))


@pytest.mark.parametrize("fold", [True, False])
@pytest.mark.filterwarnings("ignore")  # of gensim: files left open
def test_scores_of_questions_are_gensim_s(tmp_path, fold):
    random = np.random.default_rng(5)
    words = [f"w{k}" for k in range(150)] + [f"W{k}" for k in range(150)]
    rows = random.normal(size=(300, 3)).astype(np.float32)
    loaded = vectors.from_arrays(words, rows)
    lines = []
    for section in ("one", "gram-two"):
        lines.append(f": {section}")
        for _ in range(150):
            a, b, c = random.choice([*words, "unknown"], 3, replace=False)
            answer = "w0"
            if "unknown" not in (a, b, c):
                found = neighbours.analogy(loaded, [b, a, c], 2)
                answer = found[random.integers(2)].word
            lines.append(f"{a} {b} {c} {answer}")
    path = file(tmp_path, "\n".join(lines))
    theirs = gensim(loaded, tmp_path)
    _, wanted = theirs.evaluate_word_analogies(str(path), case_insensitive=fold)
    found = questions.score(loaded, questions.read(path), fold=fold)
    by_name = {score.name: score for score in found}
    for section, name in (("one", "one"), ("gram-two", "gram-two")):
        (theirs_,) = [s for s in wanted if s["section"] == section]
        counts = len(theirs_["correct"]), len(theirs_["incorrect"])
        assert (by_name[name].correct, by_name[name].asked) == (counts[0], sum(counts))
        assert by_name[name].unknown == 150 - sum(counts)
    assert 20 < by_name["total"].correct < 280


@pytest.mark.realdata
def test_published_vectors_know_capitals_tenses_and_the_queen(shared):
    path = f"{shared}/data/glove/glove.6B.100d.top60k.txt.gz"
    loaded = text.load_vectors(path)
    for question, answer in {
        "king man woman": "queen",
        "paris france italy": "rome",
        "berlin germany spain": "madrid",
        "tokyo japan china": "beijing",
        "walking walk swim": "swimming",
        "walked walk jump": "jumped",
        "uncle man woman": "aunt",
    }.items():
        assert neighbours.analogy(loaded, question.split(), 1)[0].word == answer
    # the list on GloVe's own page: frog, toad, ...; here 100 d of 6B
    assert neighbours.nearest(loaded, "frog", 1)[0].word == "toad"
