"""HTTP listeners that log their clients on with pyspnego, and answer each message with a longer one.

Standard input names the credential store (NTLM_USER_FILE), and certificate, key and channel binding of a second listener inside TLS; the
ports are printed, that one's last; it ends with its standard input. Without TLS messages are sealed; inside it log-ons must name
the channel binding.
"""

import base64
import json
import os
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import spnego
from pypsrp.encryption import WinRMEncryption
from spnego.channel_bindings import GssChannelBindings


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # One of these serves one connection.
    context = None

    def reply(self, status, headers, body=b""):
        self.send_response(status)
        for name, values in headers.items():
            for value in [values] if isinstance(values, str) else values:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_on(self, token):
        if self.context is None or self.context.complete:
            self.context = spnego.server(protocol="ntlm", channel_bindings=self.server.channel_bindings)
        try:
            out = self.context.step(token)
        except spnego.exceptions.SpnegoError as error:
            self.context = None
            sys.stderr.write(f"refused: {error}\n")
            return self.reply(401, {"WWW-Authenticate": "Negotiate"})
        if self.context.complete:
            return self.reply(200, {})
        return self.reply(401, {"WWW-Authenticate": ["Kerberos", f"Negotiate {base64.b64encode(out).decode()}"]})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        authorization = self.headers.get("Authorization", "")
        if authorization.startswith("Negotiate "):
            return self.log_on(base64.b64decode(authorization[len("Negotiate ") :]))
        if self.context is None or not self.context.complete:
            return self.reply(401, {"WWW-Authenticate": "Negotiate, Kerberos"})
        if self.server.channel_bindings is not None:
            return self.reply(200, {"Content-Type": "application/soap+xml"}, b"<answer>" + body + b"</answer>")
        encryption = WinRMEncryption(self.context, WinRMEncryption.SPNEGO)
        message = encryption.unwrap_message(body, "Encrypted Boundary")
        kind, sealed = encryption.wrap_message(b"<answer>" + message + b"</answer>")
        types = f'{kind};protocol="{WinRMEncryption.SPNEGO}";boundary="Encrypted Boundary"'
        return self.reply(200, {"Content-Type": types}, sealed)

    def log_message(self, *_):
        pass


def serve(bindings, tls):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.channel_bindings = bindings
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


# The rest of standard input stays open for as long as the listeners are wanted.
given = json.loads(sys.stdin.readline())
os.environ["NTLM_USER_FILE"] = given["store"]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(given["cert"], given["key"])
bindings = GssChannelBindings(application_data=base64.b64decode(given["binding"]))
print(f"{serve(None, None)} {serve(bindings, context)}", flush=True)
sys.stdin.read()
