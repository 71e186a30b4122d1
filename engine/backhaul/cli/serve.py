"""`backhaul serve`: workflows by cron and by events, until it is told to stop."""

from __future__ import annotations

import os
import signal
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from backhaul.cli.output import note
from backhaul.cli.state import state_of

if TYPE_CHECKING:
    from backhaul.app import Project
    from backhaul.service.service import Service

__all__ = ["serve"]


def serve(
    context: typer.Context,
    host: Annotated[
        str | None, typer.Option("--host", metavar="ADDRESS", help="Address to listen at, instead of [server] host.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="Port to listen at, instead of [server] port.")
    ] = None,
    node: Annotated[
        str | None, typer.Option("--node", metavar="NAME", help="Name of this node, instead of [server] node.")
    ] = None,
) -> None:
    """Run the service: schedules, webhooks, the API, and what they start.

    SIGTERM or Ctrl-C lets steps under way come to their end; a second one ends it at once. Neither loses anything: what
    was under way goes on at the next start.
    """
    from backhaul.cli.running import run_async

    project = state_of(context).project()
    given = {"host": host, "port": port, "node": node}
    project.override_server({name: value for name, value in given.items() if value is not None})
    run_async(partial(_serve, project))


async def _serve(project: Project) -> None:
    import gc

    import anyio

    from backhaul.app import open_app
    from backhaul.errors import RunStateError
    from backhaul.web.metrics import Counts
    from backhaul.web.server import listen, serve_http

    counts = Counts()
    async with open_app(project, foreground=False, observer=counts.runs, write_observer=counts.commits) as app:
        if not await app.store.claim(f"service/{app.node}"):
            raise RunStateError(
                f"a service is running already on this store as node {app.node!r}. Stop it, or run this one beside it "
                "under another name, with limits of its own: backhaul serve --node NAME"
            )
        service = app.service()
        with listen(project.settings.server) as listener:
            note(f"listening at {listener.url}")
            face = partial(serve_http, app, listener, counts=counts, troubles=service.troubles)
            # What is there now stays: to go through all of it again and again would halt a busy service for long.
            gc.collect()
            gc.freeze()
            async with anyio.create_task_group() as group:
                await group.start(_listen, service)
                await service.run(face)
                group.cancel_scope.cancel()


async def _listen(service: Service, *, task_status: object) -> None:
    """Stop the service at the first signal, the process at the second."""
    import anyio

    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()  # type: ignore[attr-defined]
        async for number in signals:
            if service.stopping.is_set():
                os._exit(128 + number)
            note("stopping: steps under way come to their end; once more stops at once")
            service.stop()
