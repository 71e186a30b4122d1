"""docs/api.md names every route, status and metric, and no others."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import pytest

from backhaul.app import App
from backhaul.store.service_records import Role
from backhaul.web.api.document import BODY_LIMIT, build_api
from backhaul.web.tokens import Tokens

TEXT = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
METRICS = (Path(__file__).parents[2] / "engine" / "backhaul" / "web" / "metrics.py").read_text(encoding="utf-8")
PATHS = build_api(cast("App", None), cast("Tokens", None)).openapi()["paths"]
ROUTES = {f"{method.upper()} {path}" for path, item in PATHS.items() for method in item}


def test_every_route_is_documented_and_no_other() -> None:
    assert set(re.findall(r"^\| `([A-Z]+ /[^`]*)`", TEXT, re.MULTILINE)) == ROUTES


@pytest.mark.parametrize("role", Role)
def test_every_role_is_documented(role: Role) -> None:
    assert f"| `{role.value}` |" in TEXT


def test_every_parameter_of_a_listing_is_documented() -> None:
    for path, item in PATHS.items():
        line = next(one for one in TEXT.splitlines() if one.startswith(f"| `GET {path}`")) if "get" in item else ""
        for parameter in item.get("get", {}).get("parameters", []):
            if parameter["in"] == "query" and parameter["name"] not in {"show_personal", "limit", "cursor"}:
                assert f"`{parameter['name']}`" in line, (path, parameter["name"])


def test_every_metric_is_documented_and_no_other() -> None:
    declared = re.findall(r'(Counter|Gauge)MetricFamily\(\s*"(\w+)"', METRICS)
    names = {f"{name}_total" if kind == "Counter" else name for kind, name in declared}
    names |= set(re.findall(r'_histogram\("(\w+)"', METRICS))
    assert set(re.findall(r"^\| `(backhaul_\w+)`", TEXT, re.MULTILINE)) == names


def test_the_limit_of_bodies_is_documented() -> None:
    assert f"longer than {BODY_LIMIT // 1024**2} MiB" in TEXT
