"""The sandbox's page in a real Chromium: what a person sees and what the buttons do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from isp import Sandbox, sandbox

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = pytest.mark.skipif(
    CHROMIUM is None and not os.environ.get("CI"), reason="there is no Chromium on this machine"
)


@pytest.fixture(scope="module")
def isp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("isp"), "--devices", "200", "--seed", "3") as opened:
        yield opened


@pytest.fixture
def page(isp: Sandbox) -> Iterator[Page]:
    isp.control("POST", "reset", {})
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            page = browser.new_page()
            mistakes: list[str] = []
            page.on("pageerror", lambda error: mistakes.append(str(error)))
            page.goto(isp.url)
            yield page
            assert mistakes == []
        finally:
            browser.close()


def test_the_page_shows_every_system_with_its_counts(page: Page) -> None:
    for name in ("IXC ACS", "IXC Provider", "Akixi", "ISPCRM", "Axialys"):
        expect(page.locator("article h2", has_text=name)).to_be_visible()
    expect(page.locator("body")).to_contain_text("integrator clients")


def test_a_call_that_is_rung_on_the_page_is_in_the_sandbox(page: Page, isp: Sandbox) -> None:
    page.get_by_role("button", name="Ring", exact=True).click()
    expect(page.locator("body")).not_to_contain_text("No telephone has rung yet.")
    assert len(isp.control("GET", "axialys/calls")["items"]) == 1


def test_a_fault_is_switched_on_and_off_on_the_page(page: Page, isp: Sandbox) -> None:
    button = page.locator(".toggles button", has_text="429")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert [fault["kind"] for fault in isp.control("GET", "faults")["items"]] == ["rate_limit"]
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    assert isp.control("GET", "faults")["items"] == []


def test_a_mass_delete_on_the_page_takes_devices_from_the_acs_only(page: Page, isp: Sandbox) -> None:
    page.once("dialog", lambda dialog: dialog.accept())
    before = isp.control("GET", "world")["counts"]
    page.get_by_role("button", name="Delete").nth(1).click()
    expect(page.locator("body")).to_contain_text("175")
    after = isp.control("GET", "world")["counts"]
    assert before["acs_devices_in_acs"] - after["acs_devices_in_acs"] == 25
