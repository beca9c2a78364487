"""An HTTP listener that logs its clients on with pyspnego, and answers each sealed message with a longer one.

Standard input names the credential store (NTLM_USER_FILE); the port is printed; it ends with its standard input.
"""

import base64
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import spnego
from pypsrp.encryption import WinRMEncryption


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
            self.context = spnego.server(protocol="ntlm")
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
        encryption = WinRMEncryption(self.context, WinRMEncryption.SPNEGO)
        message = encryption.unwrap_message(body, "Encrypted Boundary")
        kind, sealed = encryption.wrap_message(b"<answer>" + message + b"</answer>")
        types = f'{kind};protocol="{WinRMEncryption.SPNEGO}";boundary="Encrypted Boundary"'
        return self.reply(200, {"Content-Type": types}, sealed)

    def log_message(self, *_):
        pass


# The rest of standard input stays open for as long as the listener is wanted.
os.environ["NTLM_USER_FILE"] = json.loads(sys.stdin.readline())["store"]
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
