"""What a setting may say: each parser gives a value, or a ValueError that says what is
taken.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from urllib.parse import urlsplit


def text(value: str) -> str:
    return value


def flag(value: str) -> bool:
    lowered = value.strip().lower()
    if lowered in {"on", "true", "yes", "1"}:
        return True
    if lowered in {"off", "false", "no", "0", ""}:
        return False
    raise ValueError("takes on or off")


def number(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            raise ValueError(f"takes a whole number from {low} to {high}") from None
        if not low <= number <= high:
            raise ValueError(f"takes a whole number from {low} to {high}")
        return number

    return parse


def words(value: str) -> tuple[str, ...]:
    return tuple(word for word in value.replace(",", " ").split() if word)


def one_of(*words: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in words:
            raise ValueError(f"takes one of {', '.join(words)}")
        return value

    return parse


def networks(value: str) -> tuple[str, ...]:
    """IP networks or addresses, by comma."""
    try:
        # Not strict: people write the address of a machine with the size of its
        # network.
        return tuple(str(ip_network(word, strict=False)) for word in words(value))
    except ValueError:
        raise ValueError(
            "takes networks such as 127.0.0.0/8 or 10.1.0.0/16, by comma"
        ) from None


def http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError("takes an address such as https://data.thanhhoa.gov.vn")
    # Paths that begin with / are put behind it.
    return value.rstrip("/")


def search_url(value: str) -> str:
    return ",".join(http_url(part) for part in words(value))


def replicas(value: str) -> int | None:
    if value == "auto":
        return None
    if not value.isdigit() or int(value) > 20:
        raise ValueError("takes auto or a whole number from 0 to 20")
    return int(value)


def files_url(value: str) -> str:
    if "://" in value and urlsplit(value).scheme not in {"file", "s3"}:
        raise ValueError("takes a folder, file:///folder or s3://bucket/prefix")
    return value


def internal_path(value: str) -> str:
    if value and not value.startswith("/"):
        raise ValueError("takes a path that begins with /, such as /_files")
    return value.rstrip("/")
