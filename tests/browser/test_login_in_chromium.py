"""A complete login with an OpenID provider in a real browser, and what each role then sees."""

import re
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime

import pytest
from browser.openid import provider, write_secrets
from browser.running import app, browser_page, needs_chromium, wait_until
from playwright.sync_api import expect
from tiny_model import make_registry

from pneumo.synthetic.phantom import make_phantom, phantom_png

pytestmark = [*needs_chromium, pytest.mark.long]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    folders = {f"PNEUMO_{name.upper()}_DIR": str(home / name) for name in ("data", "runs")}
    models = str(make_registry(home / "models"))
    with provider() as openid:
        write_secrets(home, openid)
        (home / "ended").write_text("")
        folders |= {"PNEUMO_MODELS_DIR": models, "PNEUMO_ENDED_LOGINS": str(home / "ended")}
        with app(home, PNEUMO_LOGIN="oidc", PNEUMO_ROLE_CLAIM="groups", **folders) as url:
            yield url, openid, home


def log_in(page, running, path="/", **claims) -> None:
    url, openid, _ = running
    openid.claims = claims
    page.goto(url + path, wait_until="domcontentloaded")
    page.get_by_role("button", name="Log in").click()


def status(url: str, cookies: str = "", method: str = "GET") -> int:
    request = urllib.request.Request(url, headers={"Cookie": cookies} if cookies else {}, method=method)
    try:
        return urllib.request.urlopen(request, timeout=30).status
    except urllib.error.HTTPError as error:
        return error.code


def test_a_reader_reads_and_does_not_train(chromium, running):
    with browser_page(chromium) as page:
        log_in(page, running, email="ada@example.org", groups=["pneumo-reader"])
        page.get_by_text("Logged in as ada@example.org: reader").wait_for()
        expect(page.get_by_role("link", name="Worklist")).to_be_visible()
        expect(page.get_by_role("link", name="Train")).to_have_count(0)

        page.get_by_role("button", name="Try it with generated phantoms").wait_for()
        # Uploads and pictures are let through with the cookie of the login.
        page.locator('input[type="file"]').first.set_input_files(
            [
                {"name": f"{kind}.png", "mimeType": "image/png", "buffer": phantom_png(make_phantom(kind, seed=3))}
                for kind in ("viral", "bacterial")
            ]
        )
        page.locator(".verdict").first.wait_for()
        page.locator('canvas[aria-label="radiograph with heatmap"]').wait_for()
        wait_until(page, "document.querySelector('.st-key-filmstrip img')?.naturalWidth > 0")
        address = page.evaluate("document.querySelector('.st-key-filmstrip img').src")
        assert "/media/" in address
        cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in page.context.cookies())
        assert status(address, cookies) == 200
        assert status(address) == 401  # the address alone is not enough
        code = f"{running[0]}/_stcore/bidi-components/pneumo.viewer/index.js"
        assert (status(code, cookies), status(code)) == (200, 401)
        forged = re.sub(r"(_streamlit_user=)(.{4})", r"\1AAAA", cookies)
        assert status(address, forged) == 401

        page.goto(f"{running[0]}/train", wait_until="domcontentloaded")
        page.get_by_text("the role researcher is needed").wait_for()
        expect(page.get_by_role("button", name="Start training")).to_have_count(0)
        page.get_by_role("button", name="Log out").click()
        page.get_by_role("button", name="Log in").wait_for()
        assert status(address, "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in page.context.cookies())) == 401


def test_ending_a_login_ends_it_on_an_open_page(chromium, running):
    url, _, home = running
    with browser_page(chromium) as page, browser_page(chromium) as other:
        log_in(page, running, sub="ada", groups=["pneumo-reader"])
        page.get_by_text(": reader").wait_for()
        log_in(other, running, sub="eve", groups=["pneumo-reader"])
        other.get_by_text(": reader").wait_for()
        cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in page.context.cookies())
        assert status(f"{url}/_stcore/metrics", cookies) == 200
        ended = time.time()
        (home / "ended").write_text(f"ada {datetime.fromtimestamp(ended, UTC).isoformat()}\n")
        assert status(f"{url}/_stcore/metrics", cookies) == 403
        page.get_by_role("link", name="Worklist").click()
        page.get_by_text("Log in to continue").wait_for()
        expect(page.locator('input[type="file"]')).to_have_count(0)
        other.get_by_role("link", name="Worklist").click()
        other.get_by_role("heading", name="Worklist").wait_for()
        while time.time() < ended + 2:  # a token's time is in whole seconds
            page.wait_for_timeout(200)
        page.get_by_role("button", name="Log in").click()
        page.get_by_text(": reader").wait_for()
        (home / "ended").write_text("")
    assert "Traceback" not in (home / "log").read_text()


def test_a_researcher_trains(chromium, running):
    with browser_page(chromium) as page:
        log_in(page, running, path="/train", groups=["pneumo-researcher"])
        page.get_by_text(": researcher").wait_for()
        page.get_by_role("link", name="Train").click()
        page.get_by_role("button", name="Start training").wait_for()


def test_an_account_without_a_role_is_refused(chromium, running):
    with browser_page(chromium) as page:
        log_in(page, running, email="eve@example.org", groups=["visitors"])
        page.get_by_text("this account has no role in Pneumo").wait_for()
        expect(page.locator('input[type="file"]')).to_have_count(0)
        cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in page.context.cookies())
        assert status(f"{running[0]}/_stcore/metrics", cookies) == 403


def test_nobody_uploads_or_looks_without_a_login(running):
    url = running[0]
    assert status(f"{url}/_stcore/upload_file/session/file", method="PUT") == 401
    assert status(f"{url}/media/guessed.png") == 401
    assert status(f"{url}/_stcore/metrics") == 401
    assert status(f"{url}/_stcore/health") == 200
    assert "Traceback" not in (running[2] / "log").read_text()
