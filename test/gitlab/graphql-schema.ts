import { maySee, projectLevel, projectMembers } from './access.ts';
import { branchHead, findFile, readBlob, readCommit } from './git/read.ts';
import type { Field } from './graphql-query.ts';
import type { Project } from './records.ts';
import type { Call } from './route.ts';
import { findProject } from './state.ts';
import { gitOf } from './world.ts';

/** A field that the type does not have, or an argument of the wrong kind; GraphQL answers 200 with `errors`. */
export class GraphqlError extends Error {
  override readonly name = 'GraphqlError';
}

type Resolved = Record<string, unknown>;
type Resolver = (field: Field) => unknown;

const MAX_NODES = 100;

/** Answers the fields of a type by its resolvers; each alias is asked for itself. */
async function select(
  { world }: Call,
  type: string,
  fields: readonly Field[],
  resolvers: Readonly<Record<string, Resolver>>,
): Promise<Resolved> {
  const answer: Resolved = {};
  for (const field of fields) {
    const resolver = field.name === '__typename' ? () => type : resolvers[field.name];
    if (resolver === undefined || world.behaviour.graphqlLacks.includes(`${type}.${field.name}`)) {
      throw new GraphqlError(`Field '${field.name}' doesn't exist on type '${type}'`);
    }
    answer[field.alias] = await resolver(field);
  }
  return answer;
}

export function resolveQuery(call: Call, fields: readonly Field[]): Promise<Resolved> {
  const { world, user } = call;
  return select(call, 'Query', fields, {
    currentUser: ({ fields: inner }) =>
      select(call, 'CurrentUser', inner, {
        id: () => `gid://gitlab/User/${user.id}`,
        username: () => user.username,
        name: () => user.name,
        bot: () => user.bot,
      }),
    metadata: ({ fields: inner }) =>
      select(call, 'Metadata', inner, {
        version: () => world.behaviour.version,
        enterprise: () => world.behaviour.tier !== 'free',
      }),
    project: ({ args, fields: inner }) => {
      const project = findProject(world.state, text(args, 'fullPath') ?? '');
      return project && maySee(world, project, user) ? projectFields(call, project, inner) : null;
    },
    projects: (field) => projectConnection(call, field),
  });
}

function projectConnection(call: Call, { args, fields }: Field): Promise<Resolved> {
  const { world, user } = call;
  const ids = args['ids'];
  const wanted = Array.isArray(ids) ? new Set(ids.map(String)) : undefined;
  const search = text(args, 'search')?.toLowerCase();
  const after = text(args, 'after');
  const all = [...world.state.projects.values()].filter(
    (project) =>
      maySee(world, project, user) &&
      (wanted === undefined || wanted.has(gid(project))) &&
      (args['membership'] !== true || projectMembers(project).has(user.id)) &&
      (search === undefined || project.path.toLowerCase().includes(search)),
  );
  const sorted = all.sort((left, right) => left.id - right.id);
  const rest = sorted.filter((project) => after === undefined || project.id > Number(after));
  const first = args['first'];
  const nodes = rest.slice(0, Math.min(typeof first === 'number' ? first : MAX_NODES, MAX_NODES));
  return select(call, 'ProjectConnection', fields, {
    count: () => sorted.length,
    nodes: ({ fields: inner }) =>
      Promise.all(nodes.map((project) => projectFields(call, project, inner))),
    pageInfo: ({ fields: inner }) =>
      select(call, 'PageInfo', inner, {
        hasNextPage: () => rest.length > nodes.length,
        endCursor: () => nodes.at(-1)?.id.toString() ?? null,
        hasPreviousPage: () => after !== undefined,
        startCursor: () => nodes[0]?.id.toString() ?? null,
      }),
  });
}

function projectFields(call: Call, project: Project, fields: readonly Field[]): Promise<Resolved> {
  const { world, user } = call;
  const readable = project.visibility !== 'private' || projectLevel(world, project, user) >= 20;
  return select(call, 'Project', fields, {
    id: () => gid(project),
    fullPath: () => project.path,
    name: () => project.name,
    path: () => project.path.slice(project.path.lastIndexOf('/') + 1),
    archived: () => project.archived,
    visibility: () => project.visibility,
    webUrl: () => `${world.url}/${project.path}`,
    lastActivityAt: () => project.lastActivityAt.toISOString(),
    // Null for a guest: a repository that may not be read is no empty one.
    repository: ({ fields: inner }) => (readable ? repositoryFields(call, project, inner) : null),
  });
}

function repositoryFields(call: Call, project: Project, fields: readonly Field[]) {
  const git = gitOf(call.world, project);
  const commitOf = async ({ args }: Field) => {
    const ref = text(args, 'ref') ?? project.defaultBranch;
    return (await readCommit(git, `refs/heads/${ref}`)) ?? readCommit(git, ref);
  };
  const commitFields = async (field: Field, inner: readonly Field[]) => {
    const commit = await commitOf(field);
    return commit === undefined
      ? null
      : select(call, 'Commit', inner, {
          id: () => `gid://gitlab/CommitPresenter/${commit.id}`,
          sha: () => commit.id,
          shortId: () => commit.id.slice(0, 8),
          title: () => commit.message.split('\n')[0],
          message: () => commit.message,
          authorName: () => commit.authorName,
          authorEmail: () => commit.authorEmail,
          authoredDate: () => commit.authoredAt,
          committedDate: () => commit.committedAt,
        });
  };
  return select(call, 'Repository', fields, {
    exists: () => true,
    empty: async () => (await branchHead(git, project.defaultBranch)) === undefined,
    rootRef: async () =>
      (await branchHead(git, project.defaultBranch)) === undefined ? null : project.defaultBranch,
    commit: (field) => commitFields(field, field.fields),
    tree: (field) =>
      select(call, 'Tree', field.fields, {
        lastCommit: ({ fields: inner }) => commitFields(field, inner),
      }),
    blobs: async (field) => {
      const commit = await commitOf(field);
      const paths = Array.isArray(field.args['paths']) ? field.args['paths'].map(String) : [];
      const entries = await Promise.all(
        commit ? paths.map((path) => findFile(git, commit.id, path)) : [],
      );
      return select(call, 'RepositoryBlobConnection', field.fields, {
        nodes: ({ fields: inner }) =>
          Promise.all(
            entries
              .filter((entry) => entry !== undefined)
              .map((entry) =>
                select(call, 'RepositoryBlob', inner, {
                  path: () => entry.path,
                  name: () => entry.path.slice(entry.path.lastIndexOf('/') + 1),
                  oid: () => entry.id,
                  mode: () => entry.mode,
                  rawSize: async () => (await readBlob(git, entry.id)).length,
                  rawBlob: async () => (await readBlob(git, entry.id)).toString(),
                }),
              ),
          ),
      });
    },
  });
}

function gid({ id }: Project): string {
  return `gid://gitlab/Project/${id}`;
}

function text(args: Field['args'], name: string): string | undefined {
  const value = args[name];
  if (value !== undefined && value !== null && typeof value !== 'string') {
    throw new GraphqlError(`Argument '${name}' has an invalid value (${JSON.stringify(value)}).`);
  }
  return value ?? undefined;
}
