# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates for tests, made anew by the openssl command for each use.

    with tls_certs.made() as certs:
        ... certs.rsa.cert, certs.rsa.key, certs.ca, certs.host

All are for the name server.test, for *.wild.test, and for the address certs.host, one of
127.0.0.0/8 taken at random. What is wrong with one is in its name: expired, wrong_host, unknown.
"""

import contextlib
import os
import pathlib
import subprocess
import tempfile

import harness

NAME = "server.test"
PASSWORD = "a pass word"

_EXTENSIONS = """
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = CA:false
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
[client]
basicConstraints = CA:false
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[req]
distinguished_name = nobody
[nobody]
"""


def loopback():
    """An address of 127.0.0.0/8 that is not 127.0.0.1: its ports are nobody else's."""
    return "127." + ".".join(str(1 + byte % 250) for byte in os.urandom(3))


def openssl(*arguments, **options):
    """The standard output of an openssl command that must succeed."""
    done = subprocess.run([harness.program("openssl"), *map(str, arguments)], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"openssl {' '.join(map(str, arguments))}:\n{done.stderr}")
    return done.stdout


class Identity:
    """A certificate (with its chain, if it has one) and its key: paths and PEM text."""

    def __init__(self, folder, name):
        self.name = name
        self.cert, self.key = folder / f"{name}.pem", folder / f"{name}.key"

    def cert_pem(self):
        return self.cert.read_text(encoding="ascii")

    def key_pem(self):
        return self.key.read_text(encoding="ascii")


class Certificates:
    """All there are; each is made when it is first asked for."""

    # name: issuer, kind of key, section of extensions, alternative names, days
    LEAVES = {
        "rsa": ("root", "rsa", "leaf", None, 30),
        "ecdsa": ("root", "ecdsa", "leaf", None, 30),
        "chained": ("middle", "rsa", "leaf", None, 30),
        "expired": ("root", "ecdsa", "leaf", None, -1),
        "wrong_host": ("root", "ecdsa", "leaf", "DNS:other.test,IP:127.255.255.254", 30),
        "dns_only": ("root", "ecdsa", "leaf", f"DNS:{NAME}", 30),
        "unknown": ("stranger", "ecdsa", "leaf", None, 30),
        "client_rsa": ("root", "rsa", "client", None, 30),
        "client_ecdsa": ("root", "ecdsa", "client", None, 30),
        "client_unknown": ("stranger", "ecdsa", "client", None, 30),
    }

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.host = loopback()
        self.identities = {}

    def __getattr__(self, name):
        if name not in self.LEAVES:
            raise AttributeError(name)
        if name not in self.identities:
            self.identities[name] = self._leaf(name, *self.LEAVES[name])
        return self.identities[name]

    @property
    def ca(self):
        """The path of the root that a client must trust."""
        return self._authority("root").cert

    @property
    def stranger_ca(self):
        return self._authority("stranger").cert

    def encrypted(self, identity, form):
        """The PEM text of the identity's key under PASSWORD; form: "legacy" or "pkcs8"."""
        if form == "legacy":
            return openssl("pkey", "-in", identity.key, "-traditional", "-aes128",
                           "-passout", f"pass:{PASSWORD}")
        return openssl("pkcs8", "-topk8", "-in", identity.key, "-passout", f"pass:{PASSWORD}")

    def trust(self):
        """The environment of a client that trusts the root and nobody else."""
        return {"SSL_CERT_FILE": str(self.ca)}

    def _extensions(self, names):
        path = self.folder / "extensions"
        path.write_text(_EXTENSIONS.format(
            names=names or f"DNS:{NAME},DNS:*.wild.test,IP:{self.host}"), encoding="ascii")
        return path

    def _key(self, identity, kind):
        kinds = {"rsa": ("RSA", "rsa_keygen_bits:2048"), "ecdsa": ("EC", "ec_paramgen_curve:P-256")}
        algorithm, option = kinds[kind]
        openssl("genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out", identity.key)

    def _authority(self, name):
        if name not in self.identities:
            identity = self.identities[name] = Identity(self.folder, name)
            self._key(identity, "ecdsa")
            if name == "middle":
                self._sign(identity, "root", "ca", None, 30)
            else:
                openssl("req", "-x509", "-new", "-key", identity.key, "-out", identity.cert,
                        "-subj", f"/CN=ringload test {name}", "-days", "30",
                        "-config", self._extensions(None), "-extensions", "ca")
        return self.identities[name]

    def _sign(self, identity, issuer, section, names, days):
        request = self.folder / f"{identity.name}.csr"
        authority = self._authority(issuer)
        subject = NAME if section == "leaf" else f"ringload test {identity.name}"
        openssl("req", "-new", "-key", identity.key, "-out", request, "-subj", f"/CN={subject}",
                "-config", self._extensions(names))
        openssl("x509", "-req", "-in", request, "-CA", authority.cert, "-CAkey", authority.key,
                "-CAcreateserial", "-out", identity.cert, "-days", days,
                "-extfile", self._extensions(names), "-extensions", section)

    def _leaf(self, name, issuer, kind, section, names, days):
        identity = Identity(self.folder, name)
        self._key(identity, kind)
        self._sign(identity, issuer, section, names, days)
        if issuer == "middle":
            with open(identity.cert, "a", encoding="ascii") as file:
                file.write(self._authority(issuer).cert_pem())
        return identity


@contextlib.contextmanager
def made():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Certificates(folder)
