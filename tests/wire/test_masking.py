"""What may be shown."""

from __future__ import annotations

import pytest

from engine.wire.masking import clean, masked, secret_name, shown

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


def test_text() -> None:
    assert clean("  a\r\n\tb\x1b]0;x\x07 ") == "a b ]0;x"
    assert clean("x" * 300) == "x" * 197 + "..."
    assert shown({"a": 1}) == "{'a': 1}"
    assert shown("x", "users[0]") == "'x'"
    assert shown("x", "tokens[0]") == "***"
