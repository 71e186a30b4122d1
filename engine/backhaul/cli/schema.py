"""`backhaul schema`: the JSON Schema of the project's workflow files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backhaul.cli.state import AsJson, state_of

__all__ = ["schema"]


def schema(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write it there instead of to standard output.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the JSON Schema of workflow files, for editors.

    It knows this project's connections, their actions, and the actions' parameters.

    To have an editor complete and check, write it to a file and begin each workflow with a line such as

    # yaml-language-server: $schema=../.backhaul/workflow.schema.json
    """
    import json

    from backhaul.cli.output import emit_json, note, say
    from backhaul.workflows.json_schema import workflow_schema

    project = state_of(context).project()
    connections = project.connections()
    document = workflow_schema(connections.actions(), connections.event_types())
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if out is None:
        say(json.dumps(document, ensure_ascii=False) if as_json else text)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(f"{text}\n", encoding="utf-8")
    note(f"written: {out}")
    if as_json:
        emit_json({"written": str(out)})
