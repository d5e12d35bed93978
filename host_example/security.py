"""Passwords (scrypt) and signed tokens (itsdangerous) of the store; it decides nobody's rights."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer

_COST = {"n": 2**14, "r": 8, "p": 1}


def hash_password(password: str) -> str:
    """`scrypt$salt$key`, both base64."""
    salt = os.urandom(16)
    key = hashlib.scrypt(password.encode(), salt=salt, dklen=32, **_COST)
    return "$".join(("scrypt", base64.b64encode(salt).decode(), base64.b64encode(key).decode()))


def verify_password(password: str, stored: str | None) -> bool:
    """Whether the password is the stored one; an account without a password never matches."""
    if not stored or stored.count("$") != 2:
        # The same work as for an account that exists, so that timing does not tell which emails are known.
        hashlib.scrypt(password.encode(), salt=b"no account", dklen=32, **_COST)
        return False
    _, salt, key = stored.split("$")
    expected = base64.b64decode(key)
    given = hashlib.scrypt(password.encode(), salt=base64.b64decode(salt), dklen=32, **_COST)
    return hmac.compare_digest(given, expected)


class Signer:
    """Signs small values for one purpose, so that a token of one kind never passes for another."""

    def __init__(self, secret: str, purpose: str, max_age_seconds: int) -> None:
        self._serializer = URLSafeTimedSerializer(secret, salt=f"host_example.{purpose}")
        self._max_age = max_age_seconds

    def sign(self, value: Any) -> str:
        """A URL-safe token."""
        return str(self._serializer.dumps(value))

    def read(self, token: str | None) -> Any | None:
        """The value, or None where the token is missing, forged or too old."""
        if not token:
            return None
        try:
            return self._serializer.loads(token, max_age=self._max_age)
        except BadData:
            return None
