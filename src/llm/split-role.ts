import type { WorkContext } from './provider.ts';

/** Linux takes no argument of 128 KiB or more; quoting makes it longer. */
const LONGEST_ROLE_BYTES = 60_000;

/**
 * The role goes where the model holds to it most, an argument of the program; one that is too long for that stands
 * in front of the prompt instead.
 */
export function splitRole({ role, prompt }: Pick<WorkContext, 'role' | 'prompt'>): {
  role: string;
  prompt: string;
} {
  return Buffer.byteLength(JSON.stringify(role)) <= LONGEST_ROLE_BYTES
    ? { role, prompt }
    : { role: '', prompt: `${role}\n\n${prompt}` };
}
