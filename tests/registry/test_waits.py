"""What a document says of waiting and of files: read, and every name in it checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from provider_registry.catalog import Catalog
from provider_registry.model import Await, Goal, Upload
from tests.registry import shop
from tests.registry.shop import ADD, GET, ITEM, STOCK

AWAIT, UPLOAD = f"{ADD}/x-stratoql-await", f"{ADD}/x-stratoql-upload"
UNTIL = "until: [{column: name, ready: [here], failed: [lost]}]"
RULE = f"{{method: get_item, keys: {{itemId: $.id}}, {UNTIL}}}"


def test_a_wait_and_a_file_are_read(tmp_path: Path) -> None:
    edits = {
        AWAIT: "{method: get_item, keys: {itemId: name}, gone: it was refused, shows: {price: EUR}, into: tags, "
        "until: [{column: name, ready: [here], failed: [lost]}, "
        "{column: tags, member: state, key: place, each: tags, ready: [stored, sold]}]}",
        UPLOAD: "{url: $.name, media_type: image/png, gzip: true, max_bytes: 10, max_raw_bytes: 20, seconds: 60}",
    }
    root = shop.write(tmp_path, shop.edited(STOCK, edits))
    method = Catalog([root]).service("shop", "stock").resources["items"].methods["add_item"]
    assert method.awaits == Await(
        method="get_item",
        keys=(("itemId", "name"),),
        goals=(
            Goal(column="name", ready=("here",), failed=("lost",)),
            Goal(column="tags", ready=("stored", "sold"), member="state", key="place", each="tags"),
        ),
        shows=(("price", "EUR"),),
        into="tags",
        gone="it was refused",
    )
    assert method.upload == Upload(
        url="$.name", media_type="image/png", gzip=True, max_bytes=10, max_raw_bytes=20, seconds=60
    )


def test_a_method_can_be_looked_at_by_itself_and_most_need_no_wait(tmp_path: Path) -> None:
    root = shop.write(tmp_path, shop.edited(STOCK, {f"{GET}/x-stratoql-await": f"{{{UNTIL}}}"}))
    methods = Catalog([root]).service("shop", "stock").resources["items"].methods
    assert methods["get_item"].awaits == Await(
        method="get_item", goals=(Goal(column="name", ready=("here",), failed=("lost",)),)
    )
    assert [name for name, method in methods.items() if method.awaits or method.upload] == ["get_item"]


@pytest.mark.parametrize(
    ("edits", "pointer", "sentence"),
    [
        ({AWAIT: RULE.replace("get_item", "get_itm")}, f"{AWAIT}/method",
         "there is no method 'get_itm' here; did you mean 'get_item'?"),
        ({AWAIT: RULE.replace("get_item", "drop_item")}, f"{AWAIT}/method",
         "drop_item does not read: it cannot look whether something is done"),
        ({AWAIT: RULE.replace(UNTIL, "until: []")}, AWAIT, "says nothing to wait for in until"),
        ({AWAIT: RULE.replace("itemId", "itmId")}, f"{AWAIT}/keys/itmId",
         "get_item has no parameter 'itmId'; did you mean 'itemId'?"),
        ({AWAIT: RULE.replace("keys: {itemId: $.id}, ", "")}, AWAIT,
         "get_item needs itemId: say in keys where it comes from"),
        ({AWAIT: RULE.replace("$.id", "$.idd")}, f"{AWAIT}/keys/itemId",
         "the rows of add_item have no column 'idd'; did you mean 'id'?"),
        ({AWAIT: RULE.replace("$.id", "'$['")}, f"{AWAIT}/keys/itemId", "'$[' is not a path into the answer"),
        ({AWAIT: RULE.replace("$.id", "nme")}, f"{AWAIT}/keys/itemId",
         "add_item has no parameter 'nme'; did you mean 'name'?"),
        ({AWAIT: RULE.replace("column: name", "column: nme")}, f"{AWAIT}/until/0/column",
         "the rows of get_item have no column 'nme'; did you mean 'name'?"),
        ({AWAIT: RULE.replace("column: name", "column: tags, each: tgs, key: a, member: b")}, f"{AWAIT}/until/0/each",
         "add_item has no parameter 'tgs'; did you mean 'tags'?"),
        ({AWAIT: RULE.replace("column: name", "column: tags, each: tags")}, f"{AWAIT}/until/0/each",
         "each names the elements that count: it goes with key, which holds them, and member"),
        ({AWAIT: RULE.replace("[here]", "[]")}, f"{AWAIT}/until/0", "names no state in ready"),
        ({AWAIT: RULE[:-1] + ", shows: {prize: EUR}}"}, f"{AWAIT}/shows/prize", "did you mean 'price'?"),
        ({AWAIT: RULE[:-1] + ", into: row}"}, f"{AWAIT}/into", "the rows of add_item have no column 'row'"),
        ({UPLOAD: "{url: $.name}"}, UPLOAD,
         "a file is sent to something that can be looked up: say how in x-stratoql-await"),
        ({AWAIT: RULE, UPLOAD: "{url: name}"}, f"{UPLOAD}/url",
         "'name' is not a path into the answer such as $.id"),
        ({AWAIT: RULE, UPLOAD: "{url: $.tags.first}"}, f"{UPLOAD}/url",
         "the address stands in a column of the answer, not deeper"),
        ({AWAIT: RULE, UPLOAD: "{url: $.address}"}, f"{UPLOAD}/url", "the rows of add_item have no column 'address'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_with_its_place(
    edits: shop.Edits, pointer: str, sentence: str, tmp_path: Path
) -> None:
    faults = shop.faults(shop.write(tmp_path, shop.edited(STOCK, edits)))
    assert any(sentence in f.message for f in faults if f.pointer == pointer and f.severity == "error"), faults


def test_columns_that_no_schema_declares_are_not_missed(tmp_path: Path) -> None:
    edits = {AWAIT: RULE.replace("$.id", "$.anything"), f"{ITEM}/properties": None, f"{ITEM}/required": None}
    faults = shop.faults(shop.write(tmp_path, shop.edited(STOCK, edits)))
    assert not [fault for fault in faults if fault.pointer.startswith(f"{AWAIT}/keys")]
