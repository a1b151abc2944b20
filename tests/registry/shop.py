"""A small provider to take apart: `shop` with the service `stock` and its resource `items`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provider_registry.catalog import Catalog
from provider_registry.documents import read_provider, read_service
from provider_registry.faults import Fault
from provider_registry.model import Method, Param, Resource
from provider_registry.nodes import pointer_parts
from provider_registry.source import parse

PROVIDER = """\
id: shop
name: shop
title: A shop
version: v1.0.0
providerServices:
  stock:
    id: stock:v1.0.0
    name: stock
    title: Stock
    service:
      $ref: shop/v1.0.0/services/stock.yaml
config:
  auth:
    type: bearer
    credentialsenvvar: SHOP_TOKEN
"""

STOCK = """\
openapi: 3.0.3
info: {title: Stock, version: "2"}
servers:
  - url: https://{region}.shop.example/api/
    variables:
      region: {default: eu, enum: [eu, us]}
x-stackQL-config:
  pagination:
    algorithm: page_number
    requestToken: {key: page, location: query}
    responseToken: {key: $.page, location: body}
    responseTerminator: {key: $.pages, location: body}
paths:
  /items:
    get:
      summary: List items
      parameters:
        - {name: page, in: query, schema: {type: integer}}
        - {name: size, in: query, schema: {type: integer, minimum: 10, maximum: 50, default: 20}}
      responses:
        "200":
          content:
            application/json:
              schema:
                type: object
                properties:
                  data: {type: array, items: {$ref: "#/components/schemas/Item"}}
                  page: {type: integer}
                  pages: {type: integer}
    post:
      requestBody:
        content:
          application/json:
            schema: {$ref: "#/components/schemas/Item"}
      responses:
        "201": {content: {application/json: {schema: {$ref: "#/components/schemas/Item"}}}}
  /items/{itemId}:
    parameters:
      - {name: itemId, in: path, required: true, schema: {type: string}, x-stratoql-key: id}
    get:
      responses:
        "200": {content: {application/json: {schema: {$ref: "#/components/schemas/Item"}}}}
    delete:
      responses:
        "204": {description: gone}
components:
  schemas:
    Item:
      type: object
      required: [name, id]
      properties:
        id: {type: string, readOnly: true}
        name: {type: string, minLength: 1, maxLength: 20}
        price: {type: number, nullable: true}
        tags: {type: array, items: {type: string}}
  x-stackQL-resources:
    items:
      id: shop.stock.items
      name: items
      title: Items
      methods:
        get_item:
          operation: {$ref: "#/paths/~1items~1{itemId}/get"}
          response: {mediaType: application/json, openAPIDocKey: "200"}
        list_items:
          operation: {$ref: "#/paths/~1items/get"}
          response: {mediaType: application/json, openAPIDocKey: "200", objectKey: $.data}
        add_item:
          operation: {$ref: "#/paths/~1items/post"}
          response: {mediaType: application/json, openAPIDocKey: "201"}
        drop_item:
          operation: {$ref: "#/paths/~1items~1{itemId}/delete"}
          response: {mediaType: application/json, openAPIDocKey: "204"}
      sqlVerbs:
        select:
          - $ref: "#/components/x-stackQL-resources/items/methods/get_item"
          - $ref: "#/components/x-stackQL-resources/items/methods/list_items"
        insert:
          - $ref: "#/components/x-stackQL-resources/items/methods/add_item"
        update: []
        delete:
          - $ref: "#/components/x-stackQL-resources/items/methods/drop_item"
"""

ITEMS = "/components/x-stackQL-resources/items"
ITEM = "/components/schemas/Item"
LIST = f"{ITEMS}/methods/list_items"
GET = f"{ITEMS}/methods/get_item"
ADD = f"{ITEMS}/methods/add_item"
DROP = f"{ITEMS}/methods/drop_item"
PAGES = "/x-stackQL-config/pagination"
LISTED = "/paths/~1items/get"
ADDED = "/paths/~1items/post"
ONE = "/paths/~1items~1{itemId}"
BODY = f"{ADDED}/requestBody/content/application~1json/schema"
ANSWER = f"{ONE}/get/responses/200/content/application~1json/schema"

ITEM_REF = "{$ref: '#/components/schemas/Item'}"

Edits = Mapping[str, str | None]  # JSON pointer -> what shall stand there, as YAML; None removes it


def edited(text: str, edits: Edits) -> str:
    """A document with what stands at each pointer replaced. JSON is YAML, so that is what is written."""
    document = parse(text.encode())[0]
    for pointer, value in edits.items():
        *above, key = pointer_parts(pointer)
        at: Any = document
        for part in above:
            at = at[int(part)] if isinstance(at, list) else at.setdefault(part, {})
        place: Any = int(key) if isinstance(at, list) else key
        if value is None:
            del at[place]
        elif isinstance(at, list) and place == len(at):
            at.append(parse(value.encode())[0])
        else:
            at[place] = parse(value.encode())[0]
    return json.dumps(document)


def write(root: Path, stock: str = STOCK, provider: str = PROVIDER, version: str = "v1.0.0", **others: str) -> Path:
    """The shop below a root; `others` are further files of its version folder, `__` for a slash. Gives the root."""
    folder = root / "src" / "shop" / version
    files = {"provider.yaml": provider, "services/stock.yaml": stock}
    files |= {f"{name.replace('__', '/')}.yaml": text for name, text in others.items()}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return root


def items(root: Path) -> Resource:
    """The resource `items` of the shop below a root."""
    return Catalog([root]).service("shop", "stock").resources["items"]


def method(root: Path, name: str, edits: Edits, provider: str = PROVIDER) -> Method:
    """A method of the shop whose document is edited so."""
    return items(write(root, edited(STOCK, edits), provider)).methods[name]


def faults(root: Path) -> list[Fault]:
    """Everything that reading the shop finds, warnings too."""
    reading = read_provider(root / "src/shop/v1.0.0/provider.yaml")
    found = list(reading.faults)
    for ref in reading.value.services.values():
        found += [fault for fault in read_service(ref).faults if fault not in found]
    return found


def names(found: Method, location: str) -> list[str]:
    """The SQL names of a method's inputs of one place."""
    return [param.name for param in found.params if param.location == location]


def param(found: Method, name: str) -> Param:
    """The input of this SQL name."""
    return next(param for param in found.params if param.name == name)


def columns(found: Method) -> list[str]:
    """The names of the columns of a method's rows."""
    return [column.name for column in found.response.columns]
