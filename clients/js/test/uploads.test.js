import assert from "node:assert/strict";
import { createServer } from "node:http";
import { afterEach, test } from "node:test";

import { ConnectionLost, folded, UploadRefused } from "../src/index.js";
import { messageEntry } from "../src/entries.js";
import { httpBase, Uploads } from "../src/uploads.js";

const FILE = { id: "f.image.png", name: "tea.png", contentType: "image/png", size: 3, url: "/files/x" };
const ends = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** A server that answers every request alike, and what it was asked. */
async function start(status, body, headers = {}) {
  const asked = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, url, headers: fields } = request;
    asked.push({ method, url, headers: fields, body: Buffer.concat(chunks).toString() });
    response.writeHead(status, headers);
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => new Promise((resolve) => {
    server.closeAllConnections?.();
    server.close(resolve);
  }));
  const base = `http://127.0.0.1:${server.address().port}`;
  return { uploads: new Uploads(base, async () => "a.b.c"), asked };
}

test("a file goes to its room with a token, and the answer can be sent", async () => {
  const { uploads, asked } = await start(201, FILE);
  const found = await uploads.upload("tea:1", new Blob(["abc"]), { name: "über tea.png" });
  assert.deepEqual(found, FILE);
  const [{ method, url, headers, body }] = asked;
  assert.equal(method, "POST");
  assert.equal(url, "/api/v1/rooms/tea%3A1/files?name=%C3%BCber+tea.png");
  assert.equal(headers.authorization, "Bearer a.b.c");
  assert.equal(headers["content-length"], "3");
  assert.equal(body, "abc");
});

test("a refusal says why, and when it may be tried again", async () => {
  const problem = { code: "rate_limited", detail: "Too much.", retryAfterMs: 4000 };
  const { uploads } = await start(429, problem);
  const refused = await uploads.upload("tea", new Blob(["x"])).catch((error) => error);
  assert.ok(refused instanceof UploadRefused);
  assert.deepEqual([refused.code, refused.message, refused.retryAfterMs],
    ["rate_limited", "Too much.", 4000]);
});

test("the refusal of a proxy is one, too", async () => {
  const { uploads } = await start(413, "<h1>Too large</h1>", { "Retry-After": "2" });
  const refused = await uploads.upload("tea", new Blob(["x"])).catch((error) => error);
  assert.deepEqual([refused.code, refused.retryAfterMs], ["file_too_large", 2000]);
});

test("without a server the upload is lost, and may be tried again", async () => {
  const uploads = new Uploads("http://127.0.0.1:9", async () => "a.b.c");
  await assert.rejects(uploads.upload("tea", new Blob(["x"])), ConnectionLost);
  await assert.rejects(uploads.rules(), ConnectionLost);
});

test("an upload that is given up ends with the reason", async () => {
  const { uploads } = await start(201, FILE);
  const end = new AbortController();
  end.abort(new Error("Not that one."));
  const options = { signal: end.signal };
  await assert.rejects(uploads.upload("tea", new Blob(["x"]), options), /Not that one/);
});

test("a server that takes no files says so", async () => {
  for (const status of [404, 501]) {
    const { uploads } = await start(status, {});
    assert.equal(await uploads.rules(), null);
  }
  const rules = { maxBytes: 10, contentTypes: ["image/png"], maxAttachments: 10 };
  const { uploads } = await start(200, rules);
  assert.deepEqual(await uploads.rules(), rules);
});

test("files are where the WebSocket is", () => {
  assert.equal(httpBase("wss://chat.example:8443/ws?room=x"), "https://chat.example:8443");
  assert.equal(httpBase("ws://localhost:8080/ws"), "http://localhost:8080");
});

test("a deletion takes the files out of a message, an edit leaves them", () => {
  const message = messageEntry(0, {
    type: "chat_message", seq: 1, messageId: "m1", userId: "ann", timestamp: 1, content: "a",
    attachments: [FILE],
  });
  const about = { messageId: "m1", messageSeq: 1, userId: "ann", timestamp: 2 };
  const edited = folded(message, { ...about, type: "message_edited", seq: 2, content: "b" });
  assert.deepEqual(edited.attachments, [FILE]);
  const deleted = folded(edited, { ...about, type: "message_deleted", seq: 3 });
  assert.equal(deleted.attachments, undefined);
});
