"""The API that `kennel.yaml` describes, as small as can be; and specifications in few lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from provider_registry.importing.writing import Made, make
from tests.remote.served import Answer

SPEC = Path(__file__).parent / "kennel.yaml"
MEALS = [{"id": number, "food": f"meal {number}"} for number in range(5)]
KEEPERS = [{"name": name, "shift": "on", "animals": [1, 2]} for name in ("Ada", "Bo", "Cy", "Di", "Ed")]


class Kennel:
    """Owns the animals; `answer` is what its server says."""

    def __init__(self) -> None:
        self.animals = [
            {
                "id": number,
                "name": f"animal {number}",
                "species": "cat" if number % 2 else "dog",
                "weight": number / 2,
            }
            for number in range(1, 8)
        ]

    def answer(self, method: str, path: str, body: Any) -> Answer:
        """What the API would."""
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        words = parts.path.split("/")[2:]
        match (method, words):
            case ("GET", ["animals"]):
                return self._page(int(query.get("page", 1)), int(query.get("page_size", 3)))
            case ("POST", ["animals"]):
                self.animals.append({"id": len(self.animals) + 1, **body})
                return said(self.animals[-1], 201)
            case (_, ["animals", number]):
                return self._one(method, int(number), body)
            case ("POST", ["animals", _, "walk"]):
                return said({"tired": body["minutes"] > 30})
            case ("GET", ["animals", _, "meals"]):
                start = int(query.get("cursor", 0))
                more = str(start + 2) if start + 2 < len(MEALS) else None
                return said({"meals": MEALS[start : start + 2], "meta": {"next_cursor": more}})
            case ("GET", ["keepers"]):
                start = int(query.get("offset", 0))
                return said(KEEPERS[start : start + int(query.get("limit", 2))])
            case ("GET", ["keepers", "search"]):
                start = int(query.get("at", 0))
                link = {"Link": f'</v2/keepers/search?q=x&at={start + 3}>; rel="next"'} if start + 3 < 5 else {}
                return 200, json.dumps(KEEPERS[start : start + 3]).encode(), link
            case ("GET", ["keepers", name]):
                return said({"keeper": next(keeper for keeper in KEEPERS if keeper["name"] == name)})
        return said({"error": "no such thing"}, 404)

    def _page(self, page: int, size: int) -> Answer:
        data = self.animals[(page - 1) * size : page * size]
        count = len(self.animals)
        return said({"data": data, "page": page, "pages": -(-count // size), "results": count})

    def _one(self, method: str, number: int, body: Any) -> Answer:
        found = next((animal for animal in self.animals if animal["id"] == number), None)
        if found is None:
            return said({"error": "no such animal"}, 404)
        if method == "DELETE":
            self.animals.remove(found)
            return 204, b"", {}
        if method == "PUT":
            found.update(body)
        return said(found)


def said(value: Any, status: int = 200) -> Answer:
    return status, json.dumps(value).encode(), {"Content-Type": "application/json"}


Draft = Callable[..., Any]


def spec(folder: Path, paths: dict[str, Any], name: str = "spec.json", **more: Any) -> Path:
    """A specification of these paths in a file."""
    folder.mkdir(parents=True, exist_ok=True)
    said = {
        "openapi": "3.0.3",
        "info": {"title": "Spec", "version": "1.2"},
        "servers": [{"url": "https://a.example"}],
    }
    (folder / name).write_text(json.dumps({**said, "paths": paths, **more}))
    return folder / name


def made(folder: Path, paths: dict[str, Any], **more: Any) -> Made:
    """Documents of a specification of these paths."""
    return make(spec(folder, paths, **more), "api", folder / "out")


def get(schema: Any = None, *query: Any, **more: Any) -> dict[str, Any]:
    """A GET whose answer has this schema, with these parameters of the query: names, or names and schemas."""
    pairs = [(each, {"type": "string"}) if isinstance(each, str) else each for each in query]
    parameters = [{"name": name, "in": "query", "schema": what} for name, what in pairs]
    content = {"application/json": {"schema": schema}} if schema is not None else {}
    return {"get": {"parameters": parameters, "responses": {"200": {"description": "", "content": content}}, **more}}


def listed(**beside: Any) -> dict[str, Any]:
    """The schema of an envelope with rows in `data`, and what is beside them: names and types."""
    around = {name: {"type": kind} if isinstance(kind, str) else kind for name, kind in beside.items()}
    rows = {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "integer"}}}}
    return {"type": "object", "properties": {"data": rows, **around}}
