import path from 'node:path';

import type { Settings } from '../config/settings.ts';
import type { Clock } from '../kernel/clock.ts';
import { claudeProvider } from '../llm/claude.ts';
import { codexProvider } from '../llm/codex.ts';
import { commandProvider } from '../llm/command.ts';
import type { ProgramPlaces } from '../llm/installed-program.ts';
import type { Provider } from '../llm/provider.ts';

export interface ProviderRow {
  readonly provider: Provider;
  /** The setting that holds what it pays with; undefined: it needs none, nor the gateway. */
  readonly credential?: 'OPENAI_API_KEY' | 'ANTHROPIC_API_KEY';
}

/** Where `npm install` in this checkout puts programs. */
const OWN_PROGRAMS = path.join(import.meta.dirname, '../../node_modules/.bin');

/** Every provider that is built in. */
export function providerTable({
  clock,
  settings,
  searchPath,
}: {
  clock: Clock;
  settings: Settings;
  searchPath: string;
}): readonly ProviderRow[] {
  const places = (given: string | undefined): ProgramPlaces => ({
    given,
    searchPath,
    folders: [OWN_PROGRAMS],
  });
  return [
    {
      provider: codexProvider({ clock, places: places(settings.CODEX_BIN) }),
      credential: 'OPENAI_API_KEY',
    },
    {
      provider: claudeProvider({ clock, places: places(settings.CLAUDE_BIN) }),
      credential: 'ANTHROPIC_API_KEY',
    },
    { provider: commandProvider },
  ];
}
