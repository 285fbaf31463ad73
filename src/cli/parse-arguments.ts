import { InvalidArgumentError } from 'commander';

import type { Agent } from '../domain/agent.ts';
import { AGENTS, isAgent } from '../domain/agent.ts';
import { AppError } from '../kernel/errors.ts';

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `30s`, `10m`, `2h`, `1d`, as milliseconds. */
export function durationMs(text: string): number {
  const [, number, unit] = /^(\d+)(s|m|h|d)$/.exec(text) ?? [];
  if (number === undefined || (unit !== 's' && unit !== 'm' && unit !== 'h' && unit !== 'd')) {
    throw new InvalidArgumentError('Write it as 30s, 10m, 2h or 1d.');
  }
  return Number(number) * UNIT_MS[unit];
}

/**
 * What `--until` says: a time (`2026-12-01T08:00`), or a length of time from now on (`2h`).
 * @throws AppError USAGE for anything else, and for a time that is over
 */
export function untilTime(text: string, now: Date): Date {
  const at = /^\d+[smhd]$/.test(text) ? new Date(now.getTime() + durationMs(text)) : new Date(text);
  const remedy = 'Write --until as 2h, 3d or 2026-12-01T08:00.';
  if (Number.isNaN(at.getTime())) {
    throw new AppError('USAGE', `\`${text}\` is no time`, { remedy });
  }
  if (at <= now) {
    throw new AppError('USAGE', `\`${text}\` is over already`, { remedy });
  }
  return at;
}

export function wholeNumber({ min, max }: { min: number; max: number }): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < min || number > max) {
      throw new InvalidArgumentError(`Write a whole number from ${min} to ${max}.`);
    }
    return number;
  };
}

export function positiveUsd(text: string): number {
  const usd = Number(text.replace(/^\$/, ''));
  if (!Number.isFinite(usd) || usd <= 0) {
    throw new InvalidArgumentError('Write an amount as 2 or 2.50.');
  }
  return usd;
}

export function agentName(text: string): Agent {
  if (!isAgent(text)) {
    throw new InvalidArgumentError(`The agents are ${AGENTS.join(', ')}.`);
  }
  return text;
}

export function jobIdText(text: string): string {
  if (!/^j_[1-9]\d*$/.test(text)) {
    throw new InvalidArgumentError('A job is named as j_12; `autodev jobs` lists them.');
  }
  return text;
}
