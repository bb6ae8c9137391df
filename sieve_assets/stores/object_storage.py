"""What DuckDB needs to read and write files at s3:// addresses, from where AWS's tools look."""

import os
from collections.abc import Mapping
from urllib.parse import urlparse


def s3_secret(address: str) -> tuple[str, Mapping[str, str]] | None:
    """A statement that gives DuckDB the credentials of this process, with its parameters.

    Args:
        address: Files are below it.

    Returns:
        None if the address is not one of S3.

    Raises:
        LookupError: There are no credentials.
    """
    if urlparse(address).scheme != "s3":
        return None
    import botocore.session  # noqa: PLC0415 (only for files at s3://)

    session = botocore.session.get_session()
    found = session.get_credentials()
    if found is None:
        raise LookupError(
            f"S3: expected credentials for {address}, got none. Set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE."
        )
    frozen = found.get_frozen_credentials()
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    given = {
        "KEY_ID": frozen.access_key,
        "SECRET": frozen.secret_key,
        "SESSION_TOKEN": frozen.token,
        "REGION": session.get_config_variable("region") or "us-east-1",
        **(_of_endpoint(endpoint) if endpoint else {}),
    }
    told = {name: str(value) for name, value in given.items() if value}
    words = ", ".join(f"{name} ${name.lower()}" for name in told)
    return f"CREATE OR REPLACE SECRET (TYPE s3, {words})", {
        name.lower(): value for name, value in told.items()
    }


def _of_endpoint(address: str) -> dict[str, str]:
    parts = urlparse(address)
    is_safe = "true" if parts.scheme == "https" else "false"
    return {"ENDPOINT": parts.netloc, "URL_STYLE": "path", "USE_SSL": is_safe}
