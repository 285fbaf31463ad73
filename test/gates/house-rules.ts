/** What the linter has no rule for: what is forbidden, where it is allowed, and what to do instead. */
interface HouseRule {
  readonly forbids: RegExp;
  readonly allowedIn: RegExp;
  readonly instead: string;
}

const TEST_CODE = /(\.test|-fixture|-scenarios|-child)\.ts$/;
const CLOCK = /^src\/(kernel\/clock\.ts|main\/|sandbox\/box\/|dashboard\/ui\/)/;

const RULES: readonly HouseRule[] = [
  {
    forbids: /\bnew Date\(\s*\)/,
    allowedIn: CLOCK,
    instead: 'take a Clock as a parameter and call clock.now()',
  },
  {
    forbids: /^import \{[^}]*\b(setTimeout|setInterval|scheduler)\b[^}]*\} from '(node:)?timers/m,
    allowedIn: CLOCK,
    instead: 'take a Clock as a parameter and call clock.sleep()',
  },
  {
    forbids: /\bfrom '(node:)?process'/,
    allowedIn: /^src\/(main|sandbox\/box)\//,
    instead:
      'take what you need of the environment as a parameter (src/config/settings.ts reads it)',
  },
];

const NAMELESS =
  /(^|\/)(utils?|helpers?|common|misc|shared|types|index|interfaces|constants)(\.ts$|\/)/;

/** One line for each breach in a file of src: where, what, and what to do instead. */
export function houseBreaches(file: string, content: string): string[] {
  const named = NAMELESS.test(file)
    ? [`${file}: a file or folder says by its name what it holds; find the one reason it exists`]
    : [];
  const broken = RULES.filter((rule) => !TEST_CODE.test(file) && !rule.allowedIn.test(file));
  return [
    ...named,
    ...broken.flatMap(({ forbids, instead }) => {
      const match = forbids.exec(content);
      return match === null ? [] : [`${file}:${lineOf(content, match.index)}: ${instead}`];
    }),
  ];
}

function lineOf(content: string, index: number): number {
  return content.slice(0, index).split('\n').length;
}
