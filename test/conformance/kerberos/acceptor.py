"""An HTTPS listener that logs its clients on by Kerberos, with the service keys of KRB5_KTNAME; it echoes what they send then.

Standard input names certificate, key, and what to do with its own proof ("send", "omit", "spoil"); the port is printed; it ends
with its standard input. Who logged on is in the answer's header X-Client.
"""

import base64
import json
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import gssapi

given = json.loads(sys.stdin.readline())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # One of these serves one connection.
    client = None

    def reply(self, status, headers, body=b""):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_on(self, token):
        # Otherwise a refusal would come with what is asked of the context next.
        gssapi.SecurityContext.__DEFER_STEP_ERRORS__ = False
        context = gssapi.SecurityContext(creds=gssapi.Credentials(usage="accept"), usage="accept")
        try:
            proof = context.step(token)
        except gssapi.exceptions.GSSError as error:
            sys.stderr.write(f"refused: {error}\n")
            return self.reply(401, {"WWW-Authenticate": "Kerberos"})
        self.client = str(context.initiator_name)
        if given["proof"] == "omit":
            return self.reply(200, {})
        if given["proof"] == "spoil":
            proof = proof[:-1] + bytes([proof[-1] ^ 1])
        return self.reply(200, {"WWW-Authenticate": f"Kerberos {base64.b64encode(proof).decode()}"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme == "Kerberos":
            return self.log_on(base64.b64decode(token))
        if scheme != "" or self.client is None:
            return self.reply(401, {"WWW-Authenticate": "Kerberos"})
        answer = f"<answer to='{self.client}'>".encode() + body + b"</answer>"
        return self.reply(200, {"Content-Type": "application/soap+xml;charset=UTF-8"}, answer)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(given["cert"], given["key"])
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
