"""The demo in a real browser: Debian's Chromium, driven by Playwright. `python -m pytest -m browser`."""

import io
import re
import shutil
import urllib.parse

import numpy as np
import PIL.Image
import pytest
from strokes import some_digits, strokes

pytestmark = pytest.mark.browser
TIMEOUT = 120_000  # milliseconds; machines that test are busy


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    assert path, "these tests need Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def visit(browser, demo_page):
    """Opens the page in a window of that width; at the end nothing may have left the loopback, nor anything failed."""
    address, _ = demo_page
    asked, failed, contexts = [], [], []

    def open_page(width=1200, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(TIMEOUT)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: failed.append(str(error)))
        page.goto(address)
        page.locator("#kc-draw canvas").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    hosts = {urllib.parse.urlsplit(url).hostname for url in asked if not url.startswith(("data:", "blob:"))}
    assert hosts == {"127.0.0.1"}
    assert not failed


def choose_tab(page, name):
    tab = page.get_by_role("tab", name=name, exact=True)
    if tab.count() and tab.first.is_visible():
        tab.first.click()
    else:  # a narrow window has the rest behind a button
        page.locator(".overflow-menu > button").click()
        page.locator(".overflow-dropdown button", has_text=name).click()


def choose_network(page, side, name):
    from playwright.sync_api import expect

    box = page.locator(f"#kc-{side} input")
    box.click()
    page.locator(f"#kc-{side}").get_by_role("option", name=name, exact=True).click()
    expect(box).to_have_value(name, timeout=TIMEOUT)


def remove_file(page):
    page.locator("#kc-file").get_by_role("button", name=re.compile("clear|remove", re.I)).first.click()
    page.locator("#kc-file").get_by_text("Click to Upload").wait_for()


def draw(page, lines):
    box = page.locator("#kc-draw canvas").bounding_box()

    def at(x, y):
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    for line in lines:
        page.mouse.move(*at(*line[0]))
        page.mouse.down()
        for point in line[1:]:
            page.mouse.move(*at(*point))
        page.mouse.up()


def answers(page, digit):
    for network in ("lenet5", "lecun1989"):
        page.locator(f"output[data-network={network}]", has_text=str(digit)).wait_for()


def test_strokes_of_real_digits_are_read(visit):
    page = visit()
    images, _ = some_digits(1)
    for digit in (3, 5):
        draw(page, strokes(images[digit]))
        answers(page, digit)
        assert page.locator(".kc-maps img").count() == 8
        page.get_by_role("button", name="Clear").click()
        page.get_by_text("Draw one of the digits").wait_for()


def test_a_digit_is_drawn_with_keys_alone(visit):
    page = visit()
    canvas = page.locator("#kc-draw canvas")
    canvas.focus()
    for key, times in (("ArrowUp", 8), (" ", 1), ("ArrowDown", 17)):
        for _ in range(times):
            page.keyboard.press(key)
    answers(page, 1)
    page.keyboard.press("Backspace")
    page.get_by_text("Draw one of the digits").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.do") == "undo"


def picture(name="digit.png"):
    file = io.BytesIO()
    PIL.Image.fromarray(some_digits(1)[0][7]).save(file, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": file.getvalue()}


def test_pictures_good_and_bad(visit):
    page = visit()
    choose_tab(page, "Photograph")
    page.get_by_role("button", name="Classify").click()
    page.locator("#kc-first-answer .kc-alert", has_text="choose one").wait_for()
    page.set_input_files(
        "#kc-file input[type=file]", {"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"}
    )
    alert = page.locator("#kc-first-answer .kc-alert", has_text="no image")
    alert.wait_for()
    assert "/" not in alert.inner_text()
    remove_file(page)
    for side, network in (("first", "lenet5-mnist"), ("second", "lecun1989-mnist")):
        choose_network(page, side, network)
    page.set_input_files("#kc-file input[type=file]", picture())
    for side in ("first", "second"):
        page.locator(f"#kc-{side}-answer output", has_text="7").wait_for()
        page.locator(f"#kc-{side}-heat img").wait_for()
        assert re.search(r"\d m?s for the picture", page.locator(f"#kc-{side}-answer").inner_text())
    remove_file(page)
    large = {"name": "b.png", "mimeType": "image/png", "buffer": bytes(21 * 2**20)}
    page.set_input_files("#kc-file input[type=file]", large)
    page.get_by_text(re.compile("exceed|too large|maximum", re.I)).first.wait_for()


def test_the_score_counts_by_keyboard(visit):
    page = visit()
    choose_tab(page, "Contest")
    page.locator("#kc-asked img").wait_for()
    for seen in (1, 2):
        page.locator("#kc-guess input").focus()
        page.keyboard.type("4")
        page.keyboard.press("Enter")
        page.locator("#kc-examples figcaption", has_text="Examples of 4").wait_for()
        page.locator("#kc-answer").focus()
        page.keyboard.press("Enter")
        rows = page.locator("#kc-scores tr")
        rows.nth(1).get_by_text(f"of {seen}").wait_for()
        assert re.search(rf"\d of {seen}", rows.nth(2).inner_text())
        page.locator(".kc-verdict", has_text="You: 4").wait_for()
    page.get_by_role("button", name="Answer").click()
    page.locator("#kc-last .kc-alert", has_text="Name a class first").wait_for()
    other = visit()  # another visitor begins anew
    choose_tab(other, "Contest")
    other.locator("#kc-scores", has_text="0 of 0").wait_for()


def test_the_zoo_tells_filters_and_opens(visit):
    page = visit()
    choose_tab(page, "Zoo")
    page.locator("circle[data-name=resnet50]").hover(force=True)
    page.locator(".kc-tip", has_text="resnet50, 2015: 77.15% right").wait_for()
    page.locator("#kc-words textarea, #kc-words input").fill("shufflenet_v2")
    page.wait_for_function("document.querySelectorAll('circle[data-name]').length === 4")
    assert page.locator("#kc-table button").all_inner_texts()[0] == "shufflenet_v2_x2_0"
    page.locator("circle[data-name=shufflenet_v2_x0_5]").focus()
    page.keyboard.press("Enter")
    page.locator("#kc-stages h3", has_text="shufflenet_v2_x0_5").wait_for()
    assert "112x112x24" in page.locator("#kc-stages").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(visit, scheme):
    page = visit(360, color_scheme=scheme)
    draw(page, [[(0.5, 0.2), (0.5, 0.8)]])
    answers(page, 1)
    for tab in ("Digit", "Photograph", "Contest", "Zoo"):
        choose_tab(page, tab)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, tab
    assert np.isfinite(page.locator("#kc-chart svg").bounding_box()["height"])
