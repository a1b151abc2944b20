"""Of what type an input is, as the document says; nothing where nobody knows."""

from __future__ import annotations

import pytest

from engine.language.parser import parse
from engine.planner.inputs import shape_of
from engine.planner.names import Names
from provider_registry.catalog import Catalog

NAMES = Names(Catalog())
IMAGES = "linode.images.images"


@pytest.mark.parametrize(
    ("sql", "name", "kind"),
    [
        (f"INSERT INTO {IMAGES} (data__disk_id, data__tags) VALUES (1, '[]')", "data__tags", "array"),
        (f"INSERT INTO {IMAGES} (data__disk_id, data__tags) VALUES (1, '[]')", "data__disk_id", "integer"),
        (f"REPLACE {IMAGES} SET data__label = 'a' WHERE id = 'private/1'", "data__label", "string"),
        (f"EXEC {IMAGES}.post_upload_image @cloud_init = true", "cloud_init", "boolean"),
        (f"EXPLAIN EXEC {IMAGES}.post_replicate_image @regions = '[]'", "regions", "array"),
        (f"EXEC {IMAGES}.post_upload_image @nonsense = true", "nonsense", None),
        (f"SELECT id FROM {IMAGES}", "id", None),
        ("INSERT INTO linode.images.imgs (a) VALUES (1)", "a", None),
        (f"UPDATE {IMAGES} SET label = 'a' WHERE id = 'private/1'", "label", None),
    ],
)
def test_the_type_of_an_input(sql: str, name: str, kind: str | None) -> None:
    (statement,) = parse(sql)
    shape = shape_of(statement.body, name, NAMES)
    assert (shape and shape.type) == kind
