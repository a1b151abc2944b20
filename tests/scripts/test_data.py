"""Data for scripts: files by extension, variables, the environment, manifests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.data import gather, read
from engine.errors import UsageError, explain
from engine.language.given import Unset

FILES = {
    "a.yaml": "label: web\nsize: 7\nyes: no\nwhen: 2021-08-14\ntags: [a, b]\nnothing: ~\n",
    "a.json": '{"label": "web", "size": 7, "yes": "no", "when": "2021-08-14", "tags": ["a", "b"], "nothing": null}',
    "a.toml": 'label = "web"\nsize = 7\nyes = "no"\nwhen = 2021-08-14\ntags = ["a", "b"]\n',
    "a.jsonnet": '{label: "w" + "eb", size: 3 + 4, yes: "no", when: "2021-08-14", tags: ["a", "b"], nothing: null}',
}
SAME = {"label": "web", "size": 7, "yes": "no", "when": "2021-08-14", "tags": ["a", "b"], "nothing": None}


def written(tmp_path: Path, name: str, text: str) -> str:
    (tmp_path / name).write_bytes(text.encode())
    return str(tmp_path / name)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "bom"])
def test_each_kind_of_file_says_the_same(name: str, mark: str, tmp_path: Path) -> None:
    found = read(written(tmp_path, name, mark + FILES[name].replace("\n", "\r\n")))
    assert found == {key: value for key, value in SAME.items() if key in found}
    assert found.keys() >= SAME.keys() - {"nothing"}


def test_an_env_file_of_another_kind_is_of_that_kind(tmp_path: Path) -> None:
    assert read(written(tmp_path, ".env.json", '{"a": 1}')) == {"a": 1}
    assert read(written(tmp_path, ".env.prod.yaml", "a: 1")) == {"a": 1}
    with pytest.raises(UsageError, match="cannot tell from its name"):
        read(written(tmp_path, ".environment", "A=1"))


@pytest.mark.parametrize("name", [".env", "prod.env", ".env.production"])
def test_env_files_hold_text(name: str, tmp_path: Path) -> None:
    text = "# a remark\nexport LABEL='it''s'\nDISK=25674130\nQUOTED=\"a b\\nc\" # why\n\nPATH_LIKE=$HOME/x\n"
    found = read(written(tmp_path, name, text.replace("it''s", "its")))
    assert found == {"LABEL": "its", "DISK": "25674130", "QUOTED": "a b\nc", "PATH_LIKE": "$HOME/x"}


def test_jsonnet_imports_stand_beside_their_file(tmp_path: Path) -> None:
    written(tmp_path, "common.libsonnet", '{region: "us-east"}')
    path = written(tmp_path, "a.jsonnet", '(import "common.libsonnet") + {label: "web"}')
    assert read(path) == {"region": "us-east", "label": "web"}


def test_jsonnet_without_its_library_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "_jsonnet", None)
    with pytest.raises(UsageError) as raised:
        read(written(tmp_path, "a.jsonnet", "{}"))
    assert raised.value.hint == "pip install 'stratoql[jsonnet]'"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.yaml", "a: 1\nb: ]", ":2: not YAML"),
        ("a.yaml", "a: 1\na: 2", ":2: the key 'a' stands twice"),
        ("a.json", '{"a": 1,\n "b": }', ":2:7: not JSON: Expecting value"),
        ("a.yaml", "a: 1\nb: [1,\n .nan]", ":3: .nan is no number that can be sent"),
        ("a.yaml", "a: -.INF", ":1: -.INF is no number"),
        ("a.yaml", "a: 1e999", ":1: 1e999 is no number"),
        ("a.json", '{"a": 1,\n "b": {"a": 2, "c": [{"c": 3}]}, "a": 2}', ":2:34: the key 'a' stands twice"),
        ("a.json", '{"NaN": "a NaN, \\" Infinity",\n "b": [-Infinity]}', ":2:8: -Infinity is no number"),
        ("a.json", '{"a": [1,\n1e999]}', ":2:1: 1e999 is too large a number"),
        ("a.json", '{"a": ' + 300 * "[" + 300 * "]" + "}", " nests more than 250 levels deep\nhint: make it flatter"),
        ("a.json", '{"a": ' + 30000 * "[" + 30000 * "]" + "}", " nests more than 250 levels deep"),
        ("a.toml", "a = " + 5000 * "[" + 5000 * "]", " nests more than 250 levels deep"),
        ("a.toml", "a = 1\nb = ]", ":2:5: not TOML: Invalid value"),
        ("a.toml", "a = 1\n[b]\nc = 2\nc = 3", ":4: not TOML: Cannot overwrite a value"),
        ("a.toml", 'a = "inf"\nb = [1,\n-inf, # nan\n]\nc = nan', ":3: -inf is no number that can be sent"),
        ("a.env", "A=1\nwhat is this", ":2: not NAME=value"),
        ("a.env", "A=1\nB\n", ":2: not NAME=value"),
        ("a.jsonnet", "{\n  a: ,\n}", "a.jsonnet:2:6"),
        ("a.jsonnet", "{a: error 'too bad'}", "a.jsonnet:1:5: too bad"),
        ("a.yaml", "- a\n- b", "does not hold names and values"),
        ("a.yaml", "just text", "does not hold names and values"),
        ("a.txt", "a: 1", "cannot tell from its name what kind of data"),
        ("a.yaml", "- name: x\n  props: [{value: 1}]", ":2: a property of x has no name or no value"),
        ("a.yaml", 2 * "- {name: x, props: [{name: a, value: 1}]}\n", ":2: a is given twice\nhint: give each"),
        ("a.json", '[{"props":\n [{"name": "a", "value": 1},\n\t{"name": "a", "value": 2}]}]', ":3: a is given"),
        ("a.yaml", "- props: []\n- name: x", ":2: this resource of the manifest has no list of props"),
        ("a.jsonnet", "local a = 1;\n[{props: [1]}]", "a.jsonnet: a property of None has no name or no value"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_file_and_line(name: str, text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        read(written(tmp_path, name, text))
    assert told in explain(raised.value)
    assert name in explain(raised.value)


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read nowhere\.yaml: No such file"):
        read("nowhere.yaml")
    (tmp_path / "a.yaml").write_bytes(b"a: 1\nb: caf\xe9")
    with pytest.raises(UsageError, match="line 2 is not UTF-8"):
        read(str(tmp_path / "a.yaml"))


def test_files_are_merged_from_left_to_right_then_variables(tmp_path: Path) -> None:
    one = written(tmp_path, "one.yaml", "a: 1\nb: {c: 1, d: [1, 2]}\ne: 1")
    two = written(tmp_path, "two.json", '{"b": {"d": [3], "f": 4}, "e": {"g": 5}}')
    assert gather([one, two], [("a", 9)], environ={}).values == {
        "a": 9,
        "b": {"c": 1, "d": [3], "f": 4},
        "e": {"g": 5},
    }


def test_the_environment_is_read_by_leave(tmp_path: Path) -> None:
    environ = {"A": "1", "B": "2"}
    names = gather([], allowed=["A", "C"], environ=environ).names["env"]
    assert (dict(names), names.names) == ({"A": "1"}, {"A", "C"})
    path = written(tmp_path, "a.yaml", "env: prod")
    assert gather([path], environ=environ).names["env"] == "prod"
    with pytest.raises(UsageError, match="the data has a name env"):
        gather([path], allowed=["A"], environ=environ)


def test_secrets_are_those_of_the_environment_and_of_secret_names() -> None:
    values: dict[str, Any] = {"root_pass": "a", "api": {"token": ["b", {"x": "c"}]}, "label": "d", "api_key": 7}
    assert gather([], values.items(), ["E"], {"E": "e", "F": "f"}).secrets == {"a", "b", "c", "7", "e"}


def test_a_manifest_gives_its_properties(tmp_path: Path) -> None:
    text = "- name: images\n  props:\n  - {name: label, value: web}\n  - {name: disk_id, value: integer}\n"
    found = read(written(tmp_path, "m.yaml", text))
    assert found["label"] == found["images"]["label"] == "web"
    assert isinstance(found["disk_id"], Unset)
