/** Reads a server's log for deadlocks (SQLSTATE 40P01), with what PostgreSQL says about each. */
export function deadlockWatch(): { read(line: string): void; assertNone(): void } {
  const found: string[] = [];
  let inDeadlock = false;

  return {
    read: (line) => {
      // As the embedded server's log_line_prefix writes it: time, zone, [pid], database, SQLSTATE.
      const [, sqlState] = /^\d{4}-\S+ \S+ \S+ \[\d+\] \S* (\w{5}) /.exec(line) ?? [];
      inDeadlock = sqlState === undefined ? inDeadlock : sqlState === '40P01';
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
