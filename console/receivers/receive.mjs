// Run it with: WEBHOOK_SECRET='whsec_…' node receive.mjs
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const secret = Buffer.from((process.env.WEBHOOK_SECRET ?? "").replace(/^whsec_/, ""), "base64");
if (secret.length === 0) {
  console.error("set WEBHOOK_SECRET to the webhook's secret, whsec_…");
  process.exit(1);
}

function signed(headers, body) {
  const id = headers["webhook-id"] ?? "", time = headers["webhook-timestamp"] ?? "";
  const want = Buffer.from("v1," + createHmac("sha256", secret).update(`${id}.${time}.`).update(body).digest("base64"));
  const found = (headers["webhook-signature"] ?? "").split(" ").map((s) => Buffer.from(s));
  return found.some((s) => s.length === want.length && timingSafeEqual(s, want)) && Math.abs(Date.now() / 1000 - Number(time)) <= 300;
}

createServer(async (request, response) => {
  const parts = [];
  try {
    for await (const part of request) parts.push(part);
  } catch {
    return response.destroy(); // the sender broke off
  }
  const body = Buffer.concat(parts);
  if (!signed(request.headers, body)) return response.writeHead(401).end();
  const event = JSON.parse(body); // it may come twice: webhook-id tells
  response.writeHead(204).end();
}).listen(Number(process.env.PORT ?? 9000), "127.0.0.1");
