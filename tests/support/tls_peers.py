# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of other makes that speak TLS, for tests of a client.

    with tls_certs.made() as certs, tls_peers.nginx(certs, certs.rsa) as server:
        ... server.host, server.port

Each listens on certs.host, and says what it saw of a connection: nginx and haproxy answer GET with
a line `version cipher resumed|full client=SUBJECT`, openssl s_server writes it to server.log.
"""

import contextlib
import fcntl
import os
import pathlib
import subprocess
import tempfile
import termios

import harness


class Daemon:
    """log: what it wrote so far."""

    def __init__(self, process, host, port, path):
        self.process, self.host, self.port, self.path = process, host, port, path

    def log(self):
        return self.path.read_text(encoding="utf-8", errors="replace")

    def say(self, text):
        """A line to its standard input, and wait until it was read: s_server takes two lines that
        come together for one."""
        pipe = self.process.stdin
        pipe.write(text.encode() + b"\n")
        pipe.flush()
        unread = bytearray(4)
        harness.wait_until(lambda: not fcntl.ioctl(pipe, termios.FIONREAD, unread, True)
                           and not any(unread), "it reads its standard input")


@contextlib.contextmanager
def _daemon(command, host, port, folder, ready=None):
    """ready(daemon): whether it listens, if connecting to it would do harm."""
    log = pathlib.Path(folder, "log")
    with open(log, "w", encoding="utf-8") as out:
        process = subprocess.Popen([harness.program(command[0]), *map(str, command[1:])],
                                   stdin=subprocess.PIPE, stdout=out, stderr=out, cwd=folder)
    daemon = Daemon(process, host, port, log)
    try:
        def listens():
            if process.poll() is not None:
                raise AssertionError(f"{command[0]} ended: {daemon.log()}")
            return ready(daemon) if ready else harness.answers(host, port)

        harness.wait_until(listens, f"{command[0]} listens")
        yield daemon
    finally:
        harness.stop(process)
        process.stdin.close()


@contextlib.contextmanager
def s_server(certs, identity, *extra):
    """openssl s_server: one connection at a time. With -rev it answers each line reversed, with
    -www a GET with a page; else what it is sent is in its log, and what it is told goes out.
    Commands to say(): K changes keys and asks for the other's, k changes its own (TLS 1.3); r and R
    renegotiate (TLS 1.2); q ends the connection, Q the server too."""
    port = harness.free_port()
    command = ["openssl", "s_server", "-accept", f"{certs.host}:{port}", "-cert", identity.cert,
               "-cert_chain", identity.cert, "-key", identity.key, "-CAfile", certs.ca, *extra]
    with tempfile.TemporaryDirectory() as folder:
        with _daemon(command, certs.host, port, folder,
                     lambda daemon: "ACCEPT" in daemon.log()) as daemon:
            yield daemon


_NGINX = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    map $ssl_session_reused $resumed {{ r resumed; default full; }}
    server {{
        listen {host}:{port} ssl;
        ssl_certificate {cert};
        ssl_certificate_key {key};
        ssl_client_certificate {ca};
        {directives}
        location / {{
            return 200 "$ssl_protocol $ssl_cipher $resumed client=$ssl_client_s_dn\\n";
        }}
        location /big {{ alias {folder}/big; }}
    }}
}}
"""
BIG = 8 << 20  # bytes of /big at nginx


@contextlib.contextmanager
def nginx(certs, identity, directives="ssl_protocols TLSv1.2 TLSv1.3;"):
    port = harness.free_port()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        with open(pathlib.Path(folder, "big"), "wb") as file:
            file.truncate(BIG)
        conf = pathlib.Path(folder, "nginx.conf")
        conf.write_text(_NGINX.format(folder=folder, host=certs.host, port=port, ca=certs.ca,
                                      cert=identity.cert, key=identity.key,
                                      directives=directives), encoding="utf-8")
        command = ["nginx", "-c", conf, "-p", folder, "-e", f"{folder}/error.log"]
        with _daemon(command, certs.host, port, folder) as daemon:
            yield daemon


_HAPROXY = """
defaults
    mode http
    timeout client 60s
    timeout server 60s
    timeout connect 60s
frontend tls
    bind {host}:{port} ssl crt {both} ca-file {ca} {bind}
    http-request return status 200 content-type text/plain lf-string \
"%[ssl_fc_protocol] %[ssl_fc_cipher] %[ssl_fc_is_resumed,iif(resumed,full)] client=%{{+Q}}[ssl_c_s_dn]\\n"
"""


@contextlib.contextmanager
def haproxy(certs, identity, bind="verify none"):
    """bind: words for its bind line, such as verify required or alpn h2."""
    port = harness.free_port()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        both = pathlib.Path(folder, "both.pem")
        both.write_text(identity.cert_pem() + identity.key_pem(), encoding="ascii")
        conf = pathlib.Path(folder, "haproxy.cfg")
        conf.write_text(_HAPROXY.format(host=certs.host, port=port, both=both, ca=certs.ca,
                                        bind=bind), encoding="utf-8")
        with _daemon(["haproxy", "-db", "-f", conf], certs.host, port, folder) as daemon:
            yield daemon


@contextlib.contextmanager
def smtp(certs, identity):
    """A server that wants STARTTLS before mail, and writes the mails into its log."""
    port = harness.free_port()
    command = ["aiosmtpd", "-n", "-l", f"{certs.host}:{port}", "--tlscert", identity.cert,
               "--tlskey", identity.key, "-c", "aiosmtpd.handlers.Debugging", "stdout"]
    with tempfile.TemporaryDirectory() as folder:
        with _daemon(command, certs.host, port, folder) as daemon:
            yield daemon


@contextlib.contextmanager
def redis(certs, identity, auth="no"):
    """auth: whether clients need a certificate: yes, no or optional."""
    port = harness.free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = ["redis-server", "--port", "0", "--tls-port", port, "--bind", certs.host,
                   "--tls-cert-file", identity.cert, "--tls-key-file", identity.key,
                   "--tls-ca-cert-file", certs.ca, "--tls-auth-clients", auth, "--dir", folder,
                   "--save", "", "--appendonly", "no", "--daemonize", "no"]
        with _daemon(command, certs.host, port, folder) as daemon:
            yield daemon
