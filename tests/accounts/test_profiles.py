"""Where accounts come from: the configuration file, flags, a program's arguments, the shell; what is wrong there."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from traceback import TracebackException

import pytest

import engine
from engine.accounts import Profile, check, names, profiles, token_of
from engine.cli import main
from engine.errors import CredentialError, UsageError, explain
from engine.session import Session
from engine.settings import Settings, load

TABLE = "linode.images.images"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    path.touch()
    monkeypatch.setenv("STRATOQL_CONFIG", str(path))
    return path


def test_each_place_of_a_token(config: Path) -> None:
    (config.parent / "staging.token").write_text("from-file\n")
    config.write_text(
        '[accounts.prod]\ntoken_env = "PROD"\n[accounts.staging]\ntoken_file = "staging.token"\n'
        '[accounts.lab]\ntoken = "plain-secret"\nprovider = "acme"\n'
    )
    config.chmod(0o600)
    found = load().accounts
    assert token_of(found["prod"], {"PROD": "from-env"}) == "from-env"
    assert token_of(found["staging"], {}) == "from-file"
    assert token_of(found["lab"], {}) == "plain-secret"
    assert [each.provider for each in found.values()] == ["linode", "linode", "acme"]
    assert "plain-secret" not in repr(load())


@pytest.mark.skipif(os.name == "nt", reason="permissions do not tell there")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_token_in_a_file_that_others_may_read_is_refused(config: Path, mode: int) -> None:
    config.write_text('[accounts.lab]\ntoken = "plain-secret"\n')
    config.chmod(mode)
    with pytest.raises(UsageError) as raised:
        load()
    assert explain(raised.value) == (
        f"error: {config}: accounts.lab holds a token, and others may read this file\n"
        f'hint: chmod 600 {config}, or name a variable: token_env = "..."'
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("accounts = 1", "accounts is a table of accounts"),
        ("[accounts]\nprod = 1", "accounts.prod is a table"),
        ("[accounts.prod]", "accounts.prod needs one of token_env, token_file and token"),
        ("[accounts.my-prod]", 'token_env = "MY_PROD_TOKEN" names a variable'),
        ('[accounts.prod]\ntoken_env = "A"\ntoken_file = "b"', "needs one of token_env, token_file and token"),
        ('[accounts.prod]\ntoken_evn = "A"', "unknown setting 'token_evn'\nhint: did you mean token_env?"),
        ("[accounts.prod]\ntoken_env = 5", 'accounts.prod.token_env must be a text\nhint: write token_env = "..."'),
        ('[accounts."a b"]\ntoken_env = "A"', "accounts.a b is no name of an account"),
    ],
)
def test_what_is_wrong_with_a_profile_is_told(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        profiles(tmp_path / "config.toml", tomllib.loads(text).get("accounts"))
    assert told in explain(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        '[accounts.prod]\ntoken = "plain-secret"\ntoken_env = "A"',
        '[accounts.prod]\ntoken = "plain-secret',
        'token = "plain-secret"',
        '[accounts.prod]\ntoken = "plain-secret"\n[servers]\nlinode = 5',
    ],
)
def test_a_fault_of_the_file_shows_no_token_not_even_in_a_traceback(text: str, config: Path) -> None:
    config.write_text(text)
    config.chmod(0o600)
    with pytest.raises(UsageError) as raised:
        load()
    trace = TracebackException(type(raised.value), raised.value, raised.tb.tb_next, capture_locals=True)
    assert "plain-secret" not in "".join(trace.format()) + explain(raised.value)


def test_an_address_in_the_file_is_a_text(config: Path) -> None:
    config.write_text("[servers]\nlinode = 5")
    with pytest.raises(UsageError, match=r"servers\.linode must be of type str, got 5"):
        load()


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "No such file or directory"), (b"", "is empty"), (b"\xff", "it is not UTF-8 text")],
)
def test_a_token_file_without_a_token(content: bytes | None, told: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CredentialError) as raised:
        token_of(Profile("prod", token_file=str(file)), {})
    assert raised.value.message.startswith("account prod has no token: ")
    assert told in raised.value.message


def test_names() -> None:
    assert names(["prod,staging", " lab "]) == ("prod", "staging", "lab")
    with pytest.raises(UsageError, match="'a b' cannot name an account"):
        names("a b")
    with pytest.raises(UsageError, match="'' cannot name an account"):
        names("prod,")


def test_an_account_that_is_not_there() -> None:
    known = {"prod": Profile("prod", token_env="P")}
    check(["prod"], known)
    with pytest.raises(UsageError) as raised:
        check(["prd"], known)
    assert explain(raised.value) == "error: there is no account 'prd'\nhint: did you mean prod?"
    with pytest.raises(UsageError) as raised:
        check(["prod"], {})
    assert raised.value.hint == '[accounts.prod] with token_env = "..." in the configuration file makes it one'


def test_flags(config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    sql = f"SELECT _account, count(*) FROM {TABLE} GROUP BY 1 ORDER BY 1"
    assert main(["exec", "--sandbox", "--account", "prod,staging", "-o", "csv", sql]) == 0
    assert capsys.readouterr().out == "_account,count(*)\nprod,49\nstaging,49\n"
    assert main(["exec", "--sandbox", "-o", "csv", "-H", sql, "--account", "prod", "--account", "lab"]) == 0
    assert capsys.readouterr().out == "lab,49\nprod,49\n"
    assert main(["exec", "--account", "prod", sql]) == 2
    assert "there is no account 'prod'" in capsys.readouterr().err
    config.write_text('account = "prod"\n[accounts.prod]\ntoken_env = "PROD_TOKEN"\n')
    monkeypatch.delenv("PROD_TOKEN", raising=False)
    assert main(["exec", sql]) == 1
    assert capsys.readouterr().err == (
        "error: account prod has no token: PROD_TOKEN is not set\nhint: set PROD_TOKEN, or leave the account out\n"
    )
    assert main(["config", "show", "-o", "csv"]) == 0
    out = capsys.readouterr().out
    assert f'account,"[""prod""]",{config}\n' in out
    assert f'accounts.prod,"linode, token from PROD_TOKEN",{config}\n' in out


def test_a_partial_answer_exits_with_0_and_warns(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.sandbox import TOKEN
    from engine.sandbox.server import serving

    config.write_text('[accounts.prod]\ntoken_env = "PROD"\n[accounts.staging]\ntoken_env = "STAGING"\n')
    monkeypatch.setenv("PROD", TOKEN)
    monkeypatch.setenv("STAGING", "wr0ng-secret")
    with serving() as url:
        common = ["exec", "--server", f"linode={url}", "--account", "prod,staging", "-o", "csv", "-H"]
        sql = f"SELECT _account, count(*) FROM {TABLE} GROUP BY 1"
        assert main([*common, sql]) == 1
        error = capsys.readouterr().err
        assert error.startswith("error: account staging: HTTP 401: Invalid Token\n")
        assert main([*common, sql, "--partial"]) == 0
        told = capsys.readouterr()
    assert told.out == "prod,49\n"
    assert told.err == "warning: without account staging: HTTP 401: Invalid Token\n"
    assert "wr0ng-secret" not in error + told.err


def test_from_python() -> None:
    with engine.connect(sandbox=True, account=["prod", "staging"]) as connection:
        rows = connection.query(f"SELECT _account FROM {TABLE} WHERE id = 'linode/arch'").fetchall()
        assert sorted(rows) == [("prod",), ("staging",)]
    with engine.connect(sandbox=True, account="prod") as connection:
        assert connection.query(f"SELECT DISTINCT _account FROM {TABLE}").fetchall() == [("prod",)]
    with pytest.raises(engine.InterfaceError, match="a token and an account are two answers to one question"):
        engine.connect(sandbox=True, account="prod", token="x")


def test_the_sandbox_keeps_accounts_apart(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    delete = f"DELETE FROM {TABLE} WHERE id = 'private/19044871' AND _account = 'prod'"
    count = f"SELECT _account, count(*) FROM {TABLE} GROUP BY 1 ORDER BY 1"
    both = Settings(sandbox=str(state), account=("prod", "staging"), environ={})
    with Session(both) as session:
        list(session.run(delete))
    with Session(both) as session:
        (found,) = session.run(count)
        assert found.fetchall() == [("prod", 48), ("staging", 49)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state.db", "state.prod.db", "state.staging.db"]
    with Session(Settings(sandbox=str(state), environ={})) as session:
        (found,) = session.run(f"SELECT count(*) FROM {TABLE}")
        assert found.fetchall() == [(49,)]


def test_another_choice_in_one_session() -> None:
    with Session(Settings(sandbox="", environ={})) as session:
        session.speak_for(["prod"])
        (found,) = session.run(f"SELECT DISTINCT _account FROM {TABLE}")
        assert found.fetchall() == [("prod",)]
        with pytest.raises(UsageError):
            session.sign_in("x")
        session.speak_for([])
        with pytest.raises(engine.ProgrammingError, match="_account"):
            list(session.run(f"SELECT _account FROM {TABLE}"))
    accounts = {"prod": Profile("prod", token_env="P")}
    with Session(Settings(accounts=accounts, environ={})) as session:
        with pytest.raises(UsageError, match="there is no account 'prd'"):
            session.speak_for(["prd"])
        session.speak_for(["prod"])
        with pytest.raises(UsageError, match="have their own tokens"):
            session.sign_in("x")
    given = Settings(accounts=accounts, token="t", environ={})
    with Session(given) as session, pytest.raises(UsageError, match="a token was given"):
        session.speak_for(["prod"])


def test_an_account_of_one_provider_says_nothing_to_another() -> None:
    """The token of an account goes to its own provider alone: rows of others have no `_account`."""
    accounts = {"prod": Profile("prod", provider="acme", token_env="P")}
    with Session(Settings(account=("prod",), accounts=accounts, environ={"P": "s"})) as session:
        assert session.names.accounts == {"acme": ("prod",)}
        with pytest.raises(engine.ProgrammingError, match="no column or parameter '_account'"):
            list(session.run(f"EXPLAIN SELECT _account FROM {TABLE}"))
