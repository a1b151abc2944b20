"""Pages of a list: the limits and shapes seen on the live API."""

from __future__ import annotations

from collections.abc import Mapping

from engine.sandbox.messages import Problem, Row, whole

DEFAULT_SIZE, SMALLEST, LARGEST = 100, 25, 500
_KEYS = ("pages", "data", "results", "page")


def page(rows: list[Row], query: Mapping[str, str], empty: tuple[int, int]) -> Row:
    """The envelope of the page that a query asks for; one beyond the end has no rows. `empty` is (page, pages).

    The order of its keys differs from page to page, as it does from answer to answer on the live API.
    """
    size = _number(query, "page_size", DEFAULT_SIZE)
    if size is None or not SMALLEST <= size <= LARGEST:
        raise Problem(400, (f"Must be {SMALLEST}-{LARGEST}", "page_size"))
    number = _number(query, "page", 1)
    if number is None or number < 1:
        raise Problem(400, ("Must be 1 or more", "page"))
    pages = -(-len(rows) // size)
    if not rows:
        shown, pages = (empty[0] if number == 1 else number), empty[1]
    else:
        shown = number
    envelope = {
        "data": rows[(number - 1) * size : number * size],
        "page": shown,
        "pages": pages,
        "results": len(rows),
    }
    turn = number % len(_KEYS)
    return {key: envelope[key] for key in _KEYS[turn:] + _KEYS[:turn]}


def _number(query: Mapping[str, str], name: str, default: int) -> int | None:
    """A whole number of the query; None where it is something else."""
    text = query.get(name)
    return default if text is None else whole(text)
