from __future__ import annotations

import re

import httpx

from sandbox.client import Isp


def fetch(isp: Isp, path: str) -> httpx.Response:
    return isp.http.get(path).raise_for_status()


def test_the_page_and_its_two_files_are_served_and_load_nothing_else(isp: Isp) -> None:
    page = fetch(isp, "/")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert loaded == ["data:,", "page.css", "page.js"]
    for name in ("page.css", "page.js"):
        assert "//cdn" not in fetch(isp, f"/{name}").text
        assert not re.search(r"https?://", fetch(isp, f"/{name}").text)


def test_every_button_of_the_page_has_something_to_do_and_calls_what_exists(isp: Isp) -> None:
    script = fetch(isp, "/page.js").text
    for name in re.findall(r'data-do="(\w+)"', fetch(isp, "/").text):
        assert re.search(rf"^  {name}: async", script, re.MULTILINE), name
    for path in re.findall(r'call\("GET", "([^"]+)"', script):
        isp.control("GET", path)
    settings = isp.control("GET", "settings")
    for vendor, switch in re.findall(r'vendor: "(\w+)", name: "(\w+)"', script):
        assert switch in settings[vendor]
    for kind in re.findall(r'kind: "(\w+)"', script):
        isp.fault(kind)


def test_the_last_requests_are_asked_for_by_number(isp: Isp) -> None:
    for _ in range(5):
        isp.token()
    assert len(isp.log("last=3")) == 3
    assert [entry["seq"] for entry in isp.log("last=3")] == [entry["seq"] for entry in isp.log()][-3:]
    assert isp.log("last=100") == isp.log()
