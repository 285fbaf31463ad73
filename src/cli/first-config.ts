interface Tests {
  setup: string[];
  check: string;
}

/** Where the first agent's program goes. */
export const FIRST_AGENT = '.autodev/bug-finder.mjs';

/** A first autodev.yaml: small, safe, and useful as it is, without any model. */
export function firstConfig(tests: Tests | undefined): string {
  const setup =
    tests === undefined || tests.setup.length === 0
      ? ''
      : `    setup: ${JSON.stringify(tests.setup)}          # runs before the agent, in the sandbox\n`;

  return `# What is merged here is what runs. Check it with: autodev validate
version: 1

agents:
  bug-finder:                        # runs the tests and files an issue when they fail
    providers: [{ name: command, run: [node, ${FIRST_AGENT}], llm: false }]
${setup}
schedules:
  weekday-bugs:
    agent: bug-finder
    cron: "0 6 * * 1-5"

approvals:
  default: { gate: merge, approvals: 1, role: developer }    # nothing is merged without you
`;
}

/** The program of the first agent: to read, to run, and to replace by a better one. */
export function firstAgent(tests: Tests | undefined): string {
  const command = JSON.stringify(tests?.check ?? 'make test');
  return `// An agent is a program: it works in a checkout and appends what it wants done to AUTODEV_OUTPUTS.
import { spawnSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';

const TESTS = ${command};
const MOST_CHARACTERS = 8000;

const write = (output) => appendFileSync(process.env.AUTODEV_OUTPUTS, \`\${JSON.stringify(output)}\\n\`);

console.log(\`$ \${TESTS}\`);
const { status, stdout, stderr } = spawnSync('sh', ['-c', TESTS], { encoding: 'utf8' });
const said = \`\${stdout}\${stderr}\`;
console.log(said);

if (status === 0) {
  write({ type: 'noop', reason: 'All tests pass.' });
} else {
  write({
    type: 'issue',
    title: \`\${TESTS} fails\`,
    description: \`It ended with \${status}:\\n\\n\\\`\\\`\\\`text\\n\${said.slice(-MOST_CHARACTERS)}\\n\\\`\\\`\\\`\`,
    labels: ['bug'],
  });
}
`;
}
