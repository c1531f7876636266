# Run it with: WEBHOOK_SECRET='whsec_…' python3 receive.py
import base64, hashlib, hmac, json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

secret = base64.b64decode(os.environ.get("WEBHOOK_SECRET", "").removeprefix("whsec_"))
if not secret:
    sys.exit("set WEBHOOK_SECRET to the webhook's secret, whsec_…")


def signed(headers, body):
    id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    mac = hmac.new(secret, f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
    want = "v1," + base64.b64encode(mac).decode()
    found = any(hmac.compare_digest(want, s) for s in headers.get("webhook-signature", "").split(" "))
    return found and at.isdigit() and abs(time.time() - int(at)) <= 300


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if signed(self.headers, body):
            event = json.loads(body)  # it may come twice: webhook-id tells
            self.send_response(204)
        else:
            self.send_response(401)
        self.end_headers()


ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", 9000))), Receiver).serve_forever()
