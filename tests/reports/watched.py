"""A page in headless Chromium, which keeps what it complains about and what it asks the network for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser; the test is skipped where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no chromium on this machine: apt-get install chromium to run this test")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield launched
        launched.close()


class Watched:
    """A page, with everything it complained about and everything it asked the network for."""

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._refuse)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(address)

    def _refuse(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def see_everything(self) -> None:
        """Scroll through the page, so that every chart is drawn."""
        for figure in self.page.locator("figure.chart").all():
            if figure.is_visible():
                figure.scroll_into_view_if_needed()
                figure.locator(".plot svg, .plot p, .plot table").first.wait_for(timeout=15000)

    def close(self) -> None:
        """Close the page and claim that it never complained, and never asked the network for anything."""
        self.context.close()
        assert self.complaints == []
        assert [url for url in self.requests if not url.startswith(("file:", "data:", "blob:"))] == []


def until(page: Page, claim: str, given: Any = None) -> None:
    """Wait until a claim about the page is true; asked from outside, since the page's policy runs no text as code."""
    for _ in range(150):
        if page.evaluate(f"given => Boolean({claim})", given):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never true: {claim}")
