"""What the wire tells while it works: frozen facts for progress, `-v` and timing. No secret is ever in one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple


class Event(NamedTuple):
    """Something that happened. `text` is one line for people; the other fields are the facts in it.

    `request`: one of method `what` of a provider leaves; `response`: its answer is here, or the trouble it ran into,
    after `seconds`; `wait`: it will go on in `seconds`; `page`: rows of page `number` of `of` are decoded, in the
    statement's walk number `walk`, through the list of method `what`; `calls`: of `of` calls of method `what` that
    leave side by side, `number` are done; `ask`: a person is asked before anything else happens; `await`: row `what`,
    in walk number `walk`, is looked at after `seconds`, and of `of` rows `number` are as they should be; `file`: of
    `of` bytes `number` are sent, or compressed, after `seconds`, `what` says which.

    Times are in seconds, sizes in bytes.

    >>> import engine
    >>> heard = []
    >>> with engine.connect(sandbox=True, on_request=heard.append) as connection:
    ...     rows = connection.query("SELECT id FROM linode.images.images WHERE id = 'linode/arch'").fetchall()
    >>> [(event.kind, event.status) for event in heard]
    [('request', None), ('response', 200)]
    """

    kind: Literal["request", "response", "wait", "page", "calls", "ask", "await", "file"]
    text: str
    request: str = ""
    status: int | None = None
    attempt: int = 1
    seconds: float = 0.0
    bytes: int = 0
    what: str = ""
    walk: int = 0
    number: int | None = None
    of: int | None = None
    rows: int = 0
    provider: str = ""
    account: str = ""  # whose token a request carries, where accounts are named


Listener = Callable[[Event], None]


def unheard(_: Event) -> None:
    """The listener of a client that nobody listens to."""
