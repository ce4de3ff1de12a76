"""The demo page in a real browser, where there is one."""

import json
import re
import shutil

import pytest
import tiny_models

pytest.importorskip("starlette")
pytest.importorskip("selenium")

from selenium import webdriver
from selenium.webdriver.common import by, keys
from selenium.webdriver.support import select, wait

from tltf.serving import page

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
in_browser = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="no chromium with chromedriver on this machine"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("page")
    tiny_models.save_shades(root / "shades" / "1")
    tiny_models.save(root / "numbers" / "1")
    tiny_models.save(root / "numbers" / "2", shift=100)
    (root / "numbers" / "models.config").write_text(
        'model_config_list { config { name: "numbers" model_version_policy { all {} } '
        'version_labels { key: "stable" value: 1 } } }'
    )
    with tiny_models.served(root, "--ui") as found:
        yield found


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in ("headless=new", "no-sandbox", "disable-dev-shm-usage"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, server):
    """The page at the width of a phone, with the models listed."""
    size = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(server.rest + "/")
    until(browser, lambda: browser.find_elements(by.By.CSS_SELECTOR, "#version option"))
    return browser


def until(browser, found):
    return wait.WebDriverWait(browser, 20).until(lambda _: found())


def choose(browser, name, text):
    select.Select(browser.find_element(by.By.ID, name)).select_by_visible_text(text)


def drop(browser, path):
    browser.find_element(by.By.CSS_SELECTOR, "input[type=file]").send_keys(str(path))


def shown(browser, css):
    return [one.text for one in browser.find_elements(by.By.CSS_SELECTOR, css)]


@in_browser
def test_uploaded_image_is_answered_with_bars(opened, tmp_path):
    picture = tmp_path / "light.png"
    picture.write_bytes(tiny_models.picture(204))
    choose(opened, "model", "shades")
    assert shown(opened, "#about") == ["Tells shades of cloth."]
    drop(opened, picture)
    until(opened, lambda: shown(opened, ".best") == ["light"])
    assert shown(opened, "tbody th") == ["light", "dark"]
    assert shown(opened, "td.number") == ["80.0 %", "20.0 %"]
    meters = opened.find_elements(by.By.TAG_NAME, "meter")
    assert [round(float(m.get_attribute("value")), 3) for m in meters] == [0.8, 0.2]


@in_browser
def test_file_that_is_no_image_shows_why_and_the_next_is_answered(opened, tmp_path):
    words, picture = tmp_path / "words.png", tmp_path / "dark.png"
    words.write_text("only words")
    picture.write_bytes(tiny_models.picture(0))
    choose(opened, "model", "shades")
    drop(opened, words)
    until(opened, lambda: "Unknown image file format" in shown(opened, "#error")[0])
    assert shown(opened, "#answer") == [""]
    drop(opened, picture)
    until(opened, lambda: shown(opened, ".best") == ["dark"])
    assert shown(opened, "#error") == [""]


@in_browser
def test_text_is_answered_by_the_version_chosen(opened):
    choose(opened, "model", "numbers")
    choose(opened, "version", "1 (stable)")
    opened.find_element(by.By.CSS_SELECTOR, "textarea").send_keys("-3")
    opened.find_element(by.By.ID, "ask").click()
    until(opened, lambda: shown(opened, ".best") == ["minus"])
    choose(opened, "version", "2")
    opened.find_element(by.By.CSS_SELECTOR, "textarea").send_keys("-3")
    opened.find_element(by.By.ID, "ask").click()
    until(opened, lambda: shown(opened, ".best") == ["plus"])


@in_browser
def test_missing_input_is_told_without_a_request(opened):
    choose(opened, "model", "numbers")
    opened.find_element(by.By.ID, "ask").click()
    until(opened, lambda: shown(opened, "#error") == ["Fill in text first."])


@in_browser
def test_all_can_be_done_from_the_keyboard(opened):
    choose(opened, "model", "numbers")
    order = []
    body = opened.find_element(by.By.TAG_NAME, "body")
    body.send_keys(keys.Keys.TAB)
    for _ in range(4):
        order.append(opened.switch_to.active_element.get_attribute("id"))
        opened.switch_to.active_element.send_keys(keys.Keys.TAB)
    assert order == ["model", "version", "input-text", "ask"]
    opened.find_element(by.By.ID, "input-text").send_keys("7", keys.Keys.TAB)
    opened.switch_to.active_element.send_keys(keys.Keys.ENTER)
    until(opened, lambda: shown(opened, ".best") == ["plus"])


@in_browser
@pytest.mark.parametrize("model", ["shades", "numbers"])
def test_everything_that_takes_focus_has_a_name(model, opened):
    choose(opened, "model", model)
    nodes = opened.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    found = {}
    for node in nodes:
        flags = {
            one["name"]: one["value"].get("value") for one in node.get("properties", [])
        }
        if flags.get("focusable") and node["role"]["value"] != "RootWebArea":
            found[node["name"]["value"]] = node["role"]["value"]
    field = "Text" if model == "numbers" else "Drop an image here, or choose one"
    assert {"Model", "Version", "Ask", field} <= found.keys()
    assert "" not in found


@in_browser
def test_phone_does_not_scroll_sideways(opened):
    choose(opened, "model", "numbers")
    opened.find_element(by.By.CSS_SELECTOR, "textarea").send_keys("9" * 300)
    opened.find_element(by.By.ID, "ask").click()
    until(opened, lambda: shown(opened, "tbody th") or shown(opened, "#error")[0])
    wide = opened.execute_script("return document.documentElement.scrollWidth")
    assert wide <= 360


@in_browser
def test_nothing_is_asked_of_others(opened, server, tmp_path):
    opened.get_log("performance")
    opened.refresh()
    until(opened, lambda: opened.find_elements(by.By.CSS_SELECTOR, "#version option"))
    picture = tmp_path / "light.png"
    picture.write_bytes(tiny_models.picture(204))
    choose(opened, "model", "shades")
    drop(opened, picture)
    until(opened, lambda: shown(opened, ".best") == ["light"])
    asked = []
    for entry in opened.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.append(message["params"]["request"]["url"])
    assert any(url.endswith(":predict") for url in asked)
    allowed = (server.rest, "data:", f"blob:{server.rest}")
    assert [url for url in asked if not url.startswith(allowed)] == []


def light(color: str) -> float:
    """Relative luminance of WCAG 2.2 of a colour such as #0b5cad."""
    parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("front", "back", "least"),
    [
        ("text", "ground", 4.5),
        ("quiet", "ground", 4.5),
        ("text", "panel", 4.5),
        ("wrong", "ground", 4.5),
        ("on-accent", "accent", 4.5),
        ("line", "ground", 3),
        ("accent", "ground", 3),
    ],
)
def test_contrast_is_that_of_wcag(scheme, front, back, least):
    text = (page.FILES / "page.css").read_text()
    colors = re.findall(r"--([\w-]+): (#\w{6})", text)
    half = len(colors) // 2
    found = dict(colors[scheme * half : (scheme + 1) * half])
    high, low = sorted((light(found[front]), light(found[back])), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= least
