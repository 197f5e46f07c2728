// Socket.IO with its Redis adapter, WebSocket only, as its documentation sets it up for production:
// the adapter over two clients of `redis`, `bufferutil` installed, and the opening request forgotten
// to save memory. PORT and REDIS_URL come from the environment.

const { randomUUID } = require('node:crypto');
const { createServer } = require('node:http');
const { createAdapter } = require('@socket.io/redis-adapter');
const { createClient } = require('redis');
const { Server } = require('socket.io');

async function main() {
  const publisher = createClient({ url: process.env.REDIS_URL });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  const http = createServer();
  const io = new Server(http, {
    adapter: createAdapter(publisher, subscriber),
    transports: ['websocket'],
    serveClient: false,
  });
  io.engine.on('connection', (rawSocket) => {
    rawSocket.request = null;
  });
  io.on('connection', (socket) => {
    const userId = socket.handshake.auth.userId || 'anonymous';
    socket.on('join_room', async (roomId, acknowledge) => {
      await socket.join(roomId);
      acknowledge();
    });
    socket.on('chat_message', ({ roomId, content }) => {
      io.to(roomId).emit('chat_message', {
        roomId,
        userId,
        content,
        timestamp: Date.now(),
        messageId: `msg_${randomUUID()}`,
      });
    });
  });
  http.listen(Number(process.env.PORT), '127.0.0.1');
}

main();
