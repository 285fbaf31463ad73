/**
 * Shapes of credentials that are known by their prefix. Each is anchored on that prefix and bounded in
 * length, so a scan is linear. A shape says nothing about whether a credential still works.
 */
const SHAPES: readonly (readonly [name: string, shape: RegExp])[] = [
  ['a private key', /-----BEGIN (?:[A-Z0-9]{1,12} ){0,2}PRIVATE KEY(?: BLOCK)?-----/u],
  ['a GitLab token', /\bgl(?:pat|ptt|rt|rtr|dt|cbt|ft|imt|agent|oas|soat|ffct)-[\w-]{20,300}/u],
  ['a GitHub token', /\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255})\b/u],
  ['an Anthropic key', /\bsk-ant-[\w-]{20,300}/u],
  ['an OpenAI key', /\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{32,300}/u],
  ['an AWS access key', /\b(?:AKIA|ASIA)[A-Z2-7]{16}\b/u],
  ['a Google key', /\bAIza[\w-]{35}\b/u],
  ['a Slack token', /\bxox[abeoprs]-[A-Za-z0-9-]{10,300}/u],
  ['an npm token', /\bnpm_[A-Za-z0-9]{36}\b/u],
  ['a PyPI token', /\bpypi-[\w-]{50,300}/u],
  ['a Stripe key', /\b[rs]k_live_[A-Za-z0-9]{16,200}/u],
  ['a Hugging Face token', /\bhf_[A-Za-z0-9]{30,100}\b/u],
  ['a JSON web token', /\beyJ[\w-]{10,2000}\.eyJ[\w-]{10,4000}\.[\w-]{10,1000}/u],
  [
    'a password in a URL',
    /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@'"<>${}]{1,100}:[^\s/:@'"<>${}]{6,200}@/u,
  ],
];

/** What kind of credential a text seems to hold (with its article), or undefined. Never returns the text. */
export function findSecretShape(text: string): string | undefined {
  return SHAPES.find(([, shape]) => shape.test(text))?.[0];
}

/** The text with each such credential replaced by what kind it seems to be. */
export function maskSecretShapes(text: string): string {
  return SHAPES.reduce(
    (masked, [name, shape]) =>
      shape.test(masked) ? masked.replaceAll(new RegExp(shape, 'gu'), `[${name}, masked]`) : masked,
    text,
  );
}
