// A chat server on `ws` and Redis to the design the project began from: one channel for all rooms,
// each process delivers to its own members at once and drops its own messages when Redis returns
// them, JSON is made for every recipient, the last 1000 messages of a room are kept in a list.
//
// It does what that design does and no more: no tokens, no order across processes, no account of
// slow readers. Joins are published, as there; log lines per connection are left out.
//
// PORT and REDIS_URL come from the environment.

const { randomUUID } = require('node:crypto');
const { createClient } = require('redis');
const { WebSocketServer, WebSocket } = require('ws');

const CHANNEL = 'chat_messages';
const JOINS = 'room_events';
const HISTORY_LENGTH = 1000;
const PING_EVERY_MS = 30_000;
const STALE_AFTER_MS = 60_000;

const connections = new Map(); // id -> {socket, userId, rooms, lastActivity}
const rooms = new Map(); // room id -> set of connection ids
const publisher = createClient({ url: process.env.REDIS_URL });
const subscriber = publisher.duplicate();

function send(connectionId, message) {
  const connection = connections.get(connectionId);
  if (connection?.socket.readyState === WebSocket.OPEN) {
    connection.socket.send(JSON.stringify(message));
  }
}

function deliver(roomId, message, exceptId) {
  for (const connectionId of rooms.get(roomId) ?? []) {
    if (connectionId !== exceptId) send(connectionId, message);
  }
}

function toRedis(promise) {
  promise.catch((error) => {
    console.error(error);
    process.exit(1);
  });
}

function join(connectionId, { roomId }) {
  const connection = connections.get(connectionId);
  connection.rooms.add(roomId);
  if (!rooms.has(roomId)) rooms.set(roomId, new Set());
  rooms.get(roomId).add(connectionId);
  const event = { type: 'user_joined', roomId, userId: connection.userId, serverId: process.pid };
  toRedis(publisher.publish(JOINS, JSON.stringify(event)));
  send(connectionId, { type: 'room_joined', roomId, memberCount: rooms.get(roomId).size });
}

function leave(connectionId, roomId) {
  connections.get(connectionId).rooms.delete(roomId);
  const room = rooms.get(roomId);
  room?.delete(connectionId);
  if (room?.size === 0) rooms.delete(roomId);
}

function publish(connectionId, { roomId, content }) {
  const message = {
    type: 'chat_message',
    roomId,
    userId: connections.get(connectionId).userId,
    content,
    timestamp: Date.now(),
    messageId: `msg_${randomUUID()}`,
  };
  deliver(roomId, message, connectionId);
  const history = `room:${roomId}:history`;
  toRedis(publisher.publish(CHANNEL, JSON.stringify({ ...message, excludeServer: process.pid })));
  toRedis(publisher.lPush(history, JSON.stringify(message)));
  toRedis(publisher.lTrim(history, 0, HISTORY_LENGTH));
}

const commands = {
  join_room: join,
  leave_room: (connectionId, { roomId }) => leave(connectionId, roomId),
  chat_message: publish,
};

function accept(socket, request) {
  const connectionId = `${process.pid}_${randomUUID()}`;
  const { searchParams } = new URL(request.url, 'http://localhost');
  const userId = searchParams.get('userId') || 'anonymous';
  const connection = { socket, userId, rooms: new Set(), lastActivity: Date.now() };
  connections.set(connectionId, connection);
  socket.on('message', (data) => {
    const command = JSON.parse(data);
    commands[command.type]?.(connectionId, command);
  });
  socket.on('pong', () => {
    connection.lastActivity = Date.now();
  });
  socket.on('error', console.error);
  socket.on('close', () => {
    for (const roomId of connection.rooms) leave(connectionId, roomId);
    connections.delete(connectionId);
  });
  const serverInfo = { pid: process.pid, connections: connections.size };
  send(connectionId, { type: 'connected', connectionId, serverInfo });
}

function pingAll() {
  const now = Date.now();
  for (const { socket, lastActivity } of connections.values()) {
    if (now - lastActivity > STALE_AFTER_MS) socket.terminate();
    else if (socket.readyState === WebSocket.OPEN) socket.ping();
  }
}

async function main() {
  await Promise.all([publisher.connect(), subscriber.connect()]);
  await subscriber.subscribe(CHANNEL, (data) => {
    const message = JSON.parse(data);
    if (message.excludeServer !== process.pid) deliver(message.roomId, message);
  });
  // The design takes the joins of other processes too, and only logs them.
  await subscriber.subscribe(JOINS, (data) => JSON.parse(data));
  setInterval(pingAll, PING_EVERY_MS);
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: Number(process.env.PORT),
    perMessageDeflate: false,
    maxPayload: 16 * 1024,
  });
  server.on('connection', accept);
}

main();
