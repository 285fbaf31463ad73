/** Reads a server's log for deadlocks (SQLSTATE 40P01), with what PostgreSQL says about each. */
export function deadlockWatch(): { read(line: string): void; assertNone(): void } {
  const found: string[] = [];
  let inDeadlock = false;

  return {
    read: (line) => {
      if (/ 40P01 /.test(line)) {
        inDeadlock = true;
      } else if (/^\d{4}-\d\d-\d\d /.test(line)) {
        inDeadlock = false;
      }
      // The detail's further lines have no prefix: they belong to the one before.
      if (inDeadlock) {
        found.push(line);
      }
    },
    assertNone: () => {
      if (found.length > 0) {
        throw new Error(`the tests caused a deadlock in PostgreSQL:\n${found.join('\n')}`);
      }
    },
  };
}
