"""The status page in a real browser, on a real `modelctl up`."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from engine_kit import MODEL, Repo, Up, running

HOSTILE = "apps/linear: <img src=x onerror=alert(1)> \"quoted\" & 'more'"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the tests of this module share."""
    return tmp_path_factory.mktemp("browser")


@pytest.fixture(scope="module")
def repo(folder: Path) -> Repo:
    """A repository whose canary takes 30 %, by a hostile commit."""
    (folder / "repo").mkdir()
    found = Repo(folder / "repo")
    found.serve({"r1": 70, "r2": 30}).commit(HOSTILE, author="Mallory &amp; Sons <m@example.com>")
    return found


@pytest.fixture(scope="module")
def up(repo: Repo, folder: Path) -> Iterator[Up]:
    """A `modelctl up` with some traffic behind it."""
    with running(repo.root, folder / "state") as found:
        found.until_well()
        found.split(200)
        found.until(lambda s: s["models"][0]["releases"][0]["measured"]["share"])
        yield found


def address(up: Up, path: str = "/") -> str:
    """The address of a page."""
    return f"http://127.0.0.1:{up.page_port}{path}"


def test_overview(up: Up, page: Page) -> None:
    """The page shows model, sync, health, commit, weights in git and measured shares."""
    page.goto(address(up))
    card = page.locator(f"[data-model={MODEL}]")

    expect(card).to_contain_text("Healthy")
    expect(page.locator(".summary")).to_contain_text("Synced")
    row = card.locator("[data-release=r2]")
    expect(row).to_contain_text("canary")
    expect(row).to_contain_text("30 %")
    expect(row.get_by_role("img", name="r2 weight in git")).to_be_visible()
    expect(row.get_by_role("img", name="r2 share measured")).to_be_visible()


def test_bars_are_as_long_as_the_shares(up: Up, page: Page) -> None:
    """The bar of a weight of 30 % covers 30 % of its track."""
    page.goto(address(up))
    bar = page.get_by_role("img", name="r2 weight in git")
    whole, filled = (bar.locator(part).bounding_box() for part in (".track", ".fill"))

    assert whole is not None
    assert filled is not None
    assert 0.3 == pytest.approx(filled["width"] / whole["width"], abs=0.01)


def test_hostile_commit_is_text(up: Up, page: Page) -> None:
    """Subject and author of a commit appear as they were written, and do nothing."""
    page.goto(address(up))

    expect(page.locator(f"[data-model={MODEL}] .subject").first).to_have_text(HOSTILE)
    expect(page.locator(f"[data-model={MODEL}] .by").first).to_contain_text("Mallory &amp; Sons")
    assert 0 == page.locator("main img[src]").count()


def test_model_page(up: Up, page: Page) -> None:
    """The model's own page is one click away, with its events and commits."""
    page.goto(address(up))
    page.get_by_role("link", name=MODEL).click()

    expect(page.get_by_role("heading", level=1)).to_contain_text(MODEL)
    expect(page.locator(".events")).to_contain_text("weights now r1 70, r2 30")
    expect(page.locator(".commits")).to_contain_text("root: Begin")


def test_page_follows_without_reload(up: Up, repo: Repo, page: Page) -> None:
    """A commit appears on the page while one looks at it."""
    page.goto(address(up))
    page.evaluate("window.sameDocument = true")
    repo.serve({"r1": 60, "r2": 40}).commit("apps/linear: Send 40 % to r2")

    expect(page.locator("[data-release=r2]")).to_contain_text("40 %")
    assert page.evaluate("window.sameDocument") is True


def test_without_script(up: Up, browser: Browser) -> None:
    """Without JavaScript the page shows the same and reloads itself."""
    page = browser.new_page(java_script_enabled=False)
    page.goto(address(up))

    expect(page.locator(f"[data-model={MODEL}]")).to_contain_text("Healthy")
    assert 1 == page.locator("meta[http-equiv=refresh]").count()
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colour_schemes(up: Up, browser: Browser, scheme: str) -> None:
    """Text and ground differ enough to read in light and in dark."""
    page = browser.new_page(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(address(up))
    colours = page.evaluate(
        "[...'color,backgroundColor'.split(',')].map(c => getComputedStyle(document.body)[c])"
        ".map(c => c.match(/\\d+/g).slice(0, 3).map(Number).reduce((a, b) => a + b) / 765)"
    )
    page.close()

    assert abs(colours[0] - colours[1]) > 0.7
    assert (colours[1] > 0.5) is (scheme == "light")


def test_narrow_screen(up: Up, browser: Browser) -> None:
    """On a telephone nothing but the table itself scrolls sideways."""
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(address(up))
    width = page.evaluate("document.documentElement.scrollWidth")
    page.close()

    assert width <= 390


def test_command_says_the_same(up: Up) -> None:
    """`modelctl status` says the same as text and as JSON, and exits with 0 when all is well."""
    up.until_well()
    words = [sys.executable, "-m", "modelctl", "status", "--state", str(up.state)]
    text = subprocess.run(words, capture_output=True, text=True, check=False)
    values = subprocess.run([*words, "--format", "json"], capture_output=True, check=False)
    status = json.loads(values.stdout)

    assert (0, 0) == (text.returncode, values.returncode)
    assert f"{MODEL}  Synced  Healthy" in text.stdout
    assert status["running"] is True
    assert [MODEL] == [model["model"] for model in status["models"]]


def test_server_that_is_gone(repo: Repo, folder: Path, browser: Browser) -> None:
    """When `modelctl up` ends, an open page says that it is old."""
    page = browser.new_page()
    with running(repo.root, folder / "other") as up:
        page.goto(address(up))
        expect(page.locator("#stale")).to_be_hidden()

    expect(page.locator("#stale")).to_be_visible()
    page.close()
