"""A whole specification, imported and run against its API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.session import Session
from engine.settings import Settings
from provider_registry.importing.writing import Taken, make
from provider_registry.validation import validate
from tests.importing.kennels import KEEPERS, MEALS, SPEC, Kennel
from tests.remote.served import Asked, serving


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The registry that the specification became."""
    out = tmp_path_factory.mktemp("made")
    make(SPEC, "kennel", out)
    return out


@pytest.fixture
def asked() -> Iterator[Asked]:
    with serving(Kennel().answer) as found:
        yield found


def run(root: Path, asked: Asked, sql: str) -> list[tuple[Any, ...]]:
    """The rows of the last statement."""
    settings = Settings(
        registry=(str(root),), servers={"kennel": f"{asked.url}"}, environ={"KENNEL_TOKEN": "s3cret"}, concurrency=1
    )
    with Session(settings) as session:
        return [result.fetchall() for result in session.run(sql)][-1]


def test_what_was_made_is_sound(root: Path) -> None:
    assert validate(root) == []


def test_the_same_comes_out_every_time(root: Path, tmp_path: Path) -> None:
    make(SPEC, "kennel", tmp_path)

    def texts(below: Path) -> dict[str, str]:
        return {str(path.relative_to(below)): path.read_text() for path in below.rglob("*") if path.is_file()}

    assert texts(tmp_path) == texts(root)
    assert texts(root)["src/kennel/v2.4.0/provider.yaml"].startswith(
        "# Made of kennel.yaml (Kennel 2.4.0) by: stratoql registry import kennel.yaml --provider kennel\n"
        "# It is yours to edit: stratoql registry validate checks it.\n"
    )
    with pytest.raises(Taken):
        make(SPEC, "kennel", tmp_path)


def test_a_list_is_read_to_its_end_and_filtered_there(root: Path, asked: Asked) -> None:
    assert run(root, asked, "SELECT count(id), max(weight) FROM kennel.animals.animals") == [(7, 3.5)]
    assert asked.lines == [f"GET /v2/animals?page={page}&page_size=3" for page in (1, 2, 3)]
    assert {headers["authorization"] for headers in asked.headers} == {"Bearer s3cret"}
    found = run(root, asked, "SELECT id FROM kennel.animals.animals WHERE species = 'cat' AND id > 2 ORDER BY id")
    assert found == [(3,), (5,), (7,)]
    assert asked.headers[-1]["x-filter"] == '{"species":"cat","id":{"+gt":2}}'


def test_a_key_is_one_request(root: Path, asked: Asked) -> None:
    assert run(root, asked, "SELECT name FROM kennel.animals.animals WHERE id = 4") == [("animal 4",)]
    assert asked.lines == ["GET /v2/animals/4"]


def test_insert_replace_delete_and_exec(root: Path, asked: Asked) -> None:
    insert = "INSERT INTO kennel.animals.animals (data__name, data__species) VALUES ('Rex', 'dog') RETURNING id"
    assert run(root, asked, insert) == [(8,)]
    assert (asked.lines[-1], asked.bodies[-1]) == ("POST /v2/animals", {"name": "Rex", "species": "dog"})
    change = "REPLACE kennel.animals.animals SET data__name = 'Max' WHERE id = 8 RETURNING name"
    assert run(root, asked, change) == [("Max",)]
    assert (asked.lines[-1], asked.bodies[-1]) == ("PUT /v2/animals/8", {"name": "Max"})
    run(root, asked, "DELETE FROM kennel.animals.animals WHERE id = 8")
    assert asked.lines[-1] == "DELETE /v2/animals/8"
    assert run(root, asked, "EXEC kennel.animals.animals.walk_animal @animalId = 3, @minutes = 45") == [(1,)]
    assert (asked.lines[-1], asked.bodies[-1]) == ("POST /v2/animals/3/walk", {"minutes": 45})


def test_a_delete_reads_first_where_its_where_is_no_key(root: Path, asked: Asked) -> None:
    run(root, asked, "DELETE FROM kennel.animals.animals WHERE weight > 3")
    assert asked.lines[-1] == "DELETE /v2/animals/7"


def test_every_way_to_go_on_is_gone(root: Path, asked: Asked) -> None:
    meals = run(root, asked, "SELECT food FROM kennel.animals.meals WHERE animalId = 1")
    assert meals == [(meal["food"],) for meal in MEALS]  # by a token
    names = [(keeper["name"],) for keeper in KEEPERS]
    assert run(root, asked, "SELECT name FROM kennel.staff.keepers") == names  # by an offset
    assert run(root, asked, "SELECT name FROM kennel.staff.search WHERE q = 'x'") == names  # by a header


def test_an_operation_that_takes_no_credential_gets_none(root: Path, asked: Asked) -> None:
    run(root, asked, "SELECT name FROM kennel.staff.keepers")
    assert all("authorization" not in headers for headers in asked.headers)


def test_a_row_in_an_envelope_of_its_own(root: Path, asked: Asked) -> None:
    found = run(root, asked, "SELECT shift, json_array_length(animals) FROM kennel.staff.keepers WHERE name = 'Bo'")
    assert found == [("on", 2)]
    assert asked.lines == ["GET /v2/keepers/Bo"]
