/** Runs what shares a key one after the other: a push and a merge never see half of each other. */
export interface Lock {
  run<T>(key: number, work: () => Promise<T>): Promise<T>;
}

export function createLock(): Lock {
  const tails = new Map<number, Promise<unknown>>();
  return {
    async run(key, work) {
      const before = tails.get(key) ?? Promise.resolve();
      const mine = before.then(work, work);
      // The tail must not reject: the next one only waits for it.
      tails.set(
        key,
        mine.catch(() => undefined),
      );
      return mine;
    },
  };
}
