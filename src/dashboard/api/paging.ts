import { Type } from 'typebox';

import { LARGEST_ID, orNull } from '../../db/views/wire.ts';

/** Of the query string of every list. */
export const pageQuery = {
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  cursor: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: LARGEST_ID,
      description: '`next` of the page before this one',
    }),
  ),
};

/** Of the answer of every list, beside the list itself. */
export const pageNext = {
  next: orNull(Type.String({ description: 'The cursor of the next page; null on the last one' })),
};
