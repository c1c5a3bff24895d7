"""The page in Debian's chromium, which hears a recording as its microphone. Skipped where there is no chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from .chrome import chromium, needs_chromium
from .served import GRAMMAR, Served, clip, running, start

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    path = tmp_path_factory.mktemp("grammar") / "words.yaml"
    path.write_text(GRAMMAR)
    with running(path) as server:
        yield server


@pytest.fixture(scope="module")
def browser(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """On the page, with two words on the microphone."""
    folder = tmp_path_factory.mktemp("browser")
    with chromium(folder, clip("left", 1.5) + clip("forward", 1.5), "--window-size=1280,1000") as driver:
        driver.get(f"http://127.0.0.1:{served.http}/")
        yield driver


def wait(browser: webdriver.Chrome, condition: Any, seconds: float = 30) -> Any:
    return WebDriverWait(browser, seconds, 0.1).until(lambda _: condition())


def text(browser: webdriver.Chrome, selector: str) -> str:
    return browser.find_element(By.CSS_SELECTOR, selector).text


def texts(browser: webdriver.Chrome, selector: str) -> list[str]:
    return [element.text for element in browser.find_elements(By.CSS_SELECTOR, selector)]


def edit(browser: webdriver.Chrome, grammar: str) -> None:
    editor = browser.find_element(By.ID, "editor")
    editor.clear()
    editor.send_keys(grammar)


def picture(browser: webdriver.Chrome, path: Path, theme: str, width: int, height: int) -> bytes:
    """A screenshot in that theme and at that size."""
    browser.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    WebDriverWait(browser, 5, 0.1).until(lambda _: browser.execute_script("return innerWidth") == width)
    png = browser.get_screenshot_as_png()
    path.write_bytes(png)
    return png


def test_it_hears_the_microphone(browser: webdriver.Chrome, tmp_path: Path) -> None:
    wait(browser, lambda: "words, compiled in" in text(browser, "#verdict"))
    button = browser.find_element(By.ID, "listen")
    button.send_keys(Keys.SPACE)  # by keyboard
    wait(browser, lambda: {"left", "forward"} <= set(texts(browser, "#commands .command .text")))
    assert button.get_attribute("aria-pressed") == "true" and "Stop" in (button.accessible_name or "")
    card = next(card for card in browser.find_elements(By.CSS_SELECTOR, "#commands .command") if "left" in card.text)
    assert [chip.text for chip in card.find_elements(By.CSS_SELECTOR, ".chip")] == ["Go", "direction left"]
    assert card.find_element(By.CSS_SELECTOR, ".score").text.endswith("%")
    assert text(browser, "#delay").endswith("ms") and text(browser, "#cpu").endswith("ms")
    drawn = "const c = arguments[0]; return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(x => x)"
    for canvas in ("wave", "phones"):
        assert browser.execute_script(drawn, browser.find_element(By.ID, canvas))
    pictures = {
        picture(browser, tmp_path / f"{theme}-{width}.png", theme, width, height)
        for theme in ("light", "dark")
        for width, height in ((1280, 1000), (390, 844))
    }
    assert len(pictures) == 4
    for width in (390, 1280):  # nothing sticks out to the side
        picture(browser, tmp_path / "again.png", "light", width, 1000)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_the_grammar_is_compiled_as_it_is_typed(browser: webdriver.Chrome) -> None:
    edit(browser, "Say: left\nSay: (forward\nSay: right")
    wait(browser, lambda: "1 problem" in text(browser, "#verdict"))
    assert texts(browser, "#problems li")[0].startswith("Line 2:")
    assert texts(browser, "#lines .bad") == ["2"]
    assert browser.find_element(By.ID, "editor").get_attribute("aria-invalid") == "true"
    browser.find_element(By.CSS_SELECTOR, "#problems button").click()
    chosen = "const e = document.activeElement; return e.value.slice(e.selectionStart, e.selectionEnd)"
    assert browser.execute_script(chosen) == "Say: (forward"
    browser.find_element(By.ID, "clear").click()
    edit(browser, "Say: left\nSay: forward")
    wait(browser, lambda: "2 words, compiled in" in text(browser, "#verdict"))
    wait(browser, lambda: texts(browser, "#commands .command .intent")[:1] == ["Say"])  # while it listens
    assert not texts(browser, "#problems li")


def test_every_example_compiles(browser: webdriver.Chrome) -> None:
    options = browser.find_elements(By.CSS_SELECTOR, "#examples option")
    assert len(options) >= 6
    for option in options[1:]:
        before = text(browser, "#verdict")
        option.click()
        wait(browser, lambda before=before: text(browser, "#verdict") != before)
        assert "compiled" in text(browser, "#verdict"), option.text


def test_it_stops_and_nothing_went_wrong(browser: webdriver.Chrome, served: Served) -> None:
    browser.find_element(By.ID, "listen").click()
    assert "Stopped" in text(browser, "#status") and text(browser, "#state") == "off"
    try:
        entries = browser.get_log("browser")
    except WebDriverException:
        entries = []
    severe = [entry["message"] for entry in entries if entry["level"] == "SEVERE" and "422" not in entry["message"]]
    assert not severe
    loaded = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert loaded and all(name.startswith(f"http://127.0.0.1:{served.http}/") for name in loaded)


def test_a_recording_is_played(browser: webdriver.Chrome, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "right.wav", np.frombuffer(clip("right"), "<i2"), 16000)
    edit(browser, "Say: (left|right)")
    wait(browser, lambda: "2 words, compiled in" in text(browser, "#verdict"))
    browser.find_element(By.ID, "clear").click()
    browser.find_element(By.ID, "file").send_keys(str(tmp_path / "right.wav"))
    wait(browser, lambda: "The recording is over." in text(browser, "#status"))
    assert texts(browser, "#commands .command .text") == ["right"]


def test_a_killed_server_loses_nothing_of_a_recording(browser: webdriver.Chrome, tmp_path: Path) -> None:
    words = ["left", "forward", "right"]
    soundfile.write(tmp_path / "words.wav", np.frombuffer(b"".join(clip(word, 1.5) for word in words), "<i2"), 16000)
    grammar = tmp_path / "words.yaml"
    grammar.write_text(GRAMMAR)
    first = start(grammar)
    browser.get(f"http://127.0.0.1:{first.http}/")
    wait(browser, lambda: "words, compiled in" in text(browser, "#verdict"))
    browser.find_element(By.ID, "file").send_keys(str(tmp_path / "words.wav"))
    wait(browser, lambda: texts(browser, "#commands .command .text") == ["left"])
    first.process.kill()
    first.process.wait()
    wait(browser, lambda: "Not connected" in text(browser, "#status"))
    second = start(grammar, "--http", f"127.0.0.1:{first.http}")
    try:
        wait(browser, lambda: "The recording is over." in text(browser, "#status"))
        assert texts(browser, "#commands .command .text") == words[::-1]
    finally:
        assert second.stop()[0] == 0
