/**
 * The fields that a trigger's task may name. A field that its event does not have is empty; a name that is not
 * here is an error when the file is validated.
 */
const TEMPLATE_FIELDS = [
  'event',
  'actor',
  'ref',
  'commit',
  'tag',
  'issue.number',
  'issue.title',
  'issue.description',
  'issue.author',
  'issue.labels',
  'issue.url',
  'comment.body',
  'comment.author',
  'comment.url',
  'merge_request.number',
  'merge_request.title',
  'merge_request.description',
  'merge_request.author',
  'merge_request.source_branch',
  'merge_request.target_branch',
  'merge_request.url',
  'pipeline.id',
  'pipeline.status',
  'pipeline.url',
  'job.id',
  'job.agent',
  'job.title',
] as const;

type TemplateField = (typeof TEMPLATE_FIELDS)[number];

export type TemplateValues = Readonly<Partial<Record<TemplateField, string>>>;

const PLACEHOLDER = /\{\{\s*([^{}]*?)\s*\}\}/gu;

/** The names in a template that are no fields, each once, in the order of the text. */
export function unknownFields(template: string): string[] {
  const names = [...template.matchAll(PLACEHOLDER)].map(([, name = '']) => name);
  return [...new Set(names.filter((name) => !isTemplateField(name)))];
}

/**
 * The template with its fields filled in, once: a value that itself holds `{{…}}` is text. What is no field
 * stays as it is written.
 */
export function renderTemplate(template: string, values: TemplateValues): string {
  return template.replaceAll(PLACEHOLDER, (placeholder, name: string) =>
    isTemplateField(name) ? (values[name] ?? '') : placeholder,
  );
}

function isTemplateField(name: string): name is TemplateField {
  return (TEMPLATE_FIELDS as readonly string[]).includes(name);
}
