"""Commands about the conversation itself: variables, token, provider, its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from engine.accounts import names
from engine.errors import UsageError
from engine.repl.commands.registry import command
from engine.wire.masking import MASK, secret_name

if TYPE_CHECKING:
    from engine.repl.desk import Desk


class Leave(Exception):
    """The person wants to go."""


@command("\\set", "[NAME [VALUE]]", takes="variable")
def set_(desk: Desk, argument: str) -> None:
    """A variable of templates, {{ NAME }}; or show it."""
    name, _, value = argument.partition(" ")
    if name and not name.isidentifier():
        raise UsageError(f"{name!r} cannot name a variable", hint="letters, digits and _ make a name")
    if value:
        desk.variables[name] = _unquoted(value.strip())
        return
    if name and name not in desk.variables:
        raise UsageError(f"{name} is not set", hint=f"\\set {name} VALUE sets it")
    shown = {name: desk.variables[name]} if name else desk.variables
    lines = (f"{n} = {MASK if secret_name(n) else v}" for n, v in shown.items())
    desk.say("\n".join(lines) or "no variable is set")


@command("\\unset", "NAME", takes="variable")
def unset(desk: Desk, argument: str) -> None:
    """Forget a variable."""
    if desk.variables.pop(argument, None) is None:
        raise UsageError(f"{argument or 'nothing'} is not set")


@command("\\use", "[PROVIDER]", takes="provider")
def use(desk: Desk, argument: str) -> None:
    """Look names of two parts up in this provider."""
    if argument:
        desk.look(f"USE {argument}")
        desk.look_up_account()
    else:
        desk.say(f"using {desk.session.names.provider or 'no provider: names have three parts'}")


@command("\\token")
def token(desk: Desk, argument: str) -> None:
    """Where the token is from, and another one, typed unseen."""
    if argument:
        raise UsageError(
            "a token does not belong on the screen; it was not used, and the history file has not got it",
            hint="type \\token alone, then the token where nobody sees it",
        )
    if desk.account:
        desk.say(desk.account)
    typed = desk.ask("token for this shell (Enter keeps what there is): ", secret=True).strip()
    if typed:
        desk.session.sign_in(typed)
        desk.look_up_account()
        desk.say(desk.account)


@command("\\account", "[NAMES]")
def account(desk: Desk, argument: str) -> None:
    """Speak for these accounts (prod,staging), or for `none`."""
    if argument:
        desk.session.speak_for(() if argument == "none" else names(argument))
        desk.look_up_account()
    named = desk.session.settings.account
    desk.say(f"speaking for {', '.join(named)}" if named else "no account is named: \\account NAMES names some")


@command("\\q")
def leave(desk: Desk, argument: str) -> NoReturn:
    """Leave (Ctrl-D)."""
    raise Leave


def _unquoted(value: str) -> str:
    """A value without the quotes around it.

    >>> _unquoted("'it''s'"), _unquoted("plain")
    ("it's", 'plain')
    """
    if len(value) > 1 and value[0] == value[-1] == "'":
        return value[1:-1].replace("''", "'")
    return value
