"""DuckDB is given the credentials that AWS's tools find, as parameters of a statement."""

import duckdb
import pytest

from sieve_assets.stores.extensions import load_extension
from sieve_assets.stores.object_storage import s3_secret


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch, tmp_path):
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "it's secret")


def test_other_addresses_need_none():
    assert s3_secret("/shared/rows") is None


def test_credentials_are_parameters_and_not_words():
    words, values = s3_secret("s3://bucket/rows")
    assert "secret" not in words.replace("$secret", "").replace("SECRET", "")
    assert values == {"key_id": "key", "secret": "it's secret", "region": "us-east-1"}


def test_an_endpoint_of_ones_own_is_taken(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5000")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    _, values = s3_secret("s3://bucket/rows")
    assert values["endpoint"] == "127.0.0.1:5000"
    assert (values["use_ssl"], values["url_style"]) == ("false", "path")
    assert values["session_token"] == "token"  # noqa: S105 (set above)


def test_duckdb_takes_it(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://storage.example")
    connection = duckdb.connect()
    load_extension(connection, "httpfs")
    connection.execute(*s3_secret("s3://bucket/rows"))
    [(told,)] = connection.execute("SELECT secret_string FROM duckdb_secrets()").fetchall()
    assert "endpoint=storage.example" in told
    assert "it's secret" not in told


def test_no_credentials_are_said(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(LookupError, match="expected credentials for s3://bucket, got none"):
        s3_secret("s3://bucket")
