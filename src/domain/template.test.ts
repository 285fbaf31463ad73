import { expect, test } from 'vitest';

import { renderTemplate, unknownFields } from './template.ts';

test('fields are filled in, with or without blanks', () => {
  expect(
    renderTemplate('Implement {{issue.title}}\n\n{{ issue.description }}', {
      'issue.title': 'Search',
      'issue.description': 'By name.',
    }),
  ).toBe('Implement Search\n\nBy name.');
});

test('a field that the event does not have is empty', () => {
  expect(renderTemplate('[{{pipeline.url}}]', {})).toBe('[]');
});

test('a value is text, whatever it holds', () => {
  expect(
    renderTemplate('{{issue.title}}', {
      'issue.title': '{{issue.author}} $& $1',
      'issue.author': 'x',
    }),
  ).toBe('{{issue.author}} $& $1');
});

test('names that are no fields are reported once and left as they are', () => {
  const template = '{{issue.titel}} {{ issue.titel }} {{}} {{toString}} {{issue.title}}';

  expect(unknownFields(template)).toEqual(['issue.titel', '', 'toString']);
  expect(renderTemplate('{{toString}}', {})).toBe('{{toString}}');
});
