"""What travels stays within the document's bounds."""

from __future__ import annotations

from engine.planner.pushdown import Push, ordered
from provider_registry.catalog import Catalog

LIST = Catalog().resource("linode", "images", "images").methods["get_images"]


def test_an_order_that_would_make_the_filter_too_long_stays_here() -> None:
    bounds = LIST.filtering
    assert bounds is not None
    room = bounds.max_bytes - len('{"label": "", "+order_by": "size", "+order": "desc"}')
    fitting, longer = (Push({"label": "x" * length}) for length in (room, room + 1))
    assert ordered(LIST, fitting, "size", descending=True) is not None
    assert ordered(LIST, longer, "size", descending=True) is None
