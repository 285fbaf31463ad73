import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';

import type { Queryable } from '../db/db.ts';
import { findWorkerSession, type WorkerSession } from '../db/worker-sessions.ts';
import { endReasonPolicy, isEndReason } from '../domain/end-reason.ts';
import type { TokenUsage } from '../llm/provider-event.ts';
import type { Provider, WorkContext } from '../llm/provider.ts';
import { readWorkerFile } from '../sandbox/bounded-file.ts';
import type { ClaimedAttempt } from './claim.ts';

const MOST_BYTES = 16 * 1024 * 1024;
/** Years, months, days and projects; what lies deeper or beside thousands of others is not a program's own. */
const DEEPEST = 6;
/** A worker's processes may print one of their own making, and it becomes an argument of a program. */
const SESSION_ID = /^[0-9a-f][0-9a-f-]{7,63}$/iu;
const MOST_ENTRIES = 10_000;

/** What an attempt may go on with. */
export interface Resumable {
  readonly resume: NonNullable<WorkContext['resume']>;
  readonly used: TokenUsage;
}

/**
 * The session that an attempt goes on with: of the same job, or of the one that it goes on from, with the same
 * trust, provider and model. Undefined: it begins afresh, also where the last attempt says that its session led nowhere.
 */
export async function findResumable(
  db: Queryable,
  { job, provider, attempt }: Pick<ClaimedAttempt, 'job' | 'provider' | 'attempt'>,
): Promise<Resumable | undefined> {
  const { kind, from_job: before } = job.trigger;
  const isFirst = job.attempts === 1;
  const of = isFirst && kind === 'changes' ? before : job.id;
  if (of === undefined || (isFirst && of === job.id)) {
    return undefined;
  }
  if (job.reason !== null && isEndReason(job.reason) && endReasonPolicy(job.reason).freshSession) {
    return undefined;
  }
  const kept = await findWorkerSession(db, of);
  if (
    kept === undefined ||
    kept.provider !== provider.name ||
    kept.model !== attempt.model ||
    kept.trust !== job.trust
  ) {
    return undefined;
  }
  const content = await promisify(gunzip)(kept.content, { maxOutputLength: MOST_BYTES });
  const { path, sessionId } = kept;
  return { resume: { sessionId, file: { path, content, mode: 0o600 } }, used: tokensOf(kept.used) };
}

/**
 * Takes a session's one file out of a worker's home once nothing runs there any more. Links are not followed.
 * Undefined where there is no such file, or it is too large to be kept.
 */
export async function readSession(
  { sessionPlace }: Provider,
  { home, sessionId }: { home: string; sessionId: string },
): Promise<Pick<WorkerSession, 'path' | 'content' | 'sessionId'> | undefined> {
  const place = SESSION_ID.test(sessionId) ? sessionPlace?.(sessionId) : undefined;
  if (place === undefined || !(await isPlainFolder(home, place.folder))) {
    return undefined;
  }
  const path = await findFile(home, place);
  const file = path === undefined ? undefined : await readWorkerFile(join(home, path), MOST_BYTES);
  if (path === undefined || file === undefined || 'refused' in file) {
    return undefined;
  }
  return { path, sessionId, content: await promisify(gzip)(file.content) };
}

async function isPlainFolder(home: string, folder: string): Promise<boolean> {
  const names = folder.split('/');
  for (const i of names.keys()) {
    const found = await lstat(join(home, ...names.slice(0, i + 1))).catch(() => undefined);
    if (found === undefined || !found.isDirectory()) {
      return false;
    }
  }
  return true;
}

async function findFile(
  home: string,
  { folder, suffix }: { folder: string; suffix: string },
): Promise<string | undefined> {
  let level = [folder];
  let seen = 0;
  for (let depth = 0; depth < DEEPEST && level.length > 0; depth += 1) {
    const below: string[] = [];
    for (const each of level) {
      for (const entry of await readdir(join(home, each), { withFileTypes: true })) {
        seen += 1;
        if (seen > MOST_ENTRIES) {
          return undefined;
        }
        const path = `${each}/${entry.name}`;
        if (entry.isFile() && path.endsWith(suffix)) {
          return path;
        }
        if (entry.isDirectory()) {
          below.push(path);
        }
      }
    }
    level = below;
  }
  return undefined;
}

function tokensOf(used: WorkerSession['used']): TokenUsage {
  const { input = 0, cachedInput = 0, cacheWrite = 0, output = 0, reasoning = 0 } = used;
  return { input, cachedInput, cacheWrite, output, reasoning };
}
