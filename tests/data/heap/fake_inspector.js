// A process with an inspector that misbehaves: node --inspect-port=N fake_inspector.js HOW. It
// listens on that port itself and speaks just enough WebSocket (RFC 6455) and inspector protocol.
'use strict';
const crypto = require('crypto');
const http = require('http');
const how = process.argv[2];
const port = Number(/--inspect-port=(\d+)/.exec(process.env.NODE_OPTIONS)[1]);
const head =
  '{"snapshot":{"meta":{"node_fields":["type","name","id","self_size","edge_count"],' +
  '"node_types":[["hidden","object"]],"edge_fields":["type","name_or_index","to_node"],' +
  '"edge_types":[["property"]]},"node_count":1,"edge_count":0},\n"nodes":[0,0,1,8,0\n],';

function frame(text, first = 0x81) {
  const body = Buffer.from(text);
  const header = body.length < 126 ? Buffer.from([first, body.length])
    : Buffer.from([first, 126, body.length >> 8, body.length & 255]);
  return Buffer.concat([header, body]);
}

/// The text of one masked frame of less than 64 KiB.
function unframe(bytes) {
  const long = (bytes[1] & 127) === 126;
  const size = long ? bytes.readUInt16BE(2) : bytes[1] & 127;
  const at = long ? 4 : 2;
  const mask = bytes.subarray(at, at + 4);
  const body = bytes.subarray(at + 4, at + 4 + size);
  return { text: Buffer.from(body.map((byte, i) => byte ^ mask[i % 4])).toString(),
    rest: bytes.subarray(at + 4 + size) };
}

function value(expression) {
  if (expression === 'process.pid') return how === 'other-pid' ? 1 : process.pid;
  return expression.includes('hrtime') ? 7.1 : [9e7, 3e7, 2e7, 1e6, 1e5, 4e9];
}

function answer(socket, message) {
  const reply = (result) => socket.write(frame(JSON.stringify({ id: message.id, result })));
  const chunk = (text) => socket.write(frame(JSON.stringify(
    { method: 'HeapProfiler.addHeapSnapshotChunk', params: { chunk: text } })));
  if (how === 'silent') return;
  if (how === 'garbage') socket.write(frame('\u0001 no JSON {'));
  else if (how === 'bad-frame') socket.write(frame('x', 0xf7));
  else if (message.method === 'Runtime.evaluate')
    reply({ result: { value: value(message.params.expression) } });
  else if (message.method !== 'HeapProfiler.takeHeapSnapshot') reply({});
  else if (how === 'refuses')
    socket.write(frame(JSON.stringify({ id: message.id, error: { code: -1, message: 'no' } })));
  else {
    chunk(how === 'no-snapshot' ? 'hello' : head);
    if (how === 'drops') socket.destroy(); else reply({});
  }
}

const inspector = http.createServer((request, response) => response.end(JSON.stringify(
  [{ webSocketDebuggerUrl: `ws://127.0.0.1:${port}/x` }])));
inspector.on('upgrade', (request, socket) => {
  socket.on('error', () => {});
  if (how === 'no-upgrade') return socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  const key = request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Accept: ${crypto.createHash('sha1').update(key).digest('base64')}\r\n\r\n`);
  let bytes = Buffer.alloc(0);
  socket.on('data', (more) => {
    bytes = Buffer.concat([bytes, more]);
    while (bytes.length > 6) {
      const { text, rest } = unframe(bytes);
      const opcode = bytes[0] & 15;
      bytes = rest;
      if (opcode === 1) answer(socket, JSON.parse(text));
      else if (opcode === 8) socket.end();
    }
  });
});
inspector.listen(port, '127.0.0.1', () => {
  const server = http.createServer((request, response) => response.end('here\n'));
  server.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`));
});
