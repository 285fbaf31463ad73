import { Type } from 'typebox';

import type { KnownPerson } from '../../domain/forge-facts.ts';
import { AppError } from '../../kernel/errors.ts';
import { roleOf } from './people.ts';
import { orNull, Person, type VoteSource } from './vote-source.ts';

const User = Type.Object({
  id: Type.Integer(),
  username: Type.String(),
  name: Type.String(),
  state: Type.String(),
  locked: Type.Optional(Type.Boolean()),
  bot: Type.Optional(Type.Boolean()),
  public_email: orNull(Type.String()),
  commit_email: orNull(Type.String()),
});
const Member = Type.Object({
  access_level: Type.Integer(),
  state: Type.Optional(Type.String()),
  membership_state: Type.Optional(Type.String()),
});
const Group = Type.Object({ id: Type.Integer() });

/** So many do not vote on one change; each costs two requests and more. */
const MOST_PEOPLE = 200;
/** What tokens of projects and groups make, and service accounts; older servers do not say `bot`. */
const BOT_NAME = /^((project|group)_\d+_bot(_|\d|$)|service_account_)/;

/** People as they are now: who they are, what they may do here, and which of the groups they belong to. */
export async function readVoters(
  source: VoteSource,
  wanted: { ids: readonly number[]; names: readonly string[]; groups: readonly string[] },
): Promise<{ people: KnownPerson[]; groupIds: Record<string, string> }> {
  const ids = new Set(wanted.ids);
  for (const name of new Set(wanted.names)) {
    const id = await findUser(source, name);
    if (id !== undefined) {
      ids.add(id);
    }
  }
  if (ids.size > MOST_PEOPLE) {
    throw new AppError('TOO_LARGE', `more than ${MOST_PEOPLE} people voted or wrote commands.`, {
      remedy: 'Close it and begin anew.',
    });
  }
  const groupIds = await findGroups(source, wanted.groups);
  const people: KnownPerson[] = [];
  for (const id of ids) {
    const user = await source.find(User, `/users/${id}`);
    // An account that is gone is nobody's.
    if (user !== undefined) {
      const member = await source.find(Member, `members/all/${id}`);
      const isMember =
        (member?.state ?? 'active') === 'active' &&
        (member?.membership_state ?? 'active') === 'active';
      people.push({
        id: String(id),
        username: user.username,
        name: user.name,
        emails: [user.public_email, user.commit_email].filter((email) => !!email).map(String),
        bot: user.bot === true || BOT_NAME.test(user.username),
        active: user.state === 'active',
        role: member !== undefined && isMember ? roleOf(member.access_level) : 'outsider',
        groups: await groupsOf(source, id, groupIds),
      });
    }
  }
  return { people, groupIds };
}

/** The account that has this name now. */
export async function findUser(source: VoteSource, name: string): Promise<number | undefined> {
  const found = await source.one(Type.Array(Person), `/users?username=${encodeURIComponent(name)}`);
  return found.find((one) => one.username.toLowerCase() === name.toLowerCase())?.id;
}

/** The ids that groups have now; one that is not there, or that we may not see, is left out. */
export async function findGroups(
  source: VoteSource,
  paths: readonly string[],
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const path of new Set(paths)) {
    const group = await source.find(Group, `/groups/${encodeURIComponent(path)}`);
    if (group !== undefined) {
      found[path] = String(group.id);
    }
  }
  return found;
}

async function groupsOf(
  source: VoteSource,
  user: number,
  groupIds: Readonly<Record<string, string>>,
): Promise<string[]> {
  const groups: string[] = [];
  for (const [path, id] of Object.entries(groupIds)) {
    const member = await source.find(Member, `/groups/${id}/members/all/${user}`);
    if (member !== undefined && (member.state ?? 'active') === 'active') {
      groups.push(path);
    }
  }
  return groups;
}
