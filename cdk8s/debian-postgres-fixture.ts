import { existsSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { execa } from 'execa';

import { postgresAccount } from '../src/db/embedded/account.ts';
import { environmentOf, objectsOf } from './checks/environment-fixture.ts';
import { listAt, textAt } from './checks/look.ts';
import { ofKind } from './checks/rule.ts';

const DEBIAN = '/usr/lib/postgresql';
/** Who may come in without a password: the superuser over the socket, as in the image. */
const HBA = 'local all postgres trust\nlocal all all scram-sha-256\n';

/** Debian's PostgreSQL, newest first; the one from npm brings neither psql nor pg_dump. */
export function debianPostgres(): string | undefined {
  const versions = existsSync(DEBIAN)
    ? readdirSync(DEBIAN).filter((name) => /^\d+$/.test(name))
    : [];
  return versions
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => path.join(DEBIAN, version, 'bin'))
    .find((bin) =>
      ['postgres', 'initdb', 'psql', 'pg_dump', 'pg_restore'].every((name) =>
        existsSync(path.join(bin, name)),
      ),
    );
}

export function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((bin) => existsSync(path.join(bin, program)));
}

export interface DebianServer extends AsyncDisposable {
  /** The folder of its socket, as PGHOST. */
  readonly host: string;
  /** With the programs of its version before all others. */
  readonly env: { readonly PATH: string; readonly PGHOST: string };
}

/** A server with the very settings of the manifest, but that it listens to a socket alone. */
export async function startDebianPostgres(bin: string): Promise<DebianServer> {
  const account = await postgresAccount();
  const folder = await mkdtemp(path.join(tmpdir(), 'auto-dev-pg-'));
  const data = path.join(folder, 'data');
  const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}`, PGHOST: folder };
  await chmod(folder, 0o755);
  await mkdir(data, { mode: 0o700 });
  if (account.uid !== undefined && account.gid !== undefined) {
    await chown(folder, account.uid, account.gid);
    await chown(data, account.uid, account.gid);
  }
  await execa('initdb', ['--pgdata', data, '--username=postgres', '--auth=trust', '--no-sync'], {
    ...account,
    env,
    cwd: folder,
  });
  await writeFile(path.join(data, 'pg_hba.conf'), HBA);

  const server = execa(
    'postgres',
    [
      '-D',
      data,
      '-k',
      folder,
      '-c',
      'listen_addresses=',
      '-c',
      'fsync=off',
      ...settingsOfManifest(),
    ],
    {
      ...account,
      env,
      cwd: folder,
      reject: false,
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'ignore',
    },
  );
  const deadline = Date.now() + 60_000;
  for (let ready = false; !ready;) {
    const { exitCode } = await execa('pg_isready', ['--quiet', '--timeout=1'], {
      env,
      reject: false,
    });
    ready = exitCode === 0;
    if (!ready && Date.now() > deadline) {
      throw new Error('PostgreSQL did not start');
    }
  }
  return {
    host: folder,
    env,
    [Symbol.asyncDispose]: async () => {
      server.kill('SIGINT');
      await server;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function settingsOfManifest(): string[] {
  const store = ofKind(objectsOf(environmentOf('dev')), 'StatefulSet').find(
    ({ metadata }) => metadata.name === 'postgres',
  );
  const [container] = listAt(store, 'spec.template.spec.containers');
  const [program, ...settings] = listAt(container, 'args').map(String);
  if (program !== 'postgres' || textAt(container, 'name') !== 'postgres') {
    throw new Error('the manifest of PostgreSQL is not what this fixture expects');
  }
  return settings;
}
