from __future__ import annotations

from pathlib import Path

import pytest

from backhaul.errors import DefinitionError, UnknownNameError
from backhaul.workflows.catalog import Catalog, check_catalog, load_source, read_folder

YAML = "steps: [{set: {a: 1}}]\n"
PYTHON = """from backhaul.workflows.python_workflow import workflow

@workflow()
async def in_python(): ...
"""
TWO = PYTHON + "\n@workflow()\nasync def second(): ...\n"


def folder(root: Path, **files: str | bytes) -> Catalog:
    path = root / "workflows"
    path.mkdir()
    for name, text in files.items():
        file = path / name.replace("__dot__", ".")
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_folder(path, root)


def test_a_folder_gives_its_workflows_by_name(tmp_path: Path) -> None:
    catalog = folder(
        tmp_path,
        one__dot__yaml=YAML,
        two__dot__yml=YAML,
        three__dot__py=PYTHON,
        _helper__dot__py="raise RuntimeError",
        notes__dot__txt="x",
        plain__dot__py="x = 1\n",
    )
    assert sorted(catalog.workflows) == ["in-python", "one", "two"]
    assert catalog.problems == ()
    assert catalog.get("one").path == "workflows/one.yaml"


def test_no_folder_is_no_problem(tmp_path: Path) -> None:
    assert read_folder(tmp_path / "workflows", tmp_path) == Catalog()


def test_a_broken_file_does_not_break_the_others(tmp_path: Path) -> None:
    catalog = folder(
        tmp_path,
        good__dot__yaml=YAML,
        bad__dot__yaml="steps: 5\n",
        worse__dot__yaml=b"\xff",
        broken__dot__py="import no_such_module_anywhere\n",
    )
    assert list(catalog.workflows) == ["good"]
    assert [str(problem).split(" ")[:2] for problem in catalog.problems] == [
        ["workflows/bad.yaml:1:8:", "bad-steps"],
        ["workflows/broken.py:1:1:", "bad-python"],
        ["workflows/worse.yaml:1:1:", "not-utf8"],
    ]
    with pytest.raises(DefinitionError, match="bad-steps"):
        catalog.get("bad")
    with pytest.raises(UnknownNameError, match="did you mean 'good'"):
        catalog.get("goo")


def test_a_name_that_may_be_in_a_broken_file_is_not_said_to_be_nowhere(tmp_path: Path) -> None:
    catalog = folder(tmp_path, good__dot__yaml=YAML, broken__dot__py="import no_such_module_anywhere\n")
    with pytest.raises(UnknownNameError) as one:
        catalog.get("broken")
    assert str(one.value) == (
        "no workflow 'broken' (there are: good); workflows/broken.py has problems and may hold it: backhaul check"
    )
    (tmp_path / "workflows" / "worse.yaml").write_bytes(b"\xff")
    with pytest.raises(UnknownNameError, match=r"; workflows/broken\.py, workflows/worse\.yaml have problems and may"):
        read_folder(tmp_path / "workflows", tmp_path).get("broken")


def test_a_name_that_comes_twice_is_reported_in_both_files(tmp_path: Path) -> None:
    catalog = folder(tmp_path, a__dot__yaml="name: in-python\n" + YAML, b__dot__py=PYTHON, c__dot__yaml=YAML)
    assert list(catalog.workflows) == ["c"]
    assert [str(problem) for problem in catalog.problems] == [
        "workflows/a.yaml:1:7: duplicate-workflow the name 'in-python' is taken by workflows/b.py:3:1 too: give one of "
        "them another name",
        "workflows/b.py:3:1: duplicate-workflow the name 'in-python' is taken by workflows/a.yaml:1:7 too: give one of "
        "them another name",
    ]


def test_checking_a_catalog_adds_what_only_shows_beside_connections(tmp_path: Path) -> None:
    catalog = folder(tmp_path, a__dot__yaml="steps:\n  - call: acs.x\n  - set: 5\n", b__dot__yaml="steps: [{run: a}]")
    assert [problem.code for problem in check_catalog(catalog, {})] == ["unknown-connection", "bad-value"]
    assert [problem.code for problem in catalog.problems] == ["bad-value"]


def test_a_stored_text_is_loaded_without_its_file() -> None:
    workflow = load_source("yaml", "workflows/gone.yaml", YAML)
    assert (workflow.name, workflow.source) == ("gone", YAML)
    assert load_source("python", "workflows/gone.py", PYTHON).name == "in-python"


def test_one_of_several_workflows_of_a_stored_text_is_chosen_by_name() -> None:
    assert load_source("python", "workflows/two.py", TWO, "second").name == "second"
    with pytest.raises(UnknownNameError, match=r"\(there are: in-python, second\)"):
        load_source("python", "workflows/two.py", TWO)


def test_a_stored_text_with_problems_is_refused_with_all_of_them() -> None:
    with pytest.raises(DefinitionError) as caught:
        load_source("yaml", "workflows/x.yaml", "steps: 5\nnmae: x\n")
    assert [problem.code for problem in caught.value.problems] == ["bad-steps", "unknown-key"]
