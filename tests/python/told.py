"""Servers that are told: mail (STARTTLS, TLS, each sign-in, refusals, delays) and webhooks. Says its ports, writes what came.

Usage: told.py FOLDER. Writes FOLDER/ca.pem, and a line of JSON for each mail and request to FOLDER/came.
"""

import asyncio
import base64
import datetime
import email
import email.policy
import ipaddress
import json
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook

folder = sys.argv[1]
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
came = open(f"{folder}/came", "a", buffering=1)


def note(**what):
    came.write(json.dumps(what) + "\n")


def certificate():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)

    def build(subject, public, authority):
        alternative = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day)
            .not_valid_after(now + 30 * day)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if not authority:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternative), critical=False)
            usage = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH])
            builder = builder.add_extension(usage, critical=False)
        return builder.sign(key, hashes.SHA256())

    own = ec.generate_private_key(ec.SECP256R1())
    leaf = build(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), own.public_key(), False)
    pem = serialization.Encoding.PEM
    with open(f"{folder}/ca.pem", "wb") as file:
        file.write(build(name, key.public_key(), True).public_bytes(pem))
    with open(f"{folder}/server.pem", "wb") as file:
        file.write(leaf.public_bytes(pem))
        plain = serialization.NoEncryption()
        file.write(own.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/server.pem")
    return context


class Handler:
    grey = set()

    def __init__(self, server):
        self.server = server

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused"):
            return "550 5.1.1 no such user"
        if address.startswith("grey") and address not in self.grey:
            self.grey.add(address)
            return "451 4.7.1 come again later"
        if address.startswith("slow"):
            await asyncio.sleep(2)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        plain = message.get_body(("plain",)).get_content()
        html = message.get_body(("html",)).get_content()
        note(
            mail=envelope.rcpt_tos,
            server=self.server,
            tls=session.ssl is not None,
            user=session.auth_data if isinstance(session.auth_data, str) else None,
            headers={key: str(value) for key, value in message.items()},
            plain=plain,
            html=html,
        )
        return "250 2.0.0 taken"

    async def auth_XOAUTH2(self, server, args):
        said = base64.b64decode(args[1]).decode()
        token = said.split("auth=Bearer ")[1].rstrip("\x01")
        if token == "good-token":
            return AuthResult(success=True, auth_data="xoauth2")
        status = {"status": "400", "schemes": "Bearer", "scope": "https://mail.example/"}
        await server.challenge_auth(json.dumps(status))
        await server.push("535 5.7.3 Authentication unsuccessful")
        return AuthResult(success=False, handled=True)


def authenticator(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and data.password == b"good-password"
    return AuthResult(success=good, handled=False, auth_data=mechanism)


class Hook(BaseHTTPRequestHandler):
    tries = {}

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"] or 0))
        if self.path == "/token":
            secret = dict(part.split("=") for part in body.decode().split("&"))["client_secret"]
            token = {"good-client": "good-token"}.get(secret, "old-token")
            return self.answer(200, json.dumps({"access_token": token}))
        count = self.tries[self.path] = self.tries.get(self.path, 0) + 1
        if self.path.startswith("/flaky") and count <= 3:
            return self.answer(503, "not now")
        verified = None
        if self.headers.get("webhook-signature"):
            try:
                Webhook(KEY).verify(body, {key.lower(): value for key, value in self.headers.items()})
                verified = True
            except Exception as error:
                verified = repr(error)
        note(hook=self.path, id=self.headers.get("webhook-id"), verified=verified, body=json.loads(body))
        self.answer(202 if "teams" in self.path else 200, "ok")

    def do_GET(self):
        note(beat=self.path)
        self.answer(200, "OK")

    def answer(self, status, text):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


async def silent(reader, writer):
    await reader.read()


async def main():
    tls = certificate()
    loop = asyncio.get_running_loop()

    def smtp(name, **options):
        return lambda: SMTP(Handler(name), hostname="localhost", loop=loop, **options)

    auth = {"authenticator": authenticator, "auth_required": True}
    excluded = {"auth_exclude_mechanism": ["XOAUTH2"]}
    servers = {
        "starttls": (smtp("starttls", tls_context=tls, require_starttls=True, **auth), None),
        "tls": (smtp("tls", auth_require_tls=False, **auth), tls),
        "open": (smtp("open", **excluded), None),
    }
    ports = {}
    for name, (factory, context) in servers.items():
        server = await loop.create_server(factory, "127.0.0.1", 0, ssl=context)
        ports[name] = server.sockets[0].getsockname()[1]
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    ports["silent"] = server.sockets[0].getsockname()[1]
    http = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    ports["http"] = http.server_address[1]
    Thread(target=http.serve_forever, daemon=True).start()
    print(json.dumps(ports), flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
