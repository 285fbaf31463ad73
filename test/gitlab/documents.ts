import type { Documents } from './contract.ts';

export function contractDocuments(): Documents | undefined {
  return undefined;
}
