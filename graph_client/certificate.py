"""The certificate that the application signs in with: one PEM file holding the private key and the certificate."""

from __future__ import annotations

import re
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

from holdfast.core.errors import NotSignedIn

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.DOTALL)

_CURE = (
    "HOLDFAST_CERTIFICATE_PATH must name a PEM file with an RSA private key without a passphrase and the certificate "
    "that belongs to it."
)


def credential(path: str) -> dict[str, str]:
    """The file as msal takes it. Raises ``NotSignedIn`` where it is not there or not what it takes to sign in."""
    try:
        text = Path(path).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise NotSignedIn(f"The certificate file {path} cannot be read: {error}.", cure=_CURE) from error
    keys: list[str] = []
    certificates: list[str] = []
    for block in _BLOCK.finditer(text):
        (certificates if block[1] == "CERTIFICATE" else keys).append(block[0])
    if not keys or not certificates:
        missing = "certificate" if keys else "private key"
        raise NotSignedIn(f"The certificate file {path} holds no {missing}.", cure=_CURE)
    try:
        key = load_pem_private_key(keys[0].encode(), password=None)
        certificate = load_pem_x509_certificate(certificates[0].encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise NotSignedIn(f"The certificate file {path} cannot be used: {error}", cure=_CURE) from error
    if not isinstance(key, RSAPrivateKey) or key.public_key() != certificate.public_key():
        raise NotSignedIn(f"The private key and the certificate in {path} do not belong together.", cure=_CURE)
    return {"private_key": keys[0], "public_certificate": "\n".join(certificates)}
