"""Certificates for a front on loopback: an authority, a server's, and what OCSP says of it."""

import datetime
import ipaddress
import ssl
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

NAME = "chat.test"
_HOUR = datetime.timedelta(hours=1)


class Certificates(NamedTuple):
    """The folder that HAProxy reads, and the authority that clients trust."""

    folder: Path
    authority: Path

    def client(self) -> ssl.SSLContext:
        """Return a client's context that verifies the front, by address or by name."""
        return ssl.create_default_context(cafile=str(self.authority))


def make_certificates(folder: Path, *, with_ocsp: bool = False) -> Certificates:
    """Make an authority and a certificate for loopback and `chat.test`, as files."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _signed("an authority of the tests", authority_key, None, authority_key)
    certificate = _signed(NAME, key, authority, authority_key)
    certs = folder / "certs"
    certs.mkdir()
    parts = [
        certificate.public_bytes(serialization.Encoding.PEM),
        authority.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    ]
    (certs / "chat.pem").write_bytes(b"".join(parts))
    if with_ocsp:
        answer = _good(certificate, authority, authority_key)
        (certs / "chat.pem.ocsp").write_bytes(answer)
    (folder / "authority.pem").write_bytes(parts[1])
    return Certificates(certs, folder / "authority.pem")


def _signed(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _HOUR)
        .not_valid_after(now + _HOUR)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer is not None:
        names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName(NAME)]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _good(
    certificate: x509.Certificate,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
) -> bytes:
    now = datetime.datetime.now(datetime.UTC)
    response = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=certificate,
            issuer=authority,
            algorithm=hashes.SHA1(),  # names the certificate; signs nothing
            cert_status=ocsp.OCSPCertStatus.GOOD,
            this_update=now - _HOUR,
            next_update=now + _HOUR,
            revocation_time=None,
            revocation_reason=None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, authority)
        .sign(authority_key, hashes.SHA256())
    )
    return response.public_bytes(serialization.Encoding.DER)
