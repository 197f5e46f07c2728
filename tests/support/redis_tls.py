"""TLS for Redis servers under test: an authority of its own, and a certificate for 127.0.0.1."""

import datetime
import ipaddress
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = datetime.timedelta(days=1)


class RedisTls:
    """Files that servers and clients are given.

    Args:
        folder: where they are made.
    """

    def __init__(self, folder: Path) -> None:
        self.authority = folder / "ca.pem"
        self._certificate, self._key = folder / "redis.pem", folder / "redis.key"

    def make(self) -> Self:
        """Write the files."""
        authority, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        constraints = x509.BasicConstraints(True, None)
        loopback = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        self.authority.write_bytes(_signed("authority", authority, authority, constraints))
        self._certificate.write_bytes(_signed("redis", server, authority, loopback))
        self._key.write_bytes(
            server.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return self

    def server(self) -> dict[str, str]:
        """Directives of redis.conf, for servers and Sentinels."""
        return {
            "tls-cert-file": str(self._certificate),
            "tls-key-file": str(self._key),
            "tls-ca-cert-file": str(self.authority),
            "tls-auth-clients": "no",
            # Among themselves too: replicas, nodes of a cluster, Sentinels.
            "tls-replication": "yes",
        }

    def trusting(self, url: str) -> str:
        """Return a CHAT_REDIS_URL that trusts this authority and no other."""
        return f"{url}{'&' if '?' in url else '?'}ssl_ca_certs={self.authority}"


def _signed(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> bytes:
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        .sign(signer, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)
