"""What authentication adds to a request: found where the document says, shown to nobody, sent to one origin only."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from msgspec import Struct

from engine.accounts import token_of
from engine.errors import CredentialError
from engine.settings import Settings
from engine.wire.masking import MASK, concealed
from engine.wire.servers import origin
from provider_registry.protocol import Auth, Credential


class Secret:
    """A text that prints as `***`; only `reveal()` gives it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself: for the request that carries it, and nothing else."""
        return self._text

    def __repr__(self) -> str:
        return MASK


class Grant(Struct, frozen=True):
    """What to add to a request: a header or a query parameter, its name and its secret value.

    `source` says where the secret was found; empty where nothing is added.
    """

    headers: tuple[tuple[str, Secret], ...] = ()
    query: tuple[tuple[str, Secret], ...] = ()
    source: str = ""
    raw: tuple[Secret, ...] = ()  # the same in other spellings, as it was found for one
    form: tuple[tuple[str, Secret], ...] = ()  # what to add to a form

    @property
    def account(self) -> int:
        """What tells whose requests these are, without telling the secret: it means nothing outside this process."""
        return hash(tuple(value.reveal() for _, value in self._added))

    @property
    def _added(self) -> tuple[tuple[str, Secret], ...]:
        return (*self.headers, *self.query, *self.form)

    def fingerprint(self, salt: str) -> str:
        """The same for other processes: what two credentials have in common only if they are one, for one salt.

        Made slowly, so that nobody finds a short password by trying. Empty where nothing is added.
        """
        import hashlib  # here: most statements need none

        told = "\0".join(value.reveal() for _, value in self._added)
        return hashlib.pbkdf2_hmac("sha256", told.encode(), salt.encode(), _ROUNDS).hex()[:32] if told else ""

    def scrub(self, text: str) -> str:
        """A text without the secrets: an answer may quote what was sent, and what is shown of it may be cut there."""
        raw = [secret.reveal() for secret in self.raw]
        for sent in sorted((value.reveal() for _, value in self._added), key=len, reverse=True):
            text = text.replace(sent, MASK) if len(sent) >= _TELLING else text
            raw += [sent] if not any(part in sent for part in raw) else []
        return concealed(text, [secret for secret in raw if len(secret) >= _TELLING])


_ROUNDS = 20_000
_TELLING = 4  # characters: a shorter secret stands in every other word


def authorize(
    auth: Auth,
    provider: str,
    settings: Settings,
    *,
    url: str,
    home: str,
    account: str | None = None,
    token: str | None = None,
) -> Grant:
    """What a request to `url` carries. `home` is the origin of the provider: no other may see its credential.

    The token of a named `account` stands above `settings.token`, that above the places the document names; those are
    tried in order. `token` is what the client's credentials were changed for.

    Raises CredentialError: none found and the API needs one, one that cannot be sent, a foreign origin, or a way of
    signing in that is out of reach.
    """
    if auth.type == "null_auth" and auth.successor is None:
        return Grant()
    if origin(url) != home:
        raise CredentialError(
            f"{origin(url)} must not see the credential of {provider}, which belongs to {home}",
            hint="a request with a credential goes to the provider's own address only",
        )
    own = replace(settings, token=settings.token or token)
    grant = _granted(auth, provider, own if auth.type == "oauth2" else settings, account)
    if auth.successor is None:
        return grant
    # A token that is given takes the place of the first secret only.
    second = authorize(auth.successor, provider, replace(settings, token=None), url=url, home=home)
    return Grant(
        (*grant.headers, *second.headers),
        (*grant.query, *second.query),
        grant.source or second.source,
        (*grant.raw, *second.raw),
    )


def _granted(auth: Auth, provider: str, settings: Settings, account: str | None) -> Grant:
    """What the one secret of a request adds to it."""
    if auth.type == "null_auth":
        return Grant()
    if auth.type == "unsupported" or (auth.type == "oauth2" and settings.token is None and account is None):
        named = auth.unsupported or auth.type
        raise CredentialError(
            f"{provider} signs in with {named}, which this program cannot do",
            hint="get a token with the vendor's own tool and give it as the token",
        )
    found = _token(auth, settings, account)
    if found is None:
        if auth.optional:
            return Grant()
        raise _absent(provider, auth.credentials, settings)
    text, source = found
    if auth.type == "basic" and auth.username is not None:
        return _with_user(auth, auth.username, provider, settings, text, source)
    _check(text, source, _BLANKS)
    value = Secret(_prefix(auth) + text)
    raw = (Secret(text),)
    name = auth.name if auth.type in ("api_key", "custom") else "Authorization"
    if auth.location == "query" and auth.type in ("api_key", "custom"):
        return Grant(query=((name, value),), source=source, raw=(*raw, Secret(quote(value.reveal(), safe=""))))
    return Grant(headers=((name, value),), source=source, raw=raw)


def found_in(auth: Auth, settings: Settings) -> str | None:
    """Where the credential comes from, in words; None where there is none. Raises CredentialError as `authorize`."""
    found = _token(auth, settings)
    return found[1] if found is not None else None


def places(credentials: tuple[Credential, ...], settings: Settings) -> list[str]:
    """Where a credential is looked for, in words, in order."""
    words = []
    for credential in credentials:
        if credential.env:
            words.append(credential.env)
        words += [f"{credential.ini_key} in {path}" for path in _ini_paths(credential, settings)]
    return words


def _prefix(auth: Auth) -> str:
    """What stands before the secret, where the document does not say."""
    return auth.prefix or {"bearer": "Bearer ", "oauth2": "Bearer ", "basic": "Basic "}.get(auth.type, "")


def _token(auth: Auth, settings: Settings, account: str | None = None) -> tuple[str, str] | None:
    if account is not None:
        profile = settings.accounts[account]
        return token_of(profile, settings.environ), f"{profile.place} (account {account})"
    if settings.token is not None:
        return settings.token, "the settings"
    return _first(auth.credentials, settings)


def _with_user(auth: Auth, user: Credential, provider: str, settings: Settings, text: str, source: str) -> Grant:
    """User and password in one header. Either may hold blanks, but nothing that ends a line."""
    named = _first((user,), settings)
    if named is None:
        raise _absent(provider, (user,), settings)
    for part, place in ((named[0], named[1]), (text, source)):
        _check(part, place, _CONTROLS)
    if ":" in named[0]:
        raise CredentialError(f"the user from {named[1]} holds a colon, which ends a user's name in basic auth")
    coded = base64.b64encode(f"{named[0]}:{text}".encode()).decode()
    return Grant((("Authorization", Secret(_prefix(auth) + coded)),), (), source, (Secret(text), Secret(coded)))


_BLANKS = re.compile(r"[^!-~]")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def _check(text: str, source: str, bad: re.Pattern[str]) -> None:
    """Refuse what cannot stand in a header, without a word of it."""
    if not text or bad.search(text):
        what = "is empty" if not text else "holds a blank, a line break or a character that is not ASCII"
        raise CredentialError(f"the credential from {source} {what}", hint="set it again, without quotes and blanks")


def _absent(provider: str, credentials: tuple[Credential, ...], settings: Settings) -> CredentialError:
    looked = places(credentials, settings)
    variable = next((credential.env for credential in credentials if credential.env), None)
    return CredentialError(
        f"no credential for {provider}: looked at {', '.join(looked) or 'no place, its document names none'}",
        hint=f"set {variable}" if variable else "give a token",
    )


def client(auth: Auth, provider: str, settings: Settings) -> tuple[str, str]:
    """The id and the secret of a client that wants a token. Raises CredentialError where one of them is not set."""
    found = []
    for credentials in ((auth.username,) if auth.username else (), auth.credentials):
        first = _first(credentials, settings)
        if first is None:
            raise _absent(provider, credentials, settings)
        _check(*first, _CONTROLS)
        found.append(first[0])
    return found[0], found[1]


def _first(credentials: tuple[Credential, ...], settings: Settings) -> tuple[str, str] | None:
    """The first secret that is set, and where."""
    for credential in credentials:
        if credential.env and settings.environ.get(credential.env):
            return settings.environ[credential.env], credential.env
        for path in _ini_paths(credential, settings):
            if _is_file(path) and (text := _from_ini(path, credential.ini_key)):
                return text, str(path)
    return None


def _ini_paths(credential: Credential, settings: Settings) -> list[Path]:
    """Where the vendor's tool keeps its file: where `<NAME>_CONFIG` says; else in the home folder as its older
    releases had it, then among the user's configuration.
    """
    name, environ = credential.ini, settings.environ
    if not name or "/" in name or "\\" in name:  # a document names a file of its vendor, not any file of the user
        return []
    if named := environ.get(f"{name.upper().replace('-', '_')}_CONFIG"):
        return [Path(named)]
    home, config = environ.get("HOME") or environ.get("USERPROFILE"), environ.get("XDG_CONFIG_HOME")
    older = [Path(home) / f".{name}"] if home else []
    among = Path(config) if config else Path(home) / ".config" if home else None
    return [*older, among / name] if among else older


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a home folder of somebody else: nothing of ours is in it
        return False


def _from_ini(path: Path, key: str) -> str:
    """The key of the section that `default-user` names; of the only one, where nothing is named.

    A file that is there and cannot be read is an error: to go on without would answer less than the user may see.
    """
    from configparser import ConfigParser
    from configparser import Error as BadIni

    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"))
    except (BadIni, OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no ini file"  # the rest would quote its lines
        raise CredentialError(
            f"cannot read {path}: {why}", hint="mend it, or set the token in the environment"
        ) from None
    user = parser.defaults().get("default-user")
    sections = parser.sections()
    if user is None and len(sections) > 1:
        raise CredentialError(f"{path} has {len(sections)} users and names none as default-user")
    section = user or (sections[0] if sections else parser.default_section)
    if section != parser.default_section and section not in sections:
        raise CredentialError(f"{path} names a default-user that has no section in it")
    return parser[section].get(key, "")
