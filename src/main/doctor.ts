import { mkdir, statfs } from 'node:fs/promises';
import path from 'node:path';

import type { ProcessOptions } from '../cli/processes.ts';
import { readRoles } from '../config/roles.ts';
import { givenUp } from '../db/setbacks.ts';
import { sql } from '../db/sql.ts';
import { systemClock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { bubblewrapSandbox } from '../sandbox/bubblewrap.ts';
import { makeToolbox } from '../sandbox/toolbox.ts';
import { hookChecks } from './hook-checks.ts';
import type { Platform } from './platform.ts';
import { openPlatform } from './platform.ts';
import type { ProviderRow } from './providers.ts';
import { providerTable } from './providers.ts';
import { runnerFolder } from './runner.ts';

/** The oldest git whose `merge-tree` writes trees, which merging without a checkout needs. */
const OLDEST_GIT = [2, 38] as const;
const LITTLE_DISK = 0.15;

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do where it is not. */
  readonly remedy?: string;
}

/** Looks at everything that this machine must offer and says what is missing; 0 when nothing is. */
export async function runDoctor(options: ProcessOptions): Promise<number> {
  const checks: Check[] = [nodeCheck()];
  try {
    await using platform = await openPlatform({ ...options, env: quiet(options.env) });
    checks.push(
      await databaseCheck(platform),
      busCheck(platform),
      await setbackCheck(platform),
      await placesCheck(platform),
      await gitCheck(platform, options.signal),
      await sandboxCheck(platform),
      await diskCheck(platform),
      await rolesCheck(),
      ...(await gitlabChecks(platform, options.signal)),
      ...(await hookChecks(platform.db, systemClock.now())),
      ...(await Promise.all(
        providerTable(platform).map((row) => providerCheck(platform, row, options.signal)),
      )),
    );
  } catch (error) {
    if (!(error instanceof AppError)) {
      throw error;
    }
    checks.push({
      name: 'start',
      ok: false,
      detail: error.message,
      ...(error.remedy !== undefined && { remedy: error.remedy }),
    });
  }

  const { stdout, json } = options;
  stdout.write(json ? `${JSON.stringify({ checks }, undefined, 2)}\n` : checks.map(line).join(''));
  return checks.every(({ ok }) => ok) ? 0 : 1;
}

function line({ name, ok, detail, remedy }: Check): string {
  const head = `${ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(9)} ${detail}\n`;
  return ok || remedy === undefined ? head : `${head}                ${remedy}\n`;
}

function nodeCheck(): Check {
  return { name: 'node', ok: true, detail: process.version };
}

async function databaseCheck({ db, server }: Platform): Promise<Check> {
  const [row] = await db.query<{ version: string }>(sql`select version() as version`);
  const where = server ? `our own, in ${server.clusterDir}` : 'the one of DATABASE_URL';
  return {
    name: 'database',
    ok: true,
    detail: `${(row?.version ?? '').split(' on ', 1)[0]}, ${where}`,
  };
}

function busCheck({ bus }: Platform): Check {
  const { up, detail } = bus.status();
  return {
    name: 'bus',
    ok: up,
    detail: up ? `control messages by ${detail}` : detail,
    remedy:
      'Orders are found by a poll meanwhile, within a second. Correct REDIS_URL, or unset it.',
  };
}

/** Rows that were given up are a bug of ours: nobody would miss what they were to do. */
async function setbackCheck({ db }: Platform): Promise<Check> {
  const name = 'set aside';
  const [made] = await db.query<{ made: boolean }>(
    sql`select to_regclass('setback') is not null as made`,
  );
  const found = made?.made === true ? await givenUp(db) : undefined;
  if (found === undefined) {
    return { name, ok: true, detail: 'nothing was given up' };
  }
  const { count, oldest } = found;
  const rows = count === 1 ? 'one row was' : `${count} rows were`;
  return {
    name,
    ok: false,
    detail: `${rows} given up, first ${oldest.sweep}:${oldest.rowId}: ${oldest.error}`,
    remedy: 'Mend the cause (the log has all of it), then: `autodev retry --set-aside`.',
  };
}

/** Nothing where no GitLab is set up. */
async function gitlabChecks(
  { forge: { gitlab } }: Platform,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  if (gitlab === undefined) {
    return [];
  }
  const { checkGitlab } = await import('../forge/gitlab/check.ts');
  return checkGitlab(gitlab, signal);
}

async function placesCheck({ data, server }: Platform): Promise<Check> {
  const workers = `; workers in ${await runnerFolder(data)}`;
  const binaries = server ? `; PostgreSQL's programs in ${server.binariesDir}` : '';
  return { name: 'data', ok: true, detail: `${data.folder}${workers}${binaries}` };
}

async function gitCheck({ git, data }: Platform, signal: AbortSignal): Promise<Check> {
  const text = await git.text({ cwd: data.folder }, ['--version'], signal);
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(text)?.slice(1) ?? []).map(Number);
  const ok = major > OLDEST_GIT[0] || (major === OLDEST_GIT[0] && minor >= OLDEST_GIT[1]);
  return {
    name: 'git',
    ok,
    detail: text,
    remedy: `Install git ${OLDEST_GIT.join('.')} or newer: merging without a checkout needs it.`,
  };
}

async function sandboxCheck({ data, settings }: Platform): Promise<Check> {
  if (settings.AUTODEV_SANDBOX === 'off') {
    return {
      name: 'sandbox',
      ok: false,
      detail: 'switched off: workers can see and change what you can',
      remedy: 'Unset AUTODEV_SANDBOX.',
    };
  }
  const folder = await runnerFolder(data);
  await mkdir(folder, { recursive: true, mode: 0o711 });
  const toolbox = await makeToolbox(path.join(folder, 'toolbox'), process.execPath);
  const state = await bubblewrapSandbox({ clock: systemClock, toolbox }).probe();
  return state.available
    ? { name: 'sandbox', ok: true, detail: 'bubblewrap makes boxes without network' }
    : { name: 'sandbox', ok: false, detail: state.reason, remedy: state.remedy };
}

async function diskCheck({ data }: Platform): Promise<Check> {
  const { bavail, blocks, bsize } = await statfs(data.folder);
  const free = `${((bavail * bsize) / 1024 ** 3).toFixed(1)} GiB free`;
  return {
    name: 'disk',
    ok: bavail / blocks > LITTLE_DISK,
    detail: free,
    remedy: 'Below 15 % nothing new is started: make room, or move the data directory.',
  };
}

async function rolesCheck(): Promise<Check> {
  const roles = await readRoles();
  return { name: 'roles', ok: true, detail: `${Object.keys(roles).length} roles` };
}

/** A provider that nobody has given a credential is not missed: what it would need is told, and is no failure. */
async function providerCheck(
  { settings }: Platform,
  { provider, credential }: ProviderRow,
  signal: AbortSignal,
): Promise<Check> {
  const { name } = provider;
  const probed = await provider.probe(signal);
  const wanted = credential === undefined || settings[credential] !== undefined;
  if (!probed.usable) {
    const { reason, remedy } = probed;
    return wanted
      ? { name, ok: false, detail: reason, remedy }
      : { name, ok: true, detail: `not in use: ${reason}. ${remedy}` };
  }
  const lacks = wanted ? [] : [`${credential} is not set`];
  const notes = [
    probed.detail,
    ...lacks,
    ...(probed.warning === undefined ? [] : [probed.warning]),
  ];
  return { name, ok: true, detail: notes.join('; ') };
}

/** What a check reports is its answer; the log of opening the platform would only be in its way. */
function quiet(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, LOG_LEVEL: env['LOG_LEVEL'] ?? 'silent' };
}
