"""`backhaul init`: a project folder to begin with."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backhaul.cli.output import emit_json, say
from backhaul.cli.state import AsJson

if TYPE_CHECKING:
    from backhaul.workflows.definition import Workflow

__all__ = ["example_workflows", "init", "make_project"]

_CONNECTIONS = ("acs", "provider")
"""Those of the settings of a new project."""
_FILES = {
    "backhaul.toml": "backhaul.toml",
    "env.example": ".env.example",
    "gitignore": ".gitignore",
    "connectors_README.md": "connectors/README.md",
}


def init(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="Where; it is made when missing.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Make a project folder; never overwrites a file.

    It gets settings to fill in, the example workflows, and a place for connectors of your own. Workflows that need more
    connections than the settings have are in examples/ and not in use.
    """
    files = make_project(folder)
    if as_json:
        emit_json({"folder": str(folder), "files": [{"path": path.as_posix(), "made": made} for path, made in files]})
        return
    for path, made in files:
        say(f"  {'made' if made else 'kept'}  {path.as_posix()}")
    # A file that is there holds secrets already.
    copy = "" if (folder / ".env").exists() else "cp .env.example .env && "
    enter = "" if folder.resolve() == Path.cwd() else f"\n  cd {folder}"
    say(f"""
Next:{enter}
  backhaul sandbox --port 8900               # in another terminal: the systems of a fictional ISP, to try things on
  {copy}set -a && . ./.env && set +a
  backhaul check                             # everything that is wrong in the project's files
  backhaul connections check                 # do the connections work?
  backhaul run nightly-sync                  # the first run
  backhaul runs list                         # and what the history says of it
More workflows are in examples/: each says which connections it needs, and is in use once it is in workflows/.""")


def make_project(folder: Path, connections: Collection[str] = _CONNECTIONS) -> list[tuple[Path, bool]]:
    """Write the files of a new project; return each path with whether it was made or was there already.

    Args:
        folder: where.
        connections: names of those that it has; shipped workflows that need others are written beside those in use.

    Raises:
        ConfigurationError: a file cannot be written.
    """
    from backhaul.errors import ConfigurationError

    templates = Path(__file__).parent / "project_files"
    contents = {target: (templates / source).read_bytes() for source, target in _FILES.items()}
    for example, needed in example_workflows().items():
        place = "workflows" if needed <= set(connections) else "examples"
        contents[f"{place}/{example.name}"] = example.read_bytes()
    done = []
    for target, content in sorted(contents.items()):
        path = folder / target
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(content)
            done.append((path, True))
        except FileExistsError:
            if not path.exists():
                raise ConfigurationError(f"{folder} is a file, not a folder") from None
            done.append((path, False))
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from None
    return done


def example_workflows() -> dict[Path, set[str]]:
    """Return the files of the shipped workflows, each with the connections that it needs.

    They are those of the installed package, or of the source checkout.
    """
    from backhaul.workflows.catalog import read_folder

    package = Path(__file__).parents[1]
    for folder in (package / "examples" / "workflows", package.parents[1] / "workflows"):
        if folder.is_dir():
            needed: dict[Path, set[str]] = {}
            for workflow in read_folder(folder, folder.parent).workflows.values():
                needed.setdefault(folder.parent / workflow.path, set()).update(_connections_of(workflow))
            return dict(sorted(needed.items()))
    return {}


def _connections_of(workflow: Workflow) -> set[str]:
    """Return the connections that a workflow calls, and those by whose events it goes."""
    from backhaul.workflows.checks import all_steps
    from backhaul.workflows.definition import Call, Reconcile

    called = {*workflow.connections}
    types = [*(trigger.type for trigger in workflow.events), *(rule.type for rule in workflow.cancel_on)]
    called |= {name.partition(".")[0] for name in types}
    for step in all_steps(workflow.steps):
        match step.verb:
            case Call(connection=name):
                called.add(name)
            case Reconcile() as reconcile:
                called |= {change.connection for _, change in reconcile.calls}
    return called
