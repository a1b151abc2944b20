"""Text that may be shown: secrets masked, control characters out, long things shortened."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus, urlsplit, urlunsplit

from engine.accounts import Profile, token_of
from engine.errors import CredentialError
from engine.settings import Settings

MASK = "***"
_FOLDERS = ("PWD", "OLDPWD")  # of a shell: where it is, and was
_TELLING = 6  # characters: a shorter secret stands in every other word
_SHORT, _HEAD = 4, 4  # characters: a shorter secret is masked as a word only; a start that gives one away
_SECRET = re.compile(
    r"(^|_)(pass|passwd|password|passphrase|pwd|secret|token|apikey|accesskey|privatekey|secretkey"
    r"|(api|access|private|secret|account)_key|signature|sig|credentials?|authorization|jwt)s?$"
)
_CURSOR = re.compile(r"(^|_)(page|next|prev|previous|continuation|continue|sync|cursor)_token$")
_SIGNED = re.compile(r"(^|_)(signature|sig|security_token)$")


def secret_name(name: str) -> bool:
    """Whether what has this name is likely a secret.

    >>> [name for name in ("root_pass", "apiKey", "X-Amz-Signature", "label", "pageToken") if secret_name(name)]
    ['root_pass', 'apiKey', 'X-Amz-Signature']
    """
    words = _words(name)
    return bool(_SECRET.search(words)) and not _CURSOR.search(words)


def _words(name: str) -> str:
    """A name in lower case, its words joined by `_`, however they were joined.

    >>> _words("X-Amz-Credential"), _words("nextPageToken"), _words("APIKey")
    ('x_amz_credential', 'next_page_token', 'api_key')
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[\W_]+", "_", spaced).strip("_").lower()


def masked(url: str) -> str:
    """A URL without the secrets that its query may hold; of a signed one the query goes as a whole.

    >>> masked("https://h/v4/images?page=1&api_key=s3cr3t")
    'https://h/v4/images?page=1&api_key=***'
    >>> masked("https://h/image.gz?X-Amz-Date=1&X-Amz-Signature=ab")
    'https://h/image.gz?***'
    """
    parts = urlsplit(url)
    pairs = [pair.partition("=") for pair in parts.query.split("&")] if parts.query else []
    names = [unquote_plus(name) for name, _, _ in pairs]
    if any(_SIGNED.search(_words(name)) for name in names):
        query = MASK
    else:
        query = "&".join(
            name + equals + (MASK if equals and secret_name(plain) else value)
            for plain, (name, equals, value) in zip(names, pairs, strict=True)
        )
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


def veiled(url: str) -> str:
    """An address that is itself a permission: who is asked, and nothing more.

    >>> veiled("https://h:444/bucket/key?Signature=ab")
    'https://h:444/***'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/{MASK}"


def hidden(value: Any) -> Any:
    """A JSON value whose members with the name of a secret are masked, at any depth.

    >>> hidden({"label": "a", "root_pass": "x", "users": [{"password": None}]})
    {'label': 'a', 'root_pass': '***', 'users': [{'password': None}]}
    """
    if isinstance(value, dict):
        return {k: MASK if v is not None and secret_name(str(k)) else hidden(v) for k, v in value.items()}
    return [hidden(element) for element in value] if isinstance(value, list) else value


def at_hand(settings: Settings) -> list[str]:
    """The secrets that a text may hold: the tokens that were given, and what the environment calls one."""
    variables = {profile.token_env for profile in settings.accounts.values()}
    named = [
        value
        for name, value in settings.environ.items()
        if name in variables or (secret_name(name) and name not in _FOLDERS)
    ]
    given = (settings.token, *(profile.token or _filed(profile) for profile in settings.accounts.values()))
    return [value for value in (*(token or "" for token in given), *named) if len(value) >= _TELLING]


def _filed(profile: Profile) -> str:
    """The token of an account that has it in a file; none where it cannot be read, which is told when it is used."""
    try:
        return token_of(profile, {}) if profile.token_file is not None else ""
    except CredentialError:
        return ""


def clean(text: str, limit: int = 200) -> str:
    """Foreign text on one line: without control characters, at most `limit` long; dots tell that it was longer.

    >>> clean("a\\n\\tb \\x1b[31mred" + "." * 9, limit=12)
    'a b [31mr...'
    """
    flat = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * limit]).split())
    return flat if len(flat) <= limit and len(text) <= 4 * limit else flat[: limit - 3] + "..."


def shown(value: Any, name: str = "") -> str:
    """A value as an error shows it; not at all where its name is that of a secret.

    >>> shown("a" * 99), shown(None), shown("hunter2", "root_pass"), shown(b"x"), shown(True)
    ("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...", 'NULL', '***', 'binary data', 'true')
    """
    if value is None:
        return "NULL"
    if secret_name(re.sub(r"\[\d+\]$", "", name)):
        return MASK
    if isinstance(value, bool):
        return str(value).lower()
    return "binary data" if isinstance(value, bytes) else clean(repr(value), 60)


def concealed(text: str, secrets: Iterable[str]) -> str:
    """Text without these secrets, however SQL, JSON, a URL or Python spells them, cut short or whole.

    >>> concealed("label = 'it''s me' in /images/it%27s%20me, tagged [me]", ["it's me"])
    "label = '***' in /images/***, tagged [me]"
    >>> concealed("expects an integer, got 'correct-horse-b...'", ["correct-horse-battery"])
    "expects an integer, got '***...'"
    """
    spelled = sorted({each for secret in secrets for each in _spellings(secret)}, key=len, reverse=True)
    for spelling in spelled:
        text = _without(text, spelling)
    for spelling in spelled:
        text = _without_start(text, spelling)
    return text


def _spellings(secret: str) -> set[str]:
    told = {json.dumps(secret, ensure_ascii=ascii)[1:-1] for ascii in (True, False)}
    plain = {secret, *told, repr(secret)[1:-1], " ".join(secret.split()), *secret.splitlines()}
    return {
        each for s in plain for each in (s, s.replace("'", "''"), quote(s), quote(s, safe=""), quote_plus(s)) if each
    }


def _without(text: str, secret: str) -> str:
    if len(secret) < _SHORT:  # a letter or two may be part of any word
        return re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", MASK, text)
    return text.replace(secret, MASK)


def _without_start(text: str, secret: str) -> str:
    """What `clean` has cut short: the secret's start, then dots."""
    end = text.find("...")
    while end >= 0:
        size = next((n for n in range(min(len(secret), end), _HEAD - 1, -1) if text.endswith(secret[:n], 0, end)), 0)
        text = text[: end - size] + MASK + text[end:] if size else text
        end = text.find("...", end - size + 3 + len(MASK) if size else end + 3)
    return text
