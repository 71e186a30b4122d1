from __future__ import annotations

import pytest

from backhaul.json_values import Json
from backhaul.problems import Place
from backhaul.workflows.yaml_reader import MAX_BYTES, MapNode, decode, read_yaml


def problems(text: str) -> list[str]:
    return [str(problem) for problem in read_yaml(text, "w.yaml")[1]]


def value(text: str) -> Json:
    node, found = read_yaml(text, "w.yaml")
    assert found == []
    assert node is not None
    return node.plain()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("true", True),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("0o17", 15),
        ("0x1f", 31),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("1_000", "1_000"),
        ("2026-03-01", "2026-03-01"),
        ("12:30:45", "12:30:45"),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("1.2.3", "1.2.3"),
        ("${{ item.x }}", "${{ item.x }}"),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_scalars_are_read_as_yaml_1_2(text: str, expected: Json) -> None:
    read = value(f"a: {text}")["a"]
    assert read == expected
    assert type(read) is type(expected)


def test_every_key_and_value_knows_its_place() -> None:
    node, _ = read_yaml("a: 1\nb:\n  - c: x\n    d: [1, 2]\n", "w.yaml")
    assert isinstance(node, MapNode)
    entry = node.entries[1]
    assert (entry.key, entry.place, entry.value.place) == ("b", Place("w.yaml", 2, 1), Place("w.yaml", 3, 3))
    assert node.plain() == {"a": 1, "b": [{"c": "x", "d": [1, 2]}]}


def test_all_problems_of_a_file_come_at_once() -> None:
    text = "a: 1\na: 2\n? [x]\n: 1\n5: 3\nb: !secret x\nc: .inf\n<<: {d: 1}\n"
    assert problems(text) == [
        "w.yaml:2:1: duplicate-key the key 'a' stands in line 1 already",
        "w.yaml:3:3: bad-key a key is a text, not a list or a mapping",
        "w.yaml:5:1: bad-key a key is a text: write it in quotes, '5'",
        "w.yaml:6:4: bad-tag the tag '!secret' is not available",
        "w.yaml:7:4: bad-number .inf is no number in JSON",
        "w.yaml:8:1: bad-key merge keys (<<) are not YAML 1.2: write the keys out",
    ]


@pytest.mark.parametrize("text", ["012", "+5511987654321", "-012", "00"])
def test_a_number_that_would_lose_a_character_is_refused(text: str) -> None:
    [problem] = problems(f"phone: {text}")
    assert problem == f"w.yaml:1:8: ambiguous-number {text} would lose its first character: write it in quotes"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [1,\n", "w.yaml:2:1: bad-yaml while parsing a flow node"),
        ("a:\n\t- b\n", "w.yaml:2:1: bad-yaml a tab stands where YAML wants blanks"),
        ("a: b: c\n", "w.yaml:1:5: bad-yaml mapping values are not allowed here"),
        ("a: 'x\nb: 1\n", "w.yaml:1:4: bad-yaml while scanning a quoted scalar"),
        ("a: {b: ${{ x }}}\n", "w.yaml:1:9: bad-yaml inside { } and [ ] an expression stands in quotes"),
        ("a: *b\n", "w.yaml:1:4: bad-yaml found undefined alias 'b'"),
        ("a: 1\n---\nb: 2\n", "w.yaml:2:1: several-documents one file holds one workflow"),
        ("a: b\x01\n", "w.yaml:1:5: bad-character the character U+0001 cannot stand in YAML"),
        ("", "w.yaml:1:1: empty-file the file is empty"),
        ("# only a comment\n", "w.yaml:1:1: empty-file the file is empty"),
        ("[" * 100, "w.yaml:1:61: too-deep more than 60 levels"),
        ("a: &a [*a]\n", "w.yaml:1:4: too-deep an alias stands for something that it is itself a part of"),
        ("x" * (MAX_BYTES + 1), "w.yaml:1:1: too-large the file has 1000001 characters"),
    ],
)
def test_what_cannot_be_parsed_has_a_place_and_a_reason(text: str, problem: str) -> None:
    [found] = problems(text)
    assert found.startswith(problem)


def test_aliases_may_be_used() -> None:
    assert value("a: &r {delay: 1}\nb: *r\n") == {"a": {"delay": 1}, "b": {"delay": 1}}


def test_aliases_of_aliases_cannot_use_up_the_memory() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert problems("\n".join(lines)) == [
        "w.yaml:1:1: too-large more than 50000 values, aliases counted as often as they are used"
    ]


def test_bytes_that_are_not_utf8_have_a_place() -> None:
    text, [problem] = decode("name: a\ndescription: caf\xe9\n".encode("latin-1"), "w.yaml")
    assert text == ""
    assert str(problem) == "w.yaml:2:17: not-utf8 byte 0xe9 is not UTF-8: save the file as UTF-8"


def test_a_byte_order_mark_is_left_out() -> None:
    assert decode(b"\xef\xbb\xbfname: a", "w.yaml") == ("name: a", [])


def test_a_large_file_is_not_decoded() -> None:
    _, [problem] = decode(b"x" * (MAX_BYTES + 1), "w.yaml")
    assert problem.code == "too-large"
