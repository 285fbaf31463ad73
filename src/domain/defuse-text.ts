import { defuseLinks } from './defuse-links.ts';
import { visibleText } from './sanitize.ts';

/**
 * Text of an agent that goes to GitLab as ours, with everything taken out that would act there rather than be
 * read: quick actions, mentions, closing keywords, words that skip a pipeline, images (they call a server when
 * looked at), diagram and include blocks, HTML, links to hosts that are not allowed. Reads the same for people
 * as far as possible; applying it again changes nothing.
 *
 * Inside plain code fences at the start of a line, where GitLab shows text as it is, mentions, HTML and links
 * stay; whatever GitLab looks for in the raw text is defused there too.
 *
 * @param linkHosts hosts, in lower case, that may be linked to
 */
export function defuseText(text: string, { linkHosts }: { linkHosts: readonly string[] }): string {
  let clean = visibleText(text);
  // Each step leaves nothing for itself to do, but one may expose work for an earlier one. It settles after
  // two rounds; the bound keeps a mistake here from becoming an endless loop.
  for (let round = 0; round < 10; round += 1) {
    const next = splitFences(defuseRaw(clean))
      .map(({ code, text: part }) => (code ? part : defuseRendered(part, linkHosts)))
      .join('\n');
    if (next === clean) {
      return clean;
    }
    clean = next;
  }
  // Should it ever not settle, the last word is with the step that takes quick actions out.
  return defuseRaw(clean);
}

/** A title or a commit's subject: one line, never a draft, with nothing that acts. */
export function defuseTitle(
  title: string,
  { linkHosts }: { linkHosts: readonly string[] },
): string {
  let clean = title;
  for (let round = 0; round < 10; round += 1) {
    const next = defuseText(clean.replaceAll(/\s+/gu, ' ').trim(), { linkHosts }).replace(
      /^\s*(?:(?:draft|wip)\s*[:-]|\[(?:draft|wip)\]|\((?:draft|wip)\))\s*/iu,
      '',
    );
    if (next === clean) {
      return clean;
    }
    clean = next;
  }
  return clean;
}

/** What GitLab finds in the raw text, so code or not makes no difference. */
function defuseRaw(text: string): string {
  return (
    text
      // A quick action begins with a slash at the start of a line; markdown shows `\/` as a slash.
      .replaceAll(/^([^\S\n]*)\//gmu, String.raw`$1\/`)
      // `::include{file=…}` puts another file in.
      .replaceAll(/^([^\S\n]*)::include/gimu, String.raw`$1\::include`)
      // Front matter at the very start would become a block of its own kind.
      .replace(/^(\s*)(---|;;;|\+\+\+)(?=[^\n-]*\n)/u, '$1\\$2')
      .replaceAll(
        /\[([^\S\n]*(?:ci|skip|no|actions)[\s_-]+(?:ci|skip|actions)[^\S\n]*)\]/giu,
        '($1)',
      )
      .replaceAll(CLOSING, '$1 ref ')
      .replaceAll(FENCE, (fence, lead: string, ticks: string, info: string) =>
        isPlainLanguage(info) ? fence : `${lead}${ticks}text`,
      )
  );
}

/** A verb that closes an issue, if one follows: `#1`, `group/app#1`, a URL, `ABC-1`, `GL-1`. */
const CLOSING =
  /\b((?:clos|fix|resolv|implement)(?:e[sd]?|ing|s|ed)?[^\S\n]*:?)\s+(?=(?:issues?\s+)?(?:[^\s#]{0,200}#\d|https?:|\[|[A-Z][A-Z0-9_]+-\d))/giu;

/** A code fence with an info string, wherever lists and quotes may put it. */
const FENCE = /^([^\S\n]*(?:[>*+-][^\S\n]*|\d+[.)][^\S\n]*)*)(`{3,}|~{3,})([^\n`]+)$/gmu;

/** Blocks that GitLab draws or executes instead of showing. */
const DRAWN = new Set(
  `actdiag blockdiag bpmn bytefield c4plantuml d2 dbml diagramsnet ditaa dot erd excalidraw geojson glql
  graphviz include json:table kroki math mermaid nomnoml nwdiag packetdiag pikchr plantuml query rackdiag
  seqdiag stl structurizr suggestion svgbob symbolator tikz topojson toc umlet vega vegalite wavedrom
  wireviz`.split(/\s+/u),
);

function isPlainLanguage(info: string): boolean {
  const word = info.trim().toLowerCase();
  return /^[a-z0-9][a-z0-9+#.-]*$/u.test(word) && !DRAWN.has(word);
}

function defuseRendered(text: string, linkHosts: readonly string[]): string {
  const withoutMarkup = text
    // An entity may spell any of the characters below.
    .replaceAll(/&(?=#|(?!(?:amp|lt|gt|quot|nbsp);)[a-z][a-z0-9]*;)/giu, '& ')
    .replaceAll(/<(?=[a-z/!?])/giu, '&lt;')
    .replaceAll(/(?<!!)!+(?=\[)/gu, '')
    // The full-width sign reads the same and mentions nobody; an address in the middle of a word does not either.
    .replaceAll(/(?<![a-z0-9])@(?=[\w\\-])/giu, '\uff20');
  return defuseLinks(withoutMarkup, linkHosts);
}

/**
 * Cuts text into code and the rest. Only a fence that begins in the first column, stands behind no fence of
 * tildes and is closed counts as code: there every reader of markdown agrees.
 */
function splitFences(text: string): { code: boolean; text: string }[] {
  const lines = text.split('\n');
  const firstTilde = lines.findIndex((line) => /^\s*~{3,}/u.test(line));
  const longestClosing = closingTicksBelow(lines);
  const parts: { code: boolean; lines: string[] }[] = [{ code: false, lines: [] }];
  let open = 0;

  for (const [i, line] of lines.entries()) {
    const ticks = /^`{3,}/u.exec(line)?.[0].length ?? 0;
    const opens = open === 0 && ticks > 0 && (longestClosing[i] ?? 0) >= ticks;
    if (opens && (firstTilde < 0 || i < firstTilde)) {
      open = ticks;
      parts.push({ code: true, lines: [line] });
      continue;
    }
    parts.at(-1)?.lines.push(line);
    if (open > 0 && closingTicks(line) >= open) {
      open = 0;
      parts.push({ code: false, lines: [] });
    }
  }
  return parts
    .filter((part) => part.lines.length > 0)
    .map(({ code, lines: some }) => ({ code, text: some.join('\n') }));
}

/** For each line, the longest closing fence that stands below it; computed once, from the end. */
function closingTicksBelow(lines: readonly string[]): number[] {
  const longest: number[] = [];
  let below = 0;
  for (let i = lines.length - 1; i >= 0; i -= 1) {
    longest[i] = below;
    below = Math.max(below, closingTicks(lines[i] ?? ''));
  }
  return longest;
}

/** How many ticks a line closes a fence with; 0 when it closes none. */
function closingTicks(line: string): number {
  return /^(`{3,})[^\S\n]*$/u.exec(line)?.[1]?.length ?? 0;
}
