import { ApiProblem } from './problem.ts';
import type { Call, Reply } from './route.ts';

const MAX_PER_PAGE = 100;
const MAX_OFFSET = 50_000;

/** One page of `items` with GitLab's headers; `pagination=keyset` where the route offers it. */
export async function page<T>(
  call: Call,
  items: readonly T[],
  render: (item: T) => unknown,
  { keyset }: { keyset?: (item: T) => string } = {},
): Promise<Reply> {
  const { params } = call;
  const perPage = Math.min(Math.max(params.integer('per_page') ?? 20, 1), MAX_PER_PAGE);
  if (keyset && params.text('pagination') === 'keyset') {
    return keysetPage(call, items, render, { keyset, perPage });
  }
  const at = Math.max(params.integer('page') ?? 1, 1);
  if ((at - 1) * perPage >= MAX_OFFSET) {
    throw new ApiProblem(405, {
      error: `Offset pagination has a maximum allowed offset of ${MAX_OFFSET} for requests that return objects of type Project. Remaining records can be retrieved using keyset pagination.`,
    });
  }
  const pages = Math.max(Math.ceil(items.length / perPage), 1);
  const rows = await Promise.all(items.slice((at - 1) * perPage, at * perPage).map(render));
  const link = (rel: string, number: number): string =>
    `<${linkUrl(call, { page: String(number), per_page: String(perPage) })}>; rel="${rel}"`;
  return {
    body: rows,
    headers: {
      link: [
        ...(at > 1 ? [link('prev', at - 1)] : []),
        ...(at < pages ? [link('next', at + 1)] : []),
        link('first', 1),
        link('last', pages),
      ].join(', '),
      'x-next-page': at < pages ? String(at + 1) : '',
      'x-page': String(at),
      'x-per-page': String(perPage),
      'x-prev-page': at > 1 ? String(at - 1) : '',
      'x-total': String(items.length),
      'x-total-pages': String(pages),
    },
  };
}

/** Only by id: GitLab refuses keyset paging by another column here. No totals, only the next page. */
async function keysetPage<T>(
  call: Call,
  items: readonly T[],
  render: (item: T) => unknown,
  { keyset, perPage }: { keyset: (item: T) => string; perPage: number },
): Promise<Reply> {
  const { params } = call;
  const orderBy = params.text('order_by') ?? 'id';
  if (orderBy !== 'id') {
    throw new ApiProblem(405, {
      error: `Keyset pagination is not yet available for this type of request`,
    });
  }
  const descending = (params.text('sort') ?? 'desc') === 'desc';
  const after = params.text(descending ? 'id_before' : 'id_after') ?? params.text('page_token');
  const sorted = [...items].sort((left, right) =>
    compareKeys(keyset(left), keyset(right), descending),
  );
  const rest = sorted.filter(
    (item) => after === undefined || compareKeys(keyset(item), after, descending) > 0,
  );
  const rows = rest.slice(0, perPage);
  const last = rows.at(-1);
  const next =
    last !== undefined && rest.length > perPage
      ? `<${linkUrl(call, {
          per_page: String(perPage),
          [params.has('page_token') ? 'page_token' : descending ? 'id_before' : 'id_after']:
            keyset(last),
        })}>; rel="next"`
      : undefined;
  return {
    body: await Promise.all(rows.map(render)),
    headers: next === undefined ? {} : { link: next },
  };
}

function compareKeys(left: string, right: string, descending: boolean): number {
  const order =
    /^\d+$/.test(left) && /^\d+$/.test(right)
      ? Number(left) - Number(right)
      : left.localeCompare(right);
  return descending ? -order : order;
}

function linkUrl({ world, url }: Call, change: Readonly<Record<string, string>>): string {
  const link = new URL(url.pathname + url.search, world.url);
  for (const [name, value] of Object.entries(change)) {
    link.searchParams.set(name, value);
  }
  return link.href;
}
