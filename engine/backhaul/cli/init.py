"""`backhaul init`: a project folder to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backhaul.cli.output import emit_json, say
from backhaul.cli.state import AsJson

__all__ = ["example_workflows", "init", "make_project"]

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

    It gets settings to fill in, the example workflows, and a place for connectors of your own.
    """
    files = make_project(folder)
    if as_json:
        emit_json({"folder": str(folder), "files": [{"path": path.as_posix(), "made": made} for path, made in files]})
        return
    for path, made in files:
        say(f"  {'made' if made else 'kept'}  {path.as_posix()}")
    enter = "" if folder.resolve() == Path.cwd() else f"\n  cd {folder}"
    say(f"""
Next:{enter}
  backhaul sandbox --port 8900               # in another terminal: both systems of a fictional ISP, to try things on
  cp .env.example .env && set -a && . ./.env && set +a
  backhaul check                             # everything that is wrong in the project's files
  backhaul connections check                 # do the connections work?
  backhaul run nightly-sync                  # the first run
  backhaul runs list                         # and what the history says of it""")


def make_project(folder: Path) -> list[tuple[Path, bool]]:
    """Write the files of a new project; return each path with whether it was made or was there already.

    Raises:
        ConfigurationError: a file cannot be written.
    """
    from backhaul.errors import ConfigurationError

    templates = Path(__file__).parent / "project_files"
    contents = {target: (templates / source).read_bytes() for source, target in _FILES.items()}
    contents |= {f"workflows/{example.name}": example.read_bytes() for example in example_workflows()}
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


def example_workflows() -> list[Path]:
    """Return the files of the shipped workflows: of the installed package, or of the source checkout."""
    package = Path(__file__).parents[1]
    for folder in (package / "examples" / "workflows", package.parents[1] / "workflows"):
        if folder.is_dir():
            return sorted(path for path in folder.iterdir() if path.suffix in {".yaml", ".yml", ".py"})
    return []
