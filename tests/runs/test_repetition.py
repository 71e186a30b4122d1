"""Retry on steps that hold steps: what failed is tried again, what is done stays done."""

from __future__ import annotations

import pytest

from backhaul.store.records import RunStatus
from world import Lab

pytestmark = pytest.mark.anyio


async def test_a_group_is_tried_again_from_what_failed_in_it(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - id: group
            retry: {attempts: 3, delay: 0}
            do:
              - {id: put, call: world.put, with: {name: a}}
              - {id: f, call: world.flaky, with: {name: f, failures: 2, kind: refused}}
              - {id: after, call: world.put, with: {name: b}}
    """)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert [line["name"] for line in lab.done("put")] == ["a", "b"]
    assert [one.number for one in await lab.store.attempts(run.run_id, "group")] == [1, 2]


async def test_a_group_gives_up_after_its_attempts(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - id: group
            retry: {attempts: 2, delay: 0}
            do: [{id: f, call: world.flaky, with: {name: f, failures: 5, kind: refused}}]
    """)
    assert run.status is RunStatus.FAILED
    assert len(lab.done("flaky")) == 2


async def test_an_each_is_tried_again_with_the_items_that_are_left(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - id: all
            retry: {attempts: 2, delay: 0}
            each: ${{ range(20) }}
            concurrency: 4
            do:
              - {id: put, call: world.put, with: {name: "n${{ item }}"}}
              - {id: f, if: "${{ item == 7 }}", call: world.flaky, with: {name: f, failures: 1, kind: refused}}
    """)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert sorted(line["name"] for line in lab.done("put")) == sorted(f"n{n}" for n in range(20))


async def test_only_the_errors_named_are_tried_again(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - id: group
            retry: {attempts: 3, delay: 0, on: [RetryableError]}
            do: [{id: f, call: world.flaky, with: {name: f, failures: 5, kind: refused}}]
    """)
    assert run.status is RunStatus.FAILED
    assert len(lab.done("flaky")) == 1


async def test_branches_that_failed_are_tried_again_and_the_others_are_not(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - id: both
            retry: {attempts: 3, delay: 0}
            parallel:
              - {id: f, call: world.flaky, with: {name: f, failures: 1, kind: refused}}
              - {id: g, call: world.flaky, with: {name: g, failures: 1, kind: refused}}
              - {id: p, call: world.put, with: {name: p}}
    """)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert len(lab.done("put")) == 1
