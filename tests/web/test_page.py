"""The page and the module in headless Chromium, under a strict Content-Security-Policy."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.measuring.browser.chromium import Chromium
from benchmarks.measuring.browser.server import Server, serve
from edgetext import Classifier

PHONE = {"width": 360, "height": 740, "deviceScaleFactor": 2, "isMobile": True, "hasTouch": True}
DESKTOP = {"width": 1280, "height": 800}
LABEL = 'document.getElementById("label").textContent'
PROBLEM = 'document.getElementById("problem").textContent'
ABOUT = 'document.getElementById("about").textContent'


@pytest.fixture
def page(chromium: Chromium, server: Server) -> Iterator[Chromium]:
    """The page, when it has answered; nothing may be written to the console, refusals by the policy included."""
    chromium.ask("open", f"{server.url}/", DESKTOP)
    chromium.ask("wait", LABEL)
    yield chromium
    assert chromium.ask("complaints") == []


def clear(page: Chromium) -> None:
    page.evaluate('document.getElementById("text").select()')
    page.ask("press", "Backspace")


def shown(page: Chromium, name: str) -> str:
    text: str = page.evaluate(f'document.getElementById("{name}").innerText')
    return text


def test_type_and_read_the_answer(page: Chromium) -> None:
    clear(page)
    for text in ("great movie", ", but a terrible waste of two hours"):
        page.ask("type", "#text", text)
        typed = page.evaluate('document.getElementById("text").value')
        expected = Classifier.load(engine="builtin").classify(typed)
        assert shown(page, "label") == expected.label
        assert shown(page, "score") == f"{100 * expected.score:.1f}".removesuffix(".0") + "%"
        assert [line.split("\n")[0] for line in shown(page, "labels").split("%\n")] == [
            label for label, _ in expected.top(2)
        ]
    assert typed == "great movie, but a terrible waste of two hours"
    assert shown(page, "marked") == typed
    assert shown(page, "strongest").split("\n")[0].startswith("waste of")
    clear(page)
    page.ask("type", "#text", "great movie")
    assert shown(page, "strongest").split()[-5:] == ["great", "(at", "the", "beginning)", "+0.18"]


def test_equal_words_are_one_line(page: Chromium) -> None:
    clear(page)
    page.ask("type", "#text", "Dull, a dull, dull film")
    cells = page.evaluate('[...document.querySelectorAll("#strongest td")].map((cell) => cell.textContent)')
    lines = dict(zip(cells[::2], cells[1::2]))
    explanation = Classifier.load(engine="builtin").explain("Dull, a dull, dull film")
    effects = [part.effect for part in explanation.parts if part.kind == "word" and part.text.lower() == "dull"]
    assert len(effects) == 3
    assert lines["Dull ×3"] == f"{sum(effects):+.2f}"
    assert not {"Dull", "dull"} & lines.keys()


@pytest.mark.parametrize("text", ["zzqx qqzx", "...", ""])
def test_text_without_known_words(text: str, page: Chromium) -> None:
    clear(page)
    page.ask("type", "#text", text)
    assert shown(page, "known") == "Known words: 0%"
    assert "knows no word" in shown(page, "no-effects")
    assert page.evaluate('document.getElementById("effects").hidden')


def test_text_without_effects(page: Chromium) -> None:
    """Its words are known."""
    clear(page)
    page.ask("type", "#text", "with")
    assert shown(page, "known") == "Known words: 100%"
    assert shown(page, "no-effects") == "No word of this text has an effect of 0.01 or more."


def test_nothing_is_rounded_to_certainty(page: Chromium) -> None:
    clear(page)
    page.ask("type", "#text", "a waste of time, a waste of money, awful, the worst, terrible, boring and dull")
    assert Classifier.load(engine="builtin").classify(page.evaluate("text.value")).score > 0.9995
    assert shown(page, "score") == ">99.9%"
    assert shown(page, "labels").split("\n")[-1] == "<0.1%"


def test_words_are_marked_by_more_than_colour(page: Chromium) -> None:
    clear(page)
    page.ask("type", "#text", "wonderful, wonderful, but boring")
    styles = page.evaluate(
        """[...document.querySelectorAll("#marked span")].map((word) => [
            word.textContent, getComputedStyle(word).borderBottomStyle, word.title[0]])"""
    )
    found = {word: (style, sign) for word, style, sign in styles}
    assert found["wonderful"] == ("solid", "+")
    assert found["boring"] == ("dashed", "-")


def test_golden_file(page: Chromium) -> None:
    found = page.evaluate(
        """Promise.all([import("/golden.mjs"), import("/edgetext.mjs"), fetch("/golden.json")]).then(
            async ([{ compare }, { Classifier }, cases]) => compare(Classifier, await cases.json(), "", 1e-13))"""
    )
    assert found["wrong"] == []
    assert found["compared"] > 5000


def test_in_a_worker(page: Chromium) -> None:
    found = page.evaluate(
        """new Promise((done, failed) => {
            const worker = new Worker("/worker.mjs", { type: "module" });
            worker.onmessage = ({ data }) => done(data);
            worker.onerror = ({ message }) => failed(new Error(message));
            worker.postMessage(["small.etx", "great movie"]);
        })"""
    )
    expected = Classifier.load(engine="builtin").classify("great movie")
    assert found["label"] == expected.label
    assert found["probabilities"] == pytest.approx(expected.probabilities, abs=1e-15)


def test_another_model_by_url(page: Chromium) -> None:
    page.ask("type", "#url", "characters-False-small.etx")
    page.ask("press", "Enter")
    page.ask("wait", f'{ABOUT}.startsWith("characters")')
    assert shown(page, "about") == "characters-False-small.etx; 3 labels: no, yes, maybe"
    assert page.evaluate('document.querySelectorAll("#labels li").length') == 3


def test_another_model_by_file(page: Chromium, site: Path) -> None:
    page.ask("upload", "#file", str(site / "average.etx"))
    page.ask("wait", f'{ABOUT}.startsWith("average")')
    assert shown(page, "about") == "average.etx; 2 labels: no, <i>yes</i>"  # labels are text, whatever they contain
    assert page.evaluate('document.querySelector("i")') is None
    assert page.evaluate('getComputedStyle(document.getElementById("effects")).display') == "none"
    assert "no weights of words" in shown(page, "no-effects")


def test_of_two_models_the_last_one_asked_for_is_used(page: Chromium) -> None:
    """Also if it arrives first."""
    page.evaluate(
        """(async () => {
            const { fetch } = window;
            let arrived;
            const late = new Promise((done) => (arrived = done));
            window.fetch = async (source) => {
              if (source === "many.etx") await late;
              return fetch(source);
            };
            for (url.value of ["many.etx", "characters-False-small.etx"]) model.requestSubmit();
            while (!about.textContent.startsWith("characters")) await new Promise((done) => setTimeout(done, 20));
            arrived();
            await new Promise((done) => setTimeout(done, 300));
        })()"""
    )
    assert shown(page, "about").startswith("characters-False-small.etx")


def test_another_model_by_address(chromium: Chromium, server: Server) -> None:
    chromium.ask("open", f"{server.url}/?model=bigrams-2-True-fast.etx", DESKTOP)
    chromium.ask("wait", LABEL)
    assert shown(chromium, "about") == "bigrams-2-True-fast.etx; 2 labels: no, yes"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("damaged.etx", "damaged.etx: the model is damaged: its checksum differs"),
        ("missing.etx", "missing.etx: 404 Not Found"),
        ("index.html", "index.html: this is not a model of edgetext"),
    ],
)
def test_model_that_cannot_be_loaded(model: str, message: str, chromium: Chromium, server: Server) -> None:
    chromium.ask("open", f"{server.url}/", DESKTOP)
    chromium.ask("wait", LABEL)
    before = shown(chromium, "label"), shown(chromium, "about")
    chromium.ask("type", "#url", model)
    chromium.ask("press", "Enter")
    chromium.ask("wait", PROBLEM)
    assert shown(chromium, "problem") == f"Cannot load the model. {message}"
    assert (shown(chromium, "label"), shown(chromium, "about")) == before  # the one before goes on


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off(
    viewport: dict[str, Any], scheme: str, chromium: Chromium, server: Server, tmp_path: Path
) -> None:
    chromium.ask("open", f"{server.url}/", viewport, [{"name": "prefers-color-scheme", "value": scheme}])
    chromium.ask("wait", LABEL)
    chromium.ask("type", "#text", "x" * 70)
    assert chromium.evaluate("document.documentElement.scrollWidth <= innerWidth")
    image = tmp_path / "page.png"
    chromium.ask("screenshot", str(image))
    assert image.stat().st_size > 20_000
    contrasts = chromium.evaluate(CONTRASTS)
    assert len(contrasts) > 30
    assert min(contrasts.values()) > 4.5, contrasts


# The contrast of each text with what is behind it, as WCAG defines it; backgrounds may be transparent.
CONTRASTS = """(() => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const over = (colours) => {
      canvas.clearRect(0, 0, 1, 1);
      for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
      const [red, green, blue] = [...canvas.getImageData(0, 0, 1, 1).data].map((value) => value / 255).map(
        (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const found = {};
    for (const element of document.querySelectorAll("body *")) {
      const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
      if (!text || !element.checkVisibility()) continue;
      const behind = [];
      for (let one = element; one; one = one.parentElement) behind.unshift(getComputedStyle(one).backgroundColor);
      const pair = [over(behind), over([...behind, getComputedStyle(element).color])].sort((a, b) => b - a);
      found[`${element.tagName} ${element.textContent.trim().slice(0, 30)} ${Object.keys(found).length}`] =
        (pair[0] + 0.05) / (pair[1] + 0.05);
    }
    return found;
})()"""


def test_what_a_screen_reader_is_told(page: Chromium) -> None:
    found = set()
    nodes = [page.ask("accessibility")]
    while nodes:
        node = nodes.pop()
        found.add((node["role"], node.get("name", "")))
        nodes += node.get("children", [])
    wanted = {
        ("heading", name) for name in ("edgetext in the browser", "Text", "Label", "Effect of the words", "Model")
    }
    wanted |= {("region", "Label"), ("region", "Effect of the words"), ("form", "Model"), ("alert", ""), ("status", "")}
    wanted |= {("textbox", "Text"), ("textbox", "From a URL"), ("button", "Load"), ("button", "From a file")}
    assert wanted <= found


def test_keyboard_and_screen_reader(page: Chromium) -> None:
    """Each control has a name and is reached with the tab key; the answer is read aloud once, after a pause."""
    names = []
    for _ in range(5):
        page.ask("press", "Tab")
        focus = page.evaluate(
            """[document.activeElement.id || document.activeElement.textContent,
                document.activeElement.labels?.[0]?.textContent ?? document.activeElement.textContent]"""
        )
        names.append(tuple(focus))
    wanted = {("text", "Text"), ("url", "From a URL"), ("Load", "Load"), ("file", "From a file")}
    assert wanted <= set(names)
    page.evaluate(
        """(() => {
            window.spoken = [];
            const place = document.querySelector("[role=status]");
            new MutationObserver(() => spoken.push(place.textContent)).observe(place, { childList: true });
        })()"""
    )
    clear(page)
    page.ask("type", "#text", "dull, dull, dull")
    page.ask("wait", 'spoken.at(-1)?.startsWith("negative")')
    assert len(page.evaluate("spoken")) <= 2  # not at every key


def test_page_of_the_guide(root: Path, site: Path, chromium: Chromium, tmp_path: Path) -> None:
    """That of runtime/guides/browser.md, with the files that are copied there."""
    guide = (root / "runtime" / "guides" / "browser.md").read_text("utf-8")
    [content] = re.findall(r"^`build/site/index.html`:\n\n```html\n(.*?)^```$", guide, re.DOTALL | re.MULTILINE)
    [files] = re.findall(r"^    cp (build/web/.*) build/site/$", guide, re.MULTILINE)
    (tmp_path / "index.html").write_text(content, encoding="utf-8")
    for name in files.split():
        shutil.copy(site / Path(name).name, tmp_path)
    with serve({"": tmp_path}, {}) as server:
        chromium.ask("open", f"{server.url}/", DESKTOP)
        chromium.ask("wait", 'answer.value === "positive, 90 %"')
        fetched = chromium.evaluate('performance.getEntriesByType("resource").map(({ name }) => name)')
        names = sorted(name.rsplit("/", 1)[1] for name in fetched if "favicon" not in name)
        assert names == ["edgetext.mjs", "edgetext.wasm", "model.etx"]  # each once
        chromium.ask("click", "label")
        chromium.ask("type", "#text", ", and a waste of time")
        chromium.ask("wait", 'answer.value.startsWith("negative, ")')
