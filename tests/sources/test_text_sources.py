import io
import json
import pathlib
import subprocess
import sys
import tarfile

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tltf import errors, registry
from tltf.data import tables
from tltf.sources import (
    _newsgroups_strip,
    ag_news,
    csv,
    dbpedia,
    imdb,
    jsonl,
    newsgroups20,
    subjectivity,
    trec,
    yelp,
)

NAMED = (
    "brown",
    "newsgroups20",
    "imdb",
    "trec",
    "subjectivity",
    "ag_news",
    "dbpedia",
    "yelp",
)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TLTF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TLTF_OFFLINE", "1")
    return tmp_path / "home"


def encoded(text):
    return text if isinstance(text, bytes) else text.encode()


def tree(root, files):
    """Writes files by path below a folder; returns it as a string."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(text))
    return str(root)


def packed(path, files):
    """Writes files into a tar.gz, last name first; returns its path as a string."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as out:
        for name, text in sorted(files.items(), reverse=True):
            info = tarfile.TarInfo(name)
            info.size = len(encoded(text))
            out.addfile(info, io.BytesIO(encoded(text)))
    return str(path)


def message(body, subject="x"):
    return f"From: a@b.c\nSubject: {subject}\n\n{body}"


def by_id(table):
    return dict(zip(table.ids.tolist(), table.values.tolist(), strict=True))


def labels(table):
    names = [table.classes[label] for label in table.labels]
    return dict(zip(table.ids.tolist(), names, strict=True))


@pytest.mark.parametrize("name", NAMED)
def test_a_text_set_that_is_nowhere_says_where_to_put_it(name, home):
    with pytest.raises(errors.UserError) as caught:
        registry.find("sources", name).load("")
    assert str(home) in str(caught.value)
    assert "https://" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", NAMED)
def test_a_path_with_nothing_or_something_else_is_one_line(name, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/readme.md").write_text("x")
    for path, cause in (("none", "nothing at .*none"), ("other", "check data.options")):
        with pytest.raises(errors.UserError, match=cause) as caught:
            tables.load(name, {"path": str(tmp_path / path)})
        assert "\n" not in str(caught.value)
    with pytest.raises(errors.UserError, match="path: 3 is not a path"):
        tables.load(name, {"path": 3})


def test_listing_text_sources_takes_no_tensorflow():
    code = (
        "import sys\nfrom tltf import registry\n"
        f"for name in {NAMED}: registry.find('sources', name)\n"
        "print([m for m in ('tensorflow', 'sklearn', 'requests') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


# 20 Newsgroups

GROUPS = {
    "20_newsgroups/sci.space/2": message("To the moon"),
    "20_newsgroups/sci.space/10": message("café \x85").encode("latin-1"),
    "20_newsgroups/alt.atheism/7": message("naïve ☃"),
    "20_newsgroups/alt.atheism/8": message(" \n"),
    "20_newsgroups/talk.misc/3": message("To the moon", "again"),
    "20_newsgroups/talk.misc/4": message("naïve ☃"),
}


@pytest.fixture(params=["folder", "archive", "folder of the archive", "cache"])
def groups(request, tmp_path, home):
    """Options that find the made set, in each of the places where it may be."""
    if request.param == "folder":
        return {"path": tree(tmp_path / "a", GROUPS)}
    if request.param == "archive":
        return {"path": packed(tmp_path / "b.tar.gz", GROUPS)}
    if request.param == "cache":
        packed(home / "downloads/news20.tar.gz", GROUPS)
        return {}
    packed(tmp_path / "c/news.tgz", GROUPS)
    return {"path": str(tmp_path / "c")}


def test_messages_are_the_same_from_every_place_without_headers(groups):
    table = newsgroups20.load("", **groups)
    assert by_id(table) == {
        "alt.atheism/7": "naïve ☃",
        "sci.space/10": "café \x85",
        "sci.space/2": "To the moon",
    }
    assert table.classes == ("alt.atheism", "sci.space")
    assert labels(table)["sci.space/2"] == "sci.space"
    assert set(table.splits) == {"all"}
    assert table.kind == "text"


def test_repeated_and_empty_messages_are_named(groups):
    assert newsgroups20.load("", **groups).skipped == (
        ("alt.atheism/8", "no body"),
        ("talk.misc/3", "repeated body: equal to that of sci.space/2"),
        ("talk.misc/4", "repeated message: equal to alt.atheism/7"),
    )


def test_an_archive_is_not_unpacked(tmp_path, home):
    path = packed(tmp_path / "given/news.tar.gz", GROUPS)
    newsgroups20.load("", path=path)
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["news.tar.gz"]


def test_repeated_messages_are_kept_if_asked(tmp_path):
    path = tree(tmp_path, GROUPS)
    table = newsgroups20.load("", path=path, repeated="keep")
    assert len(table) == 5
    assert table.skipped == (("alt.atheism/8", "empty text"),)


def test_headers_stay_if_asked(tmp_path):
    path = tree(tmp_path, GROUPS)
    assert (
        by_id(newsgroups20.load("", path=path, remove=[]))["sci.space/2"]
        == (GROUPS["20_newsgroups/sci.space/2"])
    )


def test_the_release_by_date_keeps_its_splits_and_its_test_set(tmp_path):
    files = {
        "20news-bydate-train/sci.space/1": message("one"),
        "20news-bydate-train/sci.med/1": message("two"),
        "20news-bydate-test/sci.space/1": message("one"),
        "20news-bydate-test/sci.med/2": message("three"),
    }
    table = newsgroups20.load("", path=packed(tmp_path / "b.tar.gz", files))
    got = dict(zip(table.ids.tolist(), table.splits.tolist(), strict=True))
    assert got == {
        "test/sci.med/2": "test",
        "test/sci.space/1": "test",
        "train/sci.med/1": "train",
    }
    cause = "repeated message: equal to test/sci.space/1"
    assert table.skipped == (("train/sci.space/1", cause),)


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({"remove": ["signatures"]}, "remove: 'signatures' is not one of headers"),
        ({"repeated": False}, "repeated: False is not one of skip, keep"),
        ({"release": "newest"}, "release: 'newest' is not one of original, bydate"),
    ],
)
def test_a_bad_option_is_one_line(tmp_path, options, cause):
    with pytest.raises(errors.UserError, match=cause):
        newsgroups20.load("", path=tree(tmp_path, GROUPS), **options)


def test_a_broken_archive_is_one_line(tmp_path):
    path = pathlib.Path(packed(tmp_path / "news.tar.gz", GROUPS))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(errors.UserError, match="news.tar.gz is broken") as caught:
        newsgroups20.load("", path=str(path))
    assert "\n" not in str(caught.value)


MESSAGES = st.lists(
    st.sampled_from(
        [
            "",
            " ",
            "--",
            "-- ",
            "From: x",
            "> quoted",
            "| q",
            "a wrote:",
            "In article <1>",
        ]
    )
    | st.text("ab>-| :\t", max_size=6),
    max_size=8,
).map("\n".join)


@settings(deadline=None)  # the first example imports scikit-learn
@given(MESSAGES)
@example("a\n\nb\n--\nme\n")
@example("\n")
def test_stripping_is_that_of_scikit_learn(text):
    from sklearn.datasets import _twenty_newsgroups as theirs

    assert _newsgroups_strip.headers(text) == theirs.strip_newsgroup_header(text)
    assert _newsgroups_strip.quotes(text) == theirs.strip_newsgroup_quoting(text)
    assert _newsgroups_strip.footers(text) == theirs.strip_newsgroup_footer(text)


def test_all_three_are_removed_in_the_order_of_scikit_learn(tmp_path):
    body = "In article <3>\nYou said:\n> old\nnew\n--\nme"
    path = tree(tmp_path, {"x.a/1": message(body), "x.b/1": message("z")})
    every = ["quotes", "headers", "footers"]
    assert by_id(newsgroups20.load("", path=path, remove=every))["x.a/1"] == "new"


# IMDB

REVIEWS = {
    "aclImdb/train/pos/1_9.txt": "good<br />film",
    "aclImdb/train/neg/0_1.txt": "bad",
    "aclImdb/test/pos/5_8.txt": "fine ☃",
    "aclImdb/test/neg/6_2.txt": "",
    "aclImdb/train/unsup/2_0.txt": "who knows",
    "aclImdb/train/unsup/10_0.txt": "nobody",
    "aclImdb/train/urls_pos.txt": "http://x",
    "aclImdb/train/labeledBow.feat": "9 0:9",
}


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_reviews_have_their_published_splits(tmp_path, form):
    make = tree if form == "folder" else packed
    path = make(tmp_path / ("a" if form == "folder" else "a.tar.gz"), REVIEWS)
    table = imdb.load("", path=path)
    assert by_id(table) == {
        "test/pos/5_8.txt": "fine ☃",
        "train/neg/0_1.txt": "bad",
        "train/pos/1_9.txt": "good<br />film",
    }
    assert labels(table) == {name: name.split("/")[1] for name in table.ids}
    assert [name.split("/")[0] for name in table.ids] == table.splits.tolist()
    assert table.skipped == (("test/neg/6_2.txt", "empty text"),)
    assert imdb.unlabelled(path) == ["nobody", "who knows"]


def test_reviews_without_labels_that_are_not_there_are_named(tmp_path):
    path = tree(tmp_path, {"train/pos/1_9.txt": "x"})
    with pytest.raises(errors.UserError, match="no reviews in train/unsup"):
        imdb.unlabelled(path)


# TREC

QUESTIONS = {
    "train_5500.label": b"NUM:date When was it \xe9\x85 ?\nHUM:ind Who ?\n"
    b"\nNUM:How far ?\n",
    "TREC_10.label": b"NUM:dist How far is it ?\nLOC:city \n",
}


def test_questions_have_six_classes_or_fifty(tmp_path):
    path = tree(tmp_path, QUESTIONS)
    table = trec.load("", path=path)
    assert table.classes == ("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM")
    assert labels(table) == {"train/1": "NUM", "train/2": "HUM", "test/1": "NUM"}
    assert by_id(table)["train/1"] == "When was it é\x85 ?"
    assert table.splits.tolist() == ["train", "train", "test"]
    assert table.skipped == (
        ("train/4", "unknown class: 'NUM:How'"),
        ("test/2", "empty text"),
    )
    fine = trec.load("", path=path, fine=True)
    assert len(fine.classes) == len(set(fine.classes)) == 50
    assert labels(fine) == {
        "train/1": "NUM:date",
        "train/2": "HUM:ind",
        "test/1": "NUM:dist",
    }
    with pytest.raises(errors.UserError, match="fine: 'yes' is not one of false, true"):
        trec.load("", path=path, fine="yes")


def test_questions_in_the_cache_are_checked(home):
    folder = pathlib.Path(tree(home / "datasets/trec", QUESTIONS))
    with pytest.raises(errors.UserError, match="train_5500.label.*checksum"):
        trec.load("")
    assert len(trec.load("", path=str(folder / "TREC_10.label"))) == 3


# Subjectivity


def test_the_first_token_of_a_sentence_is_its_class(tmp_path):
    lines = b"0 smart \x85 caf\xe9\n1 the movie begins\nmaybe it\n1 \n"
    table = subjectivity.load("", path=tree(tmp_path, {"subj.all": lines}))
    assert by_id(table) == {
        "subj.all:1": "smart … café",
        "subj.all:2": "the movie begins",
    }
    assert labels(table) == {"subj.all:1": "subjective", "subj.all:2": "objective"}
    assert table.skipped == (
        ("subj.all:3", "unknown class: 'maybe'"),
        ("subj.all:4", "empty text"),
    )


def test_the_two_files_of_the_authors_are_read_too(tmp_path):
    files = {"quote.tok.gt9.5000": "1 of a kind\nx", "plot.tok.gt9.5000": "0 hour"}
    table = subjectivity.load("", path=packed(tmp_path / "rotten_imdb.tar.gz", files))
    assert sorted(zip(table.values.tolist(), table.labels.tolist(), strict=True)) == [
        ("0 hour", 1),
        ("1 of a kind", 0),
        ("x", 0),
    ]


# AG News, DBpedia, Yelp

NEWS = {
    "ag_news_csv/train.csv": '"3","Title, ""quoted""","Line\\nbreak"\n"1","T","D"\n',
    "ag_news_csv/test.csv": '"4","Only title",""\n"2"," ",""\n',
    "ag_news_csv/classes.txt": "World\nSports\nBusiness\nSci/Tech\n",
}


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_news_join_title_and_description(tmp_path, form):
    make = tree if form == "folder" else packed
    path = make(tmp_path / ("a" if form == "folder" else "a.tgz"), NEWS)
    table = ag_news.load("", path=path)
    assert by_id(table) == {
        "train/1": 'Title, "quoted"\nLine\nbreak',
        "train/2": "T\nD",
        "test/1": "Only title",
    }
    assert labels(table) == {
        "train/1": "Business",
        "train/2": "World",
        "test/1": "Sci/Tech",
    }
    assert table.splits.tolist() == ["train", "train", "test"]
    assert table.skipped == (("test/2", "empty text"),)


def test_a_stray_byte_costs_its_own_line_only(tmp_path):
    files = {"train.csv": b'"1","caf\xe9"\n"2","caf\xc3\xa9"\n', "test.csv": '"1","x"'}
    table = yelp.load("", path=tree(tmp_path, files))
    assert table.values.tolist() == ["café", "café", "x"]


def test_a_class_file_renames_the_classes(tmp_path):
    files = {"train.csv": '2,"a","b"\n', "test.csv": '1,"a","b"\n'}
    assert dbpedia.load("", path=tree(tmp_path / "a", files)).classes[1] == (
        "EducationalInstitution"
    )
    files["classes.txt"] = "x\ny\n"
    assert dbpedia.load("", path=tree(tmp_path / "b", files)).classes == ("x", "y")


def test_yelp_has_two_classes_or_five(tmp_path):
    files = {"train.csv": '"2","good"\n', "test.csv": '"1","bad"\n'}
    path = tree(tmp_path / "a", files)
    assert labels(yelp.load("", path=path)) == {
        "train/1": "positive",
        "test/1": "negative",
    }
    files["train.csv"] = '"5","great"\n'
    path = tree(tmp_path / "b", files)
    assert labels(yelp.load("", path=path, full=True))["train/1"] == "5"
    with pytest.raises(errors.UserError, match="line 1: '5,great' is no class of 1 to"):
        yelp.load("", path=path)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ('"1","a"\n"x","b"\n', "train.csv line 2: 'x,b' is no class of 1 to 2"),
        ('"1","a"\n"2"\n', "train.csv line 2: '2' is no class"),
        ('"1","a"\n"2","b', "train.csv line 2: unexpected end"),
        (None, "has no train.csv"),
    ],
)
def test_a_bad_line_of_csv_is_named(tmp_path, text, cause):
    files = {"train.csv": text, "test.csv": '"1","bad"\n'}
    path = tree(tmp_path, {name: t for name, t in files.items() if t})
    with pytest.raises(errors.UserError, match=cause) as caught:
        yelp.load("", path=path)
    assert "\n" not in str(caught.value)


# every source


LONG = "word ☃ " * 150_000  # more than 1 MB


def test_texts_of_a_megabyte_come_whole(tmp_path):
    files = {
        "a": {"sci.space/1": message(LONG), "sci.med/1": message("x")},
        "b": {"train/pos/1.txt": LONG, "test/neg/1.txt": "x"},
        "c": {"train.csv": f'"1","{LONG}"\n', "test.csv": '"2","x"\n'},
    }
    paths = {name: tree(tmp_path / name, made) for name, made in files.items()}
    for table in (
        newsgroups20.load("", path=paths["a"]),
        imdb.load("", path=paths["b"]),
        yelp.load("", path=paths["c"]),
    ):
        assert max(map(len, table.values)) >= len(LONG.strip())
    (tmp_path / "m.csv").write_text(f'text,label\n"{LONG}",a\nx,b\n')
    assert csv.load(str(tmp_path / "m.csv")).values[0] == LONG
    lines = [{"text": LONG, "label": "a"}, {"text": "x", "label": "b"}]
    (tmp_path / "m.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert jsonl.load(str(tmp_path / "m.jsonl")).values[0] == LONG


def test_texts_with_several_labels_come_from_manifests(tmp_path):
    (tmp_path / "m.csv").write_text(
        'text,label,split\n"one\ntwo",a|b,train\nthree,b,test\n'
    )
    table = csv.load(str(tmp_path / "m.csv"))
    assert (table.kind, table.classes, table.multi_label) == ("text", ("a", "b"), True)
    np.testing.assert_array_equal(table.labels, [[1, 1], [0, 1]])
    assert table.values.tolist() == ["one\ntwo", "three"]


def test_half_a_pair_of_characters_is_a_bad_line(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_text('{"text": "x", "label": "a"}\n{"text": "\\ud83d", "label": "b"}\n')
    with pytest.raises(errors.UserError, match="line 2: broken character in text"):
        jsonl.load(str(path))


# the real files, with counts made by other means (tar, wc, cut, uniq)


@pytest.mark.realdata
def test_the_published_messages(shared):
    table = newsgroups20.load("", path=f"{shared}/data/newsgroups20")
    causes = [cause.partition(":")[0] for _, cause in table.skipped]
    assert (len(table), len(table.classes)) == (19310, 20)
    assert {cause: causes.count(cause) for cause in set(causes)} == {
        "repeated message": 531,
        "repeated body": 115,
        "no body": 41,
    }
    assert len(set(table.ids.tolist())) + len(table.skipped) == 19997


@pytest.mark.realdata
def test_the_published_messages_are_stripped_as_scikit_learn_does(shared):
    from sklearn.datasets import _twenty_newsgroups as theirs

    path = f"{shared}/data/newsgroups20/20_newsgroups.tar.gz"
    options = {"path": path, "repeated": "keep"}
    whole = by_id(newsgroups20.load("", remove=[], **options))
    every = ["headers", "footers", "quotes"]
    bare = by_id(newsgroups20.load("", remove=every, **options))
    assert len(whole) == 19997
    for name, text in whole.items():
        text = theirs.strip_newsgroup_header(text)
        text = theirs.strip_newsgroup_footer(text)
        text = theirs.strip_newsgroup_quoting(text)
        assert bare.get(name, text if not text.strip() else None) == text


@pytest.mark.realdata
def test_the_real_reviews_questions_and_sentences(shared):
    reviews = imdb.load("", path=f"{shared}/data/imdb")
    assert np.bincount(reviews.labels).tolist() == [5000, 5000]
    assert (reviews.splits == "train").sum() == 5000
    assert len(imdb.unlabelled(f"{shared}/data/imdb")) == 15000

    questions = trec.load("", path=f"{shared}/data/trec")
    train = questions.labels[questions.splits == "train"]
    # the line that begins with NUM:How has lost its class
    assert np.bincount(train).tolist() == [86, 1162, 1248, 1219, 834, 894]
    assert (questions.splits == "test").sum() == 499
    assert len(questions.skipped) == 1

    sentences = subjectivity.load("", path=f"{shared}/data/subjectivity")
    assert np.bincount(sentences.labels).tolist() == [5000, 5000]
    assert sentences.values[0].startswith("smart and alert , thirteen conversations")
