import html.parser
import re
import sys

import made_runs
import numpy as np
import pytest

from tltf import errors, specs
from tltf.analysis import gallery, report, sections
from tltf.ops import calibrate

LABELS = ("ants & <bees>", "b", "c")


def run_folder(workdir, *, several=False, history=True, names=LABELS):
    files = made_runs.draw(workdir / "images", 12)
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(12, len(names))) * 3
    squash = calibrate.sigmoid if several else calibrate.softmax
    rows = []
    for number, given in enumerate(squash(logits)):
        label = names[number % len(names)]
        answer = names[int(given.argmax())]
        cut = [name for name, p in zip(names, given, strict=True) if p >= 0.5]
        rows.append(
            {
                "id": f"images/{number}",
                "label": [label] if several else label,
                "answer": cut if several else answer,
                "probabilities": given.tolist(),
                "file": str(files[number]) if number else "/gone/away.jpg",
            }
        )
    choices = {"temperature": 1.5}
    if several:
        choices["thresholds"] = [0.5] * len(names)
    recipe = specs.Recipe(method="freeze", data=specs.Data(source="folder:x"))
    recipe = recipe.model_copy(update={"image": specs.Image(side=32)})
    made_runs.write(workdir, recipe, rows, choices, labels=names)
    if history:
        (workdir / "history.csv").write_text(
            "stage,epoch,loss,valid_loss,valid_accuracy,seconds\n"
            "1,1,1.5,1.6,0.4,3.0\n1,2,1.1,1.4,0.5,3.0\n2,1,0.9,1.2,0.6,5\n"
        )
    return rows


class Page(html.parser.HTMLParser):
    """Collects what a page asks for, its text, and tags left open."""

    def __init__(self, text):
        super().__init__()
        self.links, self.words, self.images, self.ids, self.open = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.links += [attrs[k] for k in ("src", "href", "xlink:href") if k in attrs]
        if tag == "img":
            self.images.append(attrs)
        if "id" in attrs:
            self.ids.append(attrs["id"])
        if tag not in ("meta", "link", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.links += [v for k, v in attrs if k in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("run")
    rows = run_folder(workdir)
    path = report.write(workdir, ["valid"])
    assert path == workdir / "report/index.html"
    return path.read_text(), Page(path.read_text()), rows


def test_page_asks_for_nothing_outside_itself(page):
    text, parsed, _ = page
    outside = [x for x in parsed.links if not re.match(r"#|data:image/jpeg|data:,", x)]
    assert outside == []
    assert not re.search(r"@import|url\((?!#)", text)


def test_page_is_well_formed_with_every_id_once(page):
    _, parsed, _ = page
    assert parsed.open == []
    assert len(parsed.ids) == len(set(parsed.ids)) > 5


def test_page_of_two_splits_has_every_id_once_and_test_first(tmp_path):
    run_folder(tmp_path)
    path = tmp_path / "answers_valid.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    (tmp_path / "answers_test.jsonl").write_text("".join(lines[2:]))
    parsed = Page(report.write(tmp_path, ["valid", "test"]).read_text())
    assert len(parsed.ids) == len(set(parsed.ids))
    assert parsed.ids.index("test") < parsed.ids.index("valid")


def test_page_shows_accuracy_with_its_interval(page):
    _, parsed, rows = page
    text = " ".join(" ".join(parsed.words).split())
    accuracy = np.mean([row["label"] == row["answer"] for row in rows])
    assert f"Accuracy {100 * accuracy:.1f} %" in text
    assert "95 % interval" in text


def test_every_picture_has_words_and_every_label_is_escaped(page):
    text, parsed, _ = page
    assert len(parsed.images) == 11
    assert all(image["alt"] for image in parsed.images)
    assert text.count('role="img"') == text.count("<svg ") == 5
    assert "<bees>" not in text
    assert "ants &amp; &lt;bees&gt;" in text


def test_missing_file_is_said_and_does_not_stop_the_page(page):
    assert "the file is gone" in page[0]


def test_confusion_table_holds_the_counts(page):
    text, _, rows = page
    table = text[text.index('class="matrix"') :]
    table = table[: table.index("</table>")]
    got = [int(n) for n in re.findall(r"<b[^>]*>(\d+)</b>", table)]
    expected = np.zeros((3, 3), int)
    for row in rows:
        expected[LABELS.index(row["label"]), LABELS.index(row["answer"])] += 1
    assert got == expected.ravel().tolist()


def test_multi_label_run_shows_thresholds_and_no_confusion(tmp_path):
    run_folder(tmp_path, several=True)
    text = report.write(tmp_path, ["valid"]).read_text()
    assert "threshold" in text
    assert "Mean average precision" in text
    assert 'class="matrix"' not in text


def test_run_without_epochs_says_so(tmp_path):
    run_folder(tmp_path, history=False)
    assert "there are no epochs" in report.write(tmp_path, ["valid"]).read_text()


def test_very_many_classes_get_a_heat_map(tmp_path):
    run_folder(tmp_path, names=tuple(f"class {k}" for k in range(30)))
    text = report.write(tmp_path, ["valid"]).read_text()
    assert "Confusion of 30 classes" in text
    assert 'class="matrix"' not in text


def test_split_that_was_not_evaluated_is_named(tmp_path):
    run_folder(tmp_path)
    with pytest.raises(errors.UserError, match=r"answers_test\.jsonl is missing"):
        report.write(tmp_path, ["valid", "test"])


def test_missing_plots_package_is_named_with_its_remedy(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(errors.UserError, match=r'pip install "tltf\[report\]"'):
        report.write(tmp_path, ["valid"])


def test_thumbnail_is_upright_and_small():
    import base64
    import io

    import PIL.Image

    image = PIL.Image.new("RGB", (400, 200), "red")
    exif = image.getexif()
    exif[0x0112] = 6  # turned by a quarter
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=exif)
    buffer.seek(0)
    data = gallery.thumbnail(buffer)
    shown = PIL.Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2])))
    assert shown.size == (gallery.SIDE // 2, gallery.SIDE)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.42, "0.4 s"), (75, "75 s"), (720, "12 min"), (11160, "3.1 h")],
)
def test_time_is_given_as_people_read_it(seconds, words):
    assert sections.duration(seconds) == words
