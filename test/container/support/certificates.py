"""A private certificate authority and a server certificate of it, made by openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path


def make(folder: Path) -> tuple[Path, Path]:
    """Return the CA's certificate and the server's key with certificate, for 127.0.0.1."""
    ca, ca_key, server, request = (folder / name for name in ("ca.pem", "ca.key", "server.pem", "server.csr"))
    extensions = folder / "extensions"
    extensions.write_text("subjectAltName=IP:127.0.0.1\n")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    _openssl("req", "-x509", *key, "-keyout", ca_key, "-out", ca, "-subj", "/CN=test CA", "-days", "2")
    _openssl("req", *key, "-keyout", server, "-out", request, "-subj", "/CN=127.0.0.1")
    signed = folder / "signed.pem"
    signing = ["-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-extfile", extensions, "-days", "2"]
    _openssl("x509", "-req", "-in", request, "-out", signed, *signing)
    server.write_bytes(server.read_bytes() + signed.read_bytes())
    return ca, server


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
