"""Web servers of one's own on loopback, an authority for their certificates, and the fetch role asked as others
ask it."""
import collections
import contextlib
import http.server
import ipaddress
import ssl
import subprocess
import threading
import time

import ipc
from service import Trouble, wait_until

RESULTS = ["came", "refused", "unproven", "large", "late", "failed"]
PATIENCE = 30


class Authority:
    """Signs certificates of servers. `file`: its own, for `authorities`."""

    def __init__(self, folder, name="authority"):
        self.folder, self.name = folder, name
        folder.mkdir(exist_ok=True)
        self.file, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        self.run("req", "-x509", *self.new_key(self.key), "-days", "30", "-subj", f"/CN={name}", "-out", self.file)

    def run(self, *words):
        subprocess.run(["openssl", *words], check=True, capture_output=True)

    @staticmethod
    def new_key(path):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path]

    def sign(self, host, days=30):
        """Paths of a certificate for a host and its key. Negative days: its time is over."""
        paths = [self.folder / f"{self.name}-{host}-{days}.{kind}" for kind in ("pem", "key", "csr")]
        self.run("req", *self.new_key(paths[1]), "-subj", "/O=test", "-addext", f"subjectAltName=DNS:{host}",
                 "-out", paths[2])
        self.run("x509", "-req", "-in", paths[2], "-CA", self.file, "-CAkey", self.key, "-days", str(days),
                 "-copy_extensions", "copy", "-out", paths[0])
        return paths[:2]


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as the page of the path says; a page that can be called answers by itself."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.web.requests.append((self.path, dict(self.headers.items())))
        page = self.server.web.pages.get(self.path, (404, "text/plain", b"there is nothing\n"))
        if callable(page):
            self.close_connection = True
            with contextlib.suppress(OSError):
                page(self)
            return
        status, kind, body, *fields = page
        self.send_response(status)
        for name, value in [("Content-Type", kind), ("Content-Length", str(len(body))), *fields]:
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    web = None

    def finish_request(self, request, address):
        """The handshake is made by the thread of the connection; one that fails is no request."""
        request.settimeout(PATIENCE)
        if self.web.context:
            with contextlib.suppress(OSError):
                with self.web.context.wrap_socket(request, server_side=True) as tls:
                    super().finish_request(tls, address)
            return
        super().finish_request(request, address)


class Web:
    """pages: {path: (status, content type, body, (field, value)...)}, or a function of the handler. certificate:
    paths of it and its key; without one it speaks plain HTTP. names: the host names that clients asked for."""

    def __init__(self, pages, certificate=None, address="127.0.0.1", port=0):
        self.pages, self.requests, self.names = pages, [], []
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
            self.context.sni_callback = lambda _sock, name, _context: self.names.append(name)
        self.server = Server((address, port), Handler)
        self.server.web = self
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def running(service):
    """The fetch role's process, or None."""
    return next(iter(service.roles("fetch")), None)


class Fetch:
    """The role of a service, asked one question at a time or many."""

    def __init__(self, service):
        self.service, self.channel = service, None

    def send(self, url, addresses=("127.0.0.1",), bytes=60000, seconds=PATIENCE):
        packed = b"".join(ipc.pack("fetch_address", bytes=ipaddress.ip_address(a).packed) for a in addresses)
        return self.channel.send("fetch_get", url=url, addresses=packed, bytes=bytes, seconds=seconds)

    def receive(self):
        serial, got, _ = self.channel.receive("fetch_got")
        return serial, Got(RESULTS[got.result], got.status, got.type.decode(), got.body, got.why.decode())

    def __call__(self, *words, **options):
        """One answer. The role ends when it is idle; who meets it then asks again."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                if not self.channel:
                    self.channel = ipc.door(self.service, "fetch")
                self.send(*words, **options)
                return self.receive()[1]
            except (OSError, Trouble, IndexError):
                self.close()
        raise Trouble("the fetch role does not answer")

    def close(self):
        if self.channel:
            self.channel.sock.close()
        self.channel = None


Got = collections.namedtuple("Got", "result status type body why")
