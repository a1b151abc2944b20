"""What travels stays within the document's bounds."""

from __future__ import annotations

from msgspec.structs import replace

from engine.language.dialect import parse_query
from engine.language.text import Text
from engine.planner.predicates import predicates
from engine.planner.pushdown import Push, ordered, push_down
from provider_registry.catalog import Catalog
from provider_registry.model import Filter

LIST = Catalog().resource("linode", "images", "images").methods["get_images"]


def test_an_order_that_would_make_the_filter_too_long_stays_here() -> None:
    bounds = LIST.filtering
    assert bounds is not None
    room = bounds.max_bytes - len('{"label": "", "+order_by": "size", "+order": "desc"}')
    fitting, longer = (Push({"label": "x" * length}) for length in (room, room + 1))
    assert ordered(LIST, fitting, "size", descending=True) is not None
    assert ordered(LIST, longer, "size", descending=True) is None


def test_a_moment_that_is_equal_may_be_spelled_otherwise_and_stays_here() -> None:
    """`2024-03-01 10:00:00` is `2024-03-01T10:00:00` to SQL; the API may compare texts, whatever a document says."""
    rule = Filter(field="created", exact=("=", "IN", ">="))
    columns = tuple(replace(c, filter=rule) if c.name == "created" else c for c in LIST.response.columns)
    method = replace(LIST, response=replace(LIST.response, columns=columns))

    def pushed(condition: str) -> Push:
        return push_down(method, predicates(parse_query(Text(f"SELECT {condition}")).expressions[0]))

    assert pushed("created = '2024-03-01 10:00:00'") == Push()
    assert pushed("created IN ('2024-03-01 10:00:00', '2024-03-02')") == Push()
    assert pushed("created >= '2024-03-01 10:00:00'").filter == {"created": {"+gte": "2024-03-01T10:00:00"}}
