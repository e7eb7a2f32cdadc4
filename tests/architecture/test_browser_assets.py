"""The vendored assets: complete, versioned, and working in a real browser under a strict content policy."""

import json
import re
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.architecture.checkout import ROOT

VENDOR = ROOT / "service" / "web" / "static" / "vendor"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'"
)
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
DIAGRAM = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t" id="d"
 xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC">
<bpmn:process id="p"><bpmn:userTask id="isolate" name="带离至隔离室"/></bpmn:process>
<bpmndi:BPMNDiagram id="g"><bpmndi:BPMNPlane id="l" bpmnElement="p"><bpmndi:BPMNShape id="s" bpmnElement="isolate">
<dc:Bounds x="20" y="20" width="120" height="80"/></bpmndi:BPMNShape></bpmndi:BPMNPlane></bpmndi:BPMNDiagram>
</bpmn:definitions>"""
SCRIPT = """
const viewer = new BpmnJS({ container: "#canvas" });
fetch("diagram.bpmn").then((answer) => answer.text()).then((xml) => viewer.importXML(xml)).then(({ warnings }) => {
  viewer.get("canvas").addMarker("isolate", "is-active");
  document.body.dataset.warnings = warnings.length;
});
"""


def manifest() -> dict[str, str]:
    found: dict[str, str] = json.loads((VENDOR / "manifest.json").read_text("utf-8"))
    return found


def test_every_asset_is_there_with_its_pinned_version_in_the_name() -> None:
    pinned = json.loads((ROOT / "package.json").read_text("utf-8"))["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in pinned.values())
    assert set(manifest()) == {
        "htmx.js",
        "htmx-sse.js",
        "bpmn-viewer.js",
        "diagram.css",
        "bpmn.css",
        "bpmn-font.css",
    }
    for logical, name in manifest().items():
        assert (VENDOR / name).stat().st_size > 1000, logical
        assert pinned["htmx.org" if logical.startswith("htmx") else "bpmn-js"] in name


def test_style_sheets_fetch_nothing_from_elsewhere() -> None:
    for name in manifest().values():
        if name.endswith(".css"):
            sheet = (VENDOR / name).read_text("utf-8")
            assert re.findall(r"url\(['\"]?(?:https?:)?//", sheet) == [], name


class WithPolicy(SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keeps the test's output quiet."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """Address of a page that shows a diagram with the vendored viewer; the font folder keeps its shape."""
    shutil.copytree(VENDOR, tmp_path / "vendor")
    names = manifest()
    styles = "".join(
        f'<link rel="stylesheet" href="vendor/{names[name]}">' for name in sorted(names) if name.endswith(".css")
    )
    # The extension looks for htmx while it loads: the order matters.
    order = ("htmx.js", "htmx-sse.js", "bpmn-viewer.js")
    scripts = "".join(f'<script src="vendor/{names[name]}"></script>' for name in order)
    (tmp_path / "page.css").write_text("#canvas { height: 300px }", "utf-8")
    (tmp_path / "page.js").write_text(SCRIPT, "utf-8")
    (tmp_path / "diagram.bpmn").write_text(DIAGRAM, "utf-8")
    config = '<meta name="htmx-config" content=\'{"includeIndicatorCSS":false}\'>'
    own = '<link rel="stylesheet" href="page.css"><div id="canvas"></div>'
    head = f'<!doctype html><meta charset="utf-8"><title>t</title>{config}{styles}{own}'
    (tmp_path / "index.html").write_text(f'{head}{scripts}<script src="page.js"></script>', "utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(WithPolicy, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/index.html"
    server.shutdown()
    server.server_close()


@pytest.fixture
def page() -> Iterator[Page]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert path is not None, "no Chromium; .ci/chromium.sh installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser.new_page(viewport={"width": 390, "height": 844})
        browser.close()


@pytest.mark.browser
def test_the_viewer_draws_a_chinese_diagram_under_a_strict_policy(site: str, page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    page.goto(site)
    page.wait_for_selector("body[data-warnings]")
    assert page.get_attribute("body", "data-warnings") == "0"
    assert page.locator("g[data-element-id=isolate].is-active").count() == 1
    assert page.locator("g[data-element-id=isolate] text").text_content() == "带离至隔离室"
    assert page.locator(".bjs-powered-by").is_visible()
    assert page.evaluate("htmx.version").startswith("4.0.1")
    assert complaints == []
