"""The status pages of 60 models in a real browser: what people look for is what they find."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect

from modelctl.status.values import Health
from status_fleet import Fleet, fleet, served
from status_kit import release
from waiting import until

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}
MODELS = "tbody[data-model]"


@pytest.fixture
def shown() -> Fleet:
    """60 models of which six are not as they should be."""
    return fleet()


@pytest.fixture
def address(shown: Fleet) -> Iterator[str]:
    """Where their pages are."""
    with served(shown) as found:
        yield found


def test_broken_first(address: str, page: Page) -> None:
    """What is broken stands first, inside the first screen, with why and what to do."""
    page.goto(address)
    names = page.locator(MODELS).evaluate_all("all => all.map(one => one.dataset.model)")

    assert [
        "digits-41",
        "weather-23",
        "ranking-52",
        "prices-11",
        "speech-37",
        "vision-30",
    ] == names[:6]
    assert 60 == len(names)
    first = page.locator(MODELS).first
    expect(first).to_be_in_viewport()
    expect(first).to_contain_text("ArtifactDigestMismatch")
    expect(first.locator("code", has_text="modelctl logs digits-41 r2")).to_be_visible()


def test_search_by_keyboard(address: str, page: Page) -> None:
    """`/` goes to the search, typing finds, Enter opens the first, Escape shows all again."""
    page.goto(address)
    page.keyboard.press("/")
    page.keyboard.type("vision pr")
    expect(page.locator("#nothing")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(f"{MODELS}:visible")).to_have_count(60)
    page.keyboard.press("/")
    page.keyboard.type("VISION")

    expect(page.locator(f"{MODELS}:visible")).to_have_count(7)
    expect(page.locator("#found")).to_have_text("7 of 60 models")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("vision-")


def test_search_stays_while_the_page_changes(address: str, shown: Fleet, page: Page) -> None:
    """What was typed, and what it has found, stays when the engine tells something new."""
    page.goto(address)
    page.get_by_role("searchbox").fill("churn-16")
    one = next(m for m in shown.status.models if m.model == "churn-16")
    shown.put(replace(one, health=Health.DEGRADED, health_reason="r1: exit code 9"))

    expect(page.locator(f"{MODELS}:visible")).to_have_count(1)
    expect(page.locator("[data-model=churn-16]")).to_contain_text("exit code 9")
    expect(page.locator(f"{MODELS}:visible")).to_have_count(1)
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_only_what_changed_is_touched(address: str, shown: Fleet, page: Page) -> None:
    """A row that has not changed stays the same element; one that broke moves to the top."""
    page.goto(address)
    page.evaluate("document.querySelector('[data-model=churn-16]').mine = true")
    one = next(m for m in shown.status.models if m.model == "weather-55")
    shown.put(replace(one, health=Health.DEGRADED, health_reason="r1: exit code 9"))

    expect(page.locator(MODELS).nth(1)).to_have_attribute("data-model", "weather-23")
    expect(page.locator(MODELS).nth(2)).to_have_attribute("data-model", "weather-55")
    assert page.evaluate("document.querySelector('[data-model=churn-16]').mine") is True


def test_focus_stays(address: str, shown: Fleet, page: Page) -> None:
    """The link that has the keyboard's focus keeps it while rows above it come and go."""
    page.goto(address)
    link = page.get_by_role("link", name="churn-16", exact=True)
    link.focus()
    shown.status = replace(shown.status, models=shown.status.models[1:])

    expect(page.locator(MODELS)).to_have_count(59)
    expect(link).to_be_focused()


def test_nobody_looks(address: str, shown: Fleet, browser: Browser) -> None:
    """Once the last page is closed there is no stream any more, and nothing is asked."""
    page = browser.new_page()
    page.goto(address)
    until(lambda: shown.live and shown.live.open)
    page.close()

    assert 0 == until(lambda: shown.live and shown.live.open, lambda count: count == 0)


@pytest.mark.parametrize("path", ["/", "/models/churn-00"])
def test_phone(address: str, browser: Browser, path: str) -> None:
    """On a telephone nothing scrolls sideways, and weights and shares are in view."""
    page = browser.new_page(viewport=PHONE)  # type: ignore[arg-type]
    page.goto(address + path)
    width = page.evaluate("document.documentElement.scrollWidth")
    boxes = [
        page.get_by_role("img", name=re.compile(f"r2 {words}")).first.bounding_box()
        for words in ("weight in git", "share measured" if path != "/" else "weight in git")
    ]
    page.close()

    assert width <= 390
    assert all(box and box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes)


def test_page_of_a_model(address: str, page: Page) -> None:
    """A model's page has its releases, the last hour, a line to ask it, log and commits."""
    page.goto(f"{address}/models/churn-00")
    card = page.get_by_role("region", name="release r1")

    for words in (
        "90 %",
        "client errors",
        "server errors",
        "84 MB",
        "c" * 64,
        "@sha256:eee",
        "age",
    ):
        expect(card).to_contain_text(words)
    for name in ("Requests", "Latency, p50", "Latency, p99", "Errors"):
        chart = page.get_by_role("img", name=f"{name} over the last hour")
        assert (chart.bounding_box() or {"height": 0})["height"] > 80
    expect(page.locator("#curl")).to_contain_text("curl -s -H 'content-type: application/json'")
    expect(page.locator(".contract")).to_contain_text("[any, 1]")
    expect(page.locator(".log")).to_contain_text("request code=200")
    expect(page.locator(".commits a").first).to_have_attribute(
        "href", f"https://git.example.com/team/models/commit/{'0' * 40}"
    )


def test_log_begins_at_its_end(address: str, page: Page) -> None:
    """The newest line of the log is in view, and can be scrolled away from by keyboard."""
    page.goto(f"{address}/models/churn-00")

    expect(page.locator(".log li").last).to_be_visible()
    assert page.evaluate(
        "(l => l.scrollTop + l.clientHeight >= l.scrollHeight - 4)(document.querySelector('.log'))"
    )
    assert "0" == page.locator(".log").get_attribute("tabindex")


def test_copy(address: str, browser: Browser) -> None:
    """The line for a shell is copied by a button, whole."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{address}/models/churn-00")
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("[data-done]")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    told = page.locator("#curl").text_content()
    context.close()

    assert told == copied


def test_model_that_is_gone(address: str, shown: Fleet, page: Page) -> None:
    """The page of a model that was removed says so while one looks at it."""
    page.goto(f"{address}/models/churn-00")
    shown.status = replace(shown.status, models=shown.status.models[1:])

    expect(page.get_by_role("heading", level=1)).to_have_text("No such model")


def test_names_of_everything(address: str, page: Page) -> None:
    """Rows, cells, pictures and fields have roles and names for those who cannot see them."""
    page.goto(address)

    expect(page.get_by_role("searchbox", name="Find a model by name or state")).to_be_visible()
    expect(page.get_by_role("table", name="Models, those that are broken first")).to_be_visible()
    assert 0 == page.locator("svg:not([role=img][aria-label])").count()
    assert 1 == page.get_by_role("heading", level=1).count()
    assert 60 <= page.get_by_role("rowheader").count()


def test_text_can_be_read(address: str, browser: Browser) -> None:
    """In light and in dark every text differs enough from its ground: WCAG's 4.5 to 1."""
    found: dict[str, list[str]] = {}
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)  # type: ignore[arg-type]
        for path in ("/", "/models/digits-41"):
            page.goto(address + path)
            found[scheme + path] = page.evaluate(_FAINT)
        page.close()

    assert {} == {where: texts[:5] for where, texts in found.items() if texts}


# The texts whose colour has a contrast of less than 4.5 to the nearest ground that is painted.
_FAINT = """() => {
  const parts = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => parts(c).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = node => {
    for (; node; node = node.parentElement) {
      const c = getComputedStyle(node).backgroundColor;
      if ((parts(c)[3] ?? 1) > 0.5) return c;
    }
    return "rgb(255, 255, 255)";
  };
  const texts = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode());) {
    const box = node.parentElement;
    if (!node.nodeValue.trim() || !box.checkVisibility()) continue;
    const [one, other] = [light(getComputedStyle(box).color), light(ground(box))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) texts.push(`${node.nodeValue.trim()} ${contrast.toFixed(1)}`);
  }
  return [...new Set(texts)];
}"""


def test_too_many_pages(address: str, browser: Browser) -> None:
    """A page that finds no room for its stream says that it is old rather than to pretend."""
    page = browser.new_page()
    page.route(re.compile(r"/live(\?|$)"), lambda route: route.fulfill(status=503, body="too many"))
    page.goto(address)

    expect(page.locator("#stale")).to_be_visible()
    page.close()


def test_release_that_comes(address: str, shown: Fleet, page: Page) -> None:
    """A release that is introduced appears on the model's page while one looks at it."""
    page.goto(f"{address}/models/digits-01")
    one = next(m for m in shown.status.models if m.model == "digits-01")
    shown.put(replace(one, releases=(*one.releases, release("r9", role="canary", weight=0.0))))

    expect(page.get_by_role("region", name="release r9")).to_be_visible()
