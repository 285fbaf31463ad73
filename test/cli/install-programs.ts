import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';

import { execa } from 'execa';

/** What the flags and events of `src/llm` were measured with. Never dependencies: 770 MB that few people want. */
const VERSIONS = { codex: '0.169.0', claudeCode: '2.1.330' } as const;

const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
const INSTALL_WITHIN_MS = 600_000;

export interface Programs {
  readonly codex: string;
  readonly claude: string;
}

/** Both programs as npm installs them, in a folder of the user's cache; installed once for each pair of versions. */
export async function installPrograms(): Promise<Programs> {
  const { codex, claudeCode } = VERSIONS;
  const folder = path.join(
    homedir(),
    '.cache/auto-dev',
    `codex-${codex}-claude-code-${claudeCode}`,
  );
  const bin = path.join(folder, 'node_modules/.bin');
  const programs = { codex: path.join(bin, 'codex'), claude: path.join(bin, 'claude') };
  if (!existsSync(programs.codex) || !existsSync(programs.claude)) {
    await mkdir(folder, { recursive: true });
    process.stderr.write(`installing Codex ${codex} and Claude Code ${claudeCode} in ${folder}\n`);
    await execa(
      'npm',
      [
        ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'],
        [`@openai/codex@${codex}`, `@anthropic-ai/claude-code@${claudeCode}`],
      ].flat(),
      {
        timeout: INSTALL_WITHIN_MS,
        // This Node brings certificates of its own, and behind a company's proxy the system's are needed.
        env: existsSync(CERTIFICATES) ? { NODE_EXTRA_CA_CERTS: CERTIFICATES } : {},
      },
    );
  }
  return programs;
}
