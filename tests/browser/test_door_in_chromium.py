"""Access in a real browser: no page breaks its own policy, no foreign page can frame one, no foreign host name can open one."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from browser.running import CHROMIUM, FLAGS, app, browser_page, needs_chromium, settle
from phantom_sets import copy_set
from playwright.sync_api import expect

pytestmark = needs_chromium
PATIENCE = 180_000  # ms; on a busy machine
TELL = (
    "addEventListener('securitypolicyviolation', event => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`))"
)

WASM = "policy: script-src wasm-eval"  # Streamlit's protobuf tries WebAssembly for long integers and works without it


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """With a data set and a record, so that each page shows all its parts."""
    home = tmp_path_factory.mktemp("door")
    copy_set(home / "data", patients=10)
    folders = {f"PNEUMO_{name.upper()}_DIR": str(home / name) for name in ("data", "runs")}
    with app(home, PNEUMO_RECORD=f"sqlite:///{home / 'record.sqlite'}", **folders) as address:
        yield address


def listen(page) -> list[str]:
    """The browser's messages about violations of the page's policy, from now on."""
    said = []
    page.set_default_timeout(PATIENCE)
    page.on("console", lambda message: said.append(message.text) if re.search("policy", message.text, re.IGNORECASE) else None)
    page.add_init_script(TELL)
    return said


@pytest.mark.long
def test_no_page_breaks_its_policy(chromium, url):
    with browser_page(chromium) as page:
        said = listen(page)
        page.goto(url, wait_until="domcontentloaded")
        page.get_by_role("button", name="Try it with generated phantoms").click()
        page.get_by_text("1 of 3", exact=True).wait_for()
        page.locator('canvas[aria-label="radiograph with heatmap"]').wait_for()
        settle(page)
        page.get_by_role("button", name="Second opinion").press("Enter")  # a click may miss the button while pictures still arrive
        page.get_by_text("Lungs hidden").first.wait_for()
        with page.expect_download() as started:
            page.get_by_role("button", name="Report PDF", exact=True).first.click()
        assert started.value.path().read_bytes().startswith(b"%PDF")

        page.get_by_role("link", name="Worklist").click()
        page.get_by_role("button", name="Try it with generated phantoms").click()
        page.locator("[data-testid=stDataFrame] canvas").first.wait_for()
        settle(page)
        page.get_by_role("link", name="History").click()
        page.get_by_role("heading", name="History").wait_for()
        page.locator("[data-testid=stDataFrame] canvas").first.wait_for()
        page.get_by_role("link", name="Dataset").click()
        page.locator(".st-key-gallery img").first.wait_for()
        for view, shown in (("Compare classes", "img"), ("Class averages", "img"), ("Audit", "button:has-text('Run the audit')")):
            page.get_by_role("button", name=view, exact=True).or_(page.get_by_role("radio", name=view, exact=True)).first.click()
            page.locator(shown).first.wait_for()
            settle(page)
        page.get_by_role("link", name="Train").click()
        page.get_by_role("button", name="Start training").wait_for()
        page.get_by_role("link", name="Metrics").click()
        page.get_by_text("The worst news").wait_for()
        page.get_by_text("Everything", exact=True).click()
        page.get_by_text("Each plot has its own PNG").wait_for()
        page.locator("svg.marks, canvas.marks").first.wait_for()
        page.get_by_role("link", name="About").click()
        page.get_by_text("Looks at the test split").wait_for()
        page.locator("[data-testid=stDataFrame] canvas").first.wait_for()
        for name in ("worklist", "history", "dataset", "train", "metrics", "about"):  # opened by address, too
            page.goto(f"{url}/{name}", wait_until="domcontentloaded")
            page.get_by_role("heading", name=name.capitalize(), exact=True).wait_for()
        assert set(said) <= {WASM}

        page.evaluate("fetch('http://elsewhere.example/').catch(() => 0)")
        page.evaluate(
            "new Promise(done => { const image = new Image(); image.onerror = done; image.src = 'http://elsewhere.example/x.png' })"
        )
        assert [line for line in said if line.startswith("policy: connect-src http://elsewhere.example")]
        assert [line for line in said if line.startswith("policy: img-src http://elsewhere.example")]


@pytest.fixture(scope="module")
def foreign(chromium):
    """A page of a browser that resolves every name ending in .example to this computer."""
    rules = "--host-resolver-rules=MAP *.example 127.0.0.1"
    browser = chromium.browser_type.launch(executable_path=CHROMIUM, args=[*FLAGS, rules])
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    yield page
    browser.close()


def test_a_foreign_page_cannot_frame_the_app(foreign, url):
    class Framing(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"<iframe src={url}/train></iframe>".encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Framing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        foreign.goto(f"http://foreign.example:{server.server_port}/", wait_until="load")
        (frame,) = foreign.frames[1:]
        for _ in range(100):  # the frame may still be empty when its page is loaded
            if frame.url:
                break
            foreign.wait_for_timeout(100)
        assert frame.url.startswith("chrome-error:")
        server.shutdown()


def test_a_foreign_name_for_this_computer_is_refused(foreign, url):
    """DNS rebinding: the name of a foreign page resolves to 127.0.0.1."""
    port = url.rsplit(":", 1)[1]
    answer = foreign.goto(f"http://evil.example:{port}/history")
    assert answer.status == 421
    expect(foreign.locator("body")).to_contain_text("PNEUMO_HOSTS")
    opened = foreign.evaluate(
        """new Promise(done => {
            const socket = new WebSocket(`ws://${location.host}/_stcore/stream`, ['streamlit'])
            socket.onopen = () => done('open')
            socket.onerror = () => done('refused')
        })"""
    )
    assert opened == "refused"
    assert foreign.goto(f"http://localhost:{port}/history").status == 200
