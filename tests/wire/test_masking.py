"""What may be shown."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.accounts import Profile
from engine.settings import Settings
from engine.wire.masking import MASK, at_hand, clean, concealed, masked, secret_name, shown

SECRET = """
    root_pass password passwd passphrase pwd client_secret token tokens api_key apiKey APIKEY accessKey access-key
    X-Amz-Signature sig Signature X-Amz-Credential X-Amz-Security-Token private_key Authorization jwt
    data__root_pass AWSSecretAccessKey secretKey
"""
PLAIN = """
    label key keys imageId page page_size pageToken nextPageToken compass bypass tokenizer ssh_keys design
"""


@pytest.mark.parametrize("name", SECRET.split())
def test_names_of_secrets(name: str) -> None:
    assert secret_name(name)


@pytest.mark.parametrize("name", PLAIN.split())
def test_names_of_other_things(name: str) -> None:
    assert not secret_name(name)


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://h/p", "https://h/p"),
        ("https://h/p?a=1&token=x&b", "https://h/p?a=1&token=***&b"),
        ("https://h/p?tok%65n=x", "https://h/p?tok%65n=***"),
        ("https://h/p?a=1&sig=x", "https://h/p?***"),
        ("https://me:pw@h:1/p#f", "https://h:1/p"),
        ("https://h/..%2Fx?pageToken=x%26", "https://h/..%2Fx?pageToken=x%26"),
    ],
)
def test_urls(url: str, wanted: str) -> None:
    assert masked(url) == wanted


def test_secrets_at_hand() -> None:
    environ = {"DB_PASSWORD": "correct-horse", "HOME": "/home/me", "PIN_TOKEN": "1234"}
    assert at_hand(Settings(token="a-token", environ=environ)) == ["a-token", "correct-horse"]
    assert at_hand(Settings(environ={})) == []


def test_the_folder_of_a_shell_is_no_secret() -> None:
    assert at_hand(Settings(environ={"PWD": "/home/me/images", "OLDPWD": "/home/me"})) == []


def test_the_tokens_of_accounts_are_at_hand(tmp_path: Path) -> None:
    accounts = {"prod": Profile("prod", token_env="PROD"), "lab": Profile("lab", token="lab-token")}
    assert at_hand(Settings(accounts=accounts, environ={"PROD": "prod-token"})) == ["lab-token", "prod-token"]
    (tmp_path / "token").write_text("token-of-a-file\n")
    filed = {name: Profile(name, token_file=str(tmp_path / name)) for name in ("token", "absent")}
    assert at_hand(Settings(accounts=filed, environ={})) == ["token-of-a-file"]


def test_text() -> None:
    assert clean("  a\r\n\tb\x1b]0;x\x07 ") == "a b ]0;x"
    assert clean("x" * 300) == "x" * 197 + "..."
    assert shown({"a": 1}) == "{'a': 1}"
    assert shown("x", "users[0]") == "'x'"
    assert shown("x", "tokens[0]") == "***"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=30), st.sampled_from([0, 5, 40]))
def test_no_spelling_of_a_secret_is_left(secret: str, before: int) -> None:
    spelled = [secret, secret.replace("'", "''"), json.dumps(secret), json.dumps(secret, ensure_ascii=False)]
    spelled += [quote(secret, safe=""), repr(secret), json.dumps(secret).replace("'", "''")]
    for text in spelled:
        found = concealed("~" * before + text + "~", [secret])
        assert MASK in found
        inner = text[1:-1] if text[:1] == text[-1:] and text[:1] in "'\"" else text
        assert secret in MASK or inner in MASK or inner not in found


def test_a_secret_cut_short_is_one_and_a_short_one_is_a_word() -> None:
    assert concealed(shown("correct-horse-battery-" * 5), ["correct-horse-battery-" * 5]) == "'***..."
    assert concealed("e, the e-mail e1", ["e"]) == "***, the ***-mail e1"
    assert concealed("...", ["secret"]) == "..."
