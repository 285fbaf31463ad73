interface Tests {
  setup: string[];
  check: string;
}

/** A first autodev.yaml: small, safe, and useful as it is. */
export function firstConfig(tests: Tests | undefined): string {
  const setup =
    tests === undefined || tests.setup.length === 0
      ? ''
      : `    setup: ${JSON.stringify(tests.setup)}          # runs before the worker, in the sandbox\n`;
  const check =
    tests === undefined
      ? '    # check: ["make test"]         # set it: only work that passes reaches you\n'
      : `    check: ${JSON.stringify([tests.check])}          # only work that passes reaches you\n`;

  return `# What is merged here is what runs. Check it with: autodev validate
version: 1

agents:
  bug-finder: {}
  builder:
${setup}${check}    limits: { usd: 3, wall: 30m }    # of one attempt

schedules:
  weekday-bugs:
    agent: bug-finder
    cron: "0 6 * * 1-5"              # what it finds, the builder gets

budgets:
  daily: { usd: 10, per: day }

approvals:
  default: { gate: merge, approvals: 1, role: developer }    # nothing is merged without you
`;
}
