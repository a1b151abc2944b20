"""What a template finds where a name has nothing behind it."""

from __future__ import annotations

from typing import Any, NoReturn

from jinja2.exceptions import UndefinedError
from jinja2.runtime import ChainableUndefined, Undefined


class Used(UndefinedError):
    """An unknown name was used."""

    def __init__(self, unknown: Undefined) -> None:
        super().__init__(str(unknown._undefined_name))
        self.unknown = unknown


class Unknown(ChainableUndefined):
    """A name that nothing has. Whatever is done with it but asking whether it is there is a fault."""

    __slots__ = ()

    def _fail(self, *_: Any, **__: Any) -> NoReturn:
        raise Used(self)  # `ScriptEnvironment.unknown` says what that means

    _fail_with_undefined_error = _fail
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _fail
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pos__ = __neg__ = __call__ = _fail
    __lt__ = __le__ = __gt__ = __ge__ = __int__ = __float__ = __complex__ = __pow__ = __rpow__ = _fail
    __abs__ = __neg__ = __index__ = __round__ = __trunc__ = _fail
    __iter__ = __str__ = __len__ = __bool__ = __eq__ = __ne__ = __contains__ = __hash__ = _fail
