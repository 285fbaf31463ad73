// Runs inside a box: hands what connects to a loopback port of the box's own network namespace on to one
// bind-mounted unix socket, and runs the worker meanwhile.
// usage: node bridge.mjs SOCKET PORT FILE [ARG…]; ends as FILE does, 127 when it cannot be started.
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { constants } from 'node:os';

const [socketPath, port, file, ...argv] = process.argv.slice(2);

const server = createServer({ allowHalfOpen: true }, (client) => {
  const upstream = connect({ path: socketPath, allowHalfOpen: true });
  client.pipe(upstream).pipe(client);
  client.on('error', () => upstream.destroy());
  upstream.on('error', () => client.destroy());
});

server.listen(Number(port), '127.0.0.1', () => {
  const child = spawn(file, argv, { stdio: 'inherit' });
  // A polite stop is sent to us, for we stand in the worker's place.
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.on(signal, () => child.kill(signal));
  }
  child.on('error', (error) => {
    process.stderr.write(`cannot start the worker: ${error.message}\n`);
    process.exit(127);
  });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
});
