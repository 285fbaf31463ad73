import { expect, test } from 'vitest';

import { createOutput } from './output.ts';
import { transcriptLine } from './transcript-line.ts';

const nowhere = { write: () => {} };
const output = createOutput({ stdout: nowhere, stderr: nowhere, json: false, env: {} });

test.for([
  ['{"at":"2026-03-29T01:02:03.004Z","stream":"stdout","text":"reading"}', '01:02:03 reading'],
  ['{"at":"2026-03-29T01:02:03.004Z","stream":"stderr","text":"oops"}', '01:02:03 stderr oops'],
  ['{"stream":"autodev","text":"ended\\u001b[2J"}', 'autodev ended�[2J'],
  ['{"other":1}', '{"other":1}'],
  ['no JSON', 'no JSON'],
  ['null', 'null'],
])('%s reads %s', ([line = '', shown]) => {
  expect(transcriptLine(output, line)).toBe(shown);
});
