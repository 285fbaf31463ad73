import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { expect } from 'vitest';

import { openPool, test as base } from '../../test/database.ts';
import { checkSchema, migrate } from './migrate.ts';
import type { PostgresDb } from './pool.ts';
import { sql } from './sql.ts';

type Files = Record<string, string>;

/** Each test in a schema of its own, empty, with a folder of its own migrations. */
const test = base.extend<{ setup: (files: Files) => Promise<Setup> }>({
  setup: async ({ connection, db }, use) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'autodev-migrations-'));
    const schema = path.basename(folder).replaceAll(/\W/g, '_').toLowerCase();
    await db.session((session) => session.script(`create schema ${schema}`));
    await using disposables = new AsyncDisposableStack();

    await use(async (files) => {
      const write = (more: Files) => writeAll(folder, more);
      await write(files);
      const open = async () =>
        disposables.use(await openPool(`${connection}&options=-csearch_path%3D${schema}`));
      return { folder, write, open, empty: await open() };
    });
    await rm(folder, { recursive: true });
  },
});

interface Setup {
  folder: string;
  write: (files: Files) => Promise<void>;
  /** One more pool, as another process would have. */
  open: () => Promise<PostgresDb>;
  empty: PostgresDb;
}

async function writeAll(folder: string, files: Files): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await writeFile(path.join(folder, name), text);
  }
}

const TWO = {
  '0001_words.sql': `create table word (text text); insert into word values ('a;b');`,
  '0002_more.sql': `insert into word values ('second');`,
};

test('applies what is missing, in order, once', async ({ setup }) => {
  const { folder, write, empty: db } = await setup(TWO);

  const first = await migrate(db, { folder });
  await write({ '0003_last.sql': `insert into word values ('third');` });
  const second = await migrate(db, { folder });
  const third = await migrate(db, { folder });

  expect([first, second, third]).toEqual([
    { from: 0, to: 2 },
    { from: 2, to: 3 },
    { from: 3, to: 3 },
  ]);
  expect(await db.query(sql`select text from word`)).toEqual([
    { text: 'a;b' },
    { text: 'second' },
    { text: 'third' },
  ]);
});

test('a migration that fails leaves nothing of itself, and those before it', async ({ setup }) => {
  const {
    folder,
    write,
    empty: db,
  } = await setup({
    ...TWO,
    '0002_more.sql': `insert into word values ('half'); select 1 / 0;`,
  });

  await expect(migrate(db, { folder })).rejects.toThrow('division by zero');
  await write({ '0002_more.sql': `insert into word values ('whole');` });

  expect(await migrate(db, { folder })).toEqual({ from: 1, to: 2 });
  expect(await db.query(sql`select text from word`)).toEqual([{ text: 'a;b' }, { text: 'whole' }]);
});

test('processes that start together migrate once, also what cannot run in a transaction', async ({
  setup,
}) => {
  const { folder, open } = await setup({
    ...TWO,
    '0003_index.sql': `-- autodev:no-transaction\ncreate index concurrently if not exists word_text on word (text);`,
  });
  const rivals = await Promise.all([open(), open(), open(), open()]);

  const results = await Promise.all(rivals.map((db) => migrate(db, { folder })));

  expect(results.map(({ from }) => from).sort((a, b) => a - b)).toEqual([0, 3, 3, 3]);
  expect(await rivals[0]?.query(sql`select count(*) as n from word`)).toEqual([{ n: 2 }]);
});

test('an applied migration that was edited is an error; its line ends do not matter', async ({
  setup,
}) => {
  const { folder, write, empty: db } = await setup({ '0001_a.sql': 'select 1;\nselect 2;\n' });
  await migrate(db, { folder });

  await write({ '0001_a.sql': 'select 1;\r\nselect 2;\r\n' });
  await expect(migrate(db, { folder })).resolves.toEqual({ from: 1, to: 1 });
  await write({ '0001_a.sql': 'select 3;' });

  await expect(migrate(db, { folder })).rejects.toThrow('0001_a was edited');
});

test('a newer database is refused by those who migrate and those who only check', async ({
  setup,
}) => {
  const { folder, empty: db } = await setup(TWO);
  await migrate(db, { folder });
  await rm(path.join(folder, '0002_more.sql'));

  await expect(migrate(db, { folder })).rejects.toMatchObject({ code: 'SCHEMA_NEWER' });
  await expect(checkSchema(db, { folder })).rejects.toMatchObject({ code: 'SCHEMA_NEWER' });
});

test('whoever must not migrate waits for the migrations', async ({ setup }) => {
  const { folder, empty: db } = await setup(TWO);

  await expect(checkSchema(db, { folder })).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    remedy: 'run `autodev migrate`',
  });
  await migrate(db, { folder });

  await expect(checkSchema(db, { folder })).resolves.toBeUndefined();
});

test('a gap in the numbers is an error', async ({ setup }) => {
  const { folder, empty: db } = await setup({ '0001_a.sql': '', '0003_c.sql': '' });

  await expect(migrate(db, { folder })).rejects.toThrow('expected 0002_<name>.sql');
});
