// Takes a snapshot of the whole of Qdrant, saves it to WORK and removes it there; encrypt.sh takes it from WORK.
import { createWriteStream, readFileSync, renameSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const { QDRANT_URL: url, WORK: work = '/work', QDRANT_API_KEY_FILE: keyFile } = process.env;
const headers = { 'api-key': readFileSync(keyFile, 'utf8').trim() };
const out = `${work}/qdrant.snapshot`;

const {
  result: { name },
} = await (await ask('POST', '/snapshots?wait=true')).json();
try {
  const { body } = await ask('GET', `/snapshots/${encodeURIComponent(name)}`);
  await pipeline(Readable.fromWeb(body), createWriteStream(`${out}.part`, { mode: 0o600 }));
  renameSync(`${out}.part`, out);
} finally {
  await ask('DELETE', `/snapshots/${encodeURIComponent(name)}?wait=true`);
}

/** @param {string} method @param {string} path */
async function ask(method, path) {
  const response = await fetch(new URL(path, url), { method, headers });
  if (!response.ok) {
    throw new Error(`Qdrant answered ${method} ${path} with ${response.status}`);
  }
  return response;
}
