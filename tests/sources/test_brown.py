import zipfile

import pytest

from tltf import errors
from tltf.sources import brown


def packed(tmp_path, **files):
    path = tmp_path / "brown.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("brown/README", "no/nn sentence/nn")
        for name, text in files.items():
            out.writestr(f"brown/{name}", text)
    return str(path)


def test_words_and_parts_of_speech_are_parted_at_the_last_slash(tmp_path):
    text = (
        "\n\n\tThe/at Fulton/np-tl County's/nn$-tl 1/2/cd ./.\n\n\n\tI'm/ppss+bem ./.\n"
    )
    table = brown.load(path=packed(tmp_path, ca01=text, cb02="No/uh !/.\n"))
    assert table.form == "tokens"
    assert table.ids.tolist() == ["ca01:1", "ca01:2", "cb02:1"]
    assert table.values[0] == "The Fulton County's 1/2 ."
    assert table.label(0) == ["DET", "NOUN", "NOUN", "NUM", "PUNCT"]
    assert table.label(1) == ["PRON", "PUNCT"]
    assert set(table.splits) == {"all"}


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("--", "PUNCT"),
        ("---hl", "PUNCT"),
        ("*", "ADV"),
        ("*-hl", "ADV"),
        ("bez*", "VERB"),
        ("pp$$", "PRON"),
        ("fw-in+nn-tl", "X"),
        ("nn-tl-hl", "NOUN"),
        ("vb+ppo-nc", "VERB"),
        ("ppss-nc+bem-nc", "PRON"),
        ("''", "PUNCT"),
    ],
)
def test_marks_and_second_parts_of_a_tag_are_left_away(tmp_path, tag, expected):
    table = brown.load(path=packed(tmp_path, ca01=f"x/{tag}\n"))
    assert table.label(0) == [expected]


def test_a_token_without_a_known_tag_costs_its_sentence_only(tmp_path):
    table = brown.load(path=packed(tmp_path, cr09="a/at b\nc/qq\n/nn\nd/nn\n"))
    assert table.ids.tolist() == ["cr09:4"]
    assert [name for name, _ in table.skipped] == ["cr09:1", "cr09:2", "cr09:3"]
    assert "'b'" in table.skipped[0][1]


def test_an_archive_of_other_things_is_refused(tmp_path):
    with pytest.raises(errors.UserError, match="no files ca01 to cr09"):
        brown.load(path=packed(tmp_path, other="a/at"))


@pytest.mark.realdata
def test_the_corpus_has_its_published_size(shared):
    table = brown.load(path=f"{shared}/data/language_model/brown.zip")
    assert len(table) == 57340
    assert sum(map(len, table.labels)) == 1161192
    assert not table.skipped
