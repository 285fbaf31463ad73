import { createBorrowingRepository } from '../forge/borrowing-repository.ts';

/**
 * A bare repository of ours in an empty folder that borrows a mirror's objects: what is looked at there leaves
 * nothing in the mirror.
 */
export async function createScratchRepository(
  folder: string,
  { mirror, base }: { mirror: string; base: string },
): Promise<void> {
  const settings = ['core.bare=true'] as const;
  await createBorrowingRepository(folder, { mirror, commit: base, settings });
}
