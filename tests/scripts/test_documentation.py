"""The documentation's own examples, with its own manifest, become valid statements with typed values."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.data import Data, gather
from engine.errors import Source, StratoqlError, explain
from engine.script import prepare
from tests.statements.fixtures import run

MANIFEST = """\
# Description fields are for documentation purposes
- name: images
  props:
    - name: cloud_init
      value: boolean
      description: >
        Whether this image supports [cloud-init](https://www.linode.com/docs/guides/write-files-with-cloud-init/).
~~~~~~~~
    - name: description
      value: string
      description: >
        A detailed description of this image.
~~~~~~~~
    - name: disk_id
      value: integer
      description: >
        The ID of the target Linode disk for this image.
~~~~~~~~
    - name: label
      value: string
      description: >
        The short title for this image. If not provided, the disk's current label is used.
~~~~~~~~
    - name: tags
      value: array
      description: >
        Tags used for organizational purposes.
~~~~~~~~
""".replace("~", " ")  # the documentation ends some lines in blanks
COLUMNS = """id,
capabilities,
created,
created_by,
deprecated,
description,
eol,
expiry,
is_public,
label,
regions,
size,
status,
tags,
total_size,
type,
updated,
vendor"""
GET_IMAGE = f"SELECT\n{COLUMNS}\nFROM linode.images.images;\n"
GET_IMAGES = """\
SELECT
data,
page,
pages,
results
FROM linode.images.images
WHERE page = '{{ page }}'
AND page_size = '{{ page_size }}';
"""
POST_IMAGE = """\
INSERT INTO linode.images.images (
data__cloud_init,
data__description,
data__disk_id,
data__label,
data__tags
)
SELECT~
{{ cloud_init }},
'{{ description }}',
{{ disk_id }} --required,
'{{ label }}',
'{{ tags }}'
RETURNING
COLUMNS
;
""".replace("COLUMNS", COLUMNS).replace("~", " ")
PUT_IMAGE = """\
REPLACE linode.images.images
SET~
data__description = '{{ description }}',
data__label = '{{ label }}',
data__tags = '{{ tags }}'
WHERE~

RETURNING
COLUMNS;
""".replace("COLUMNS", COLUMNS).replace("~", " ")
DELETE_IMAGE = "DELETE FROM linode.images.images;\n"
UPLOAD = """\
EXEC linode.images.images.post_upload_image~
@@json=
'{
"cloud_init": {{ cloud_init }},~
"description": "{{ description }}",~
"label": "{{ label }}",~
"region": "{{ region }}",~
"tags": "{{ tags }}"
}';
""".replace("~", " ")
REPLICATE = """\
EXEC linode.images.images.post_replicate_image~
@@json=
'{
"regions": "{{ regions }}"
}';
""".replace("~", " ")
DESCRIPTION = """it's "gold" {{ not.a.template }}; -- \\ é😀"""
TAGS = ["web", 'two "words"', "it's"]


@pytest.fixture
def data(tmp_path: Path) -> Data:
    """The manifest, its values in the place of the types, and what it has no property for."""
    filled = MANIFEST.replace("value: boolean", "value: true").replace("value: integer", "value: 25674130")
    filled = filled.replace("value: array", f"value: {json.dumps(TAGS)}")
    filled = filled.replace("value: string", f"value: {json.dumps(DESCRIPTION, ensure_ascii=False)}", 1).replace(
        "value: string", "value: gold"
    )
    (tmp_path / "manifest.yaml").write_text(filled, encoding="utf-8")
    more = {"page": 2, "page_size": 25, "region": "us-east", "regions": ["us-east", "fr-par"]}
    return gather([str(tmp_path / "manifest.yaml")], more.items(), environ={})


def filled(text: str, data: Data) -> str:
    (item,) = prepare(Source(text, "doc.iql"), data, str)
    return item.text


BODY = {"description": DESCRIPTION, "label": "gold", "tags": TAGS}


@pytest.mark.parametrize(
    ("text", "request_line", "body"),
    [
        (GET_IMAGE, "GET /v4/images?page=1&page_size=500", None),
        (GET_IMAGES, "GET /v4/images?page=2&page_size=25", None),
        (POST_IMAGE, "POST /v4/images", {**BODY, "cloud_init": True, "disk_id": 25674130}),
        (UPLOAD, "POST /v4/images/upload", {**BODY, "cloud_init": True, "region": "us-east"}),
        (
            PUT_IMAGE.replace("WHERE \n", "WHERE imageId = 'private/12'\n"),
            "PUT /v4/images/private%2F12",
            BODY,
        ),
        (
            REPLICATE.replace("@@json=", "@imageId = 'private/12'\n@@json="),
            "POST /v4/images/private%2F12/regions",
            {"regions": ["us-east", "fr-par"]},
        ),
    ],
    ids=["get_image", "get_images", "post_image", "post_upload_image", "put_image", "post_replicate_image"],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_an_example_becomes_a_typed_request(
    text: str, request_line: str, body: object, ends: str, data: Data
) -> None:
    outcome = run(filled(text.replace("\n", ends), data))
    assert outcome.error == ""
    (sent,) = outcome.requests
    line, _, sent_body = sent.partition("  {")
    assert line == request_line
    assert (json.loads("{" + sent_body) if sent_body else None) == body


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (PUT_IMAGE, "REPLACE with an empty WHERE is refused"),
        (DELETE_IMAGE, "DELETE without a WHERE is refused"),
        (REPLICATE, "post_replicate_image needs imageId"),
    ],
)
def test_an_example_that_names_no_image_is_refused_as_ever(text: str, told: str, data: Data) -> None:
    outcome = run(filled(text, data))
    assert told in outcome.error
    assert outcome.requests == ()


def test_a_manifest_that_is_not_filled_in_sends_no_types(tmp_path: Path) -> None:
    path = tmp_path / "manifest.yaml"
    path.write_text(MANIFEST, encoding="utf-8")
    with pytest.raises(StratoqlError) as raised:
        filled(POST_IMAGE, gather([str(path)], environ={}))
    assert explain(raised.value) == (
        "error: cloud_init is not filled in: the manifest still has its type, boolean, for its value\n"
        "doc.iql:9:1:\n  {{ cloud_init }},\n  ^^^^^^^^^^^^^^^^\nhint: give it a boolean, or null to leave it out"
    )
