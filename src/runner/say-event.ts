import type { ProviderEvent } from '../llm/provider-event.ts';

/** A line of a transcript. */
interface Said {
  readonly stream: 'stdout' | 'stderr' | 'autodev';
  readonly text: string;
}

/** What happens in a worker, in lines for people; nothing where there is nothing to see. */
export function sayEvent(event: ProviderEvent): readonly Said[] {
  switch (event.type) {
    case 'text': {
      return event.text.split('\n').map((text) => ({ stream: 'stdout', text }));
    }
    case 'tool': {
      if (event.phase === 'began') {
        return [{ stream: 'stdout', text: `> ${event.name} ${oneLine(event.detail)}`.trimEnd() }];
      }
      return event.outcome === 'ok'
        ? []
        : [{ stream: 'stderr', text: `${event.name} ${ENDED[event.outcome]}.` }];
    }
    case 'warning':
    case 'retrying': {
      return [{ stream: 'stderr', text: event.text }];
    }
    case 'rateLimited': {
      const what = event.hard ? 'The usage limit is reached' : 'Too many calls for now';
      const until =
        event.until === undefined ? '' : `, until ${new Date(event.until).toISOString()}`;
      return [{ stream: 'autodev', text: `${what}${until}.` }];
    }
    case 'authError': {
      return [{ stream: 'autodev', text: `The key was refused: ${oneLine(event.text)}` }];
    }
    case 'overloaded': {
      return [{ stream: 'autodev', text: 'The provider is overloaded.' }];
    }
    case 'started': {
      const model = event.model === undefined ? '' : ` (${event.model})`;
      return [{ stream: 'autodev', text: `The worker has started${model}.` }];
    }
    // Usage is the gateway's to say, and how it ended is said at the end.
    case 'usage':
    case 'done':
    case 'failed': {
      break;
    }
  }
  return [];
}

const ENDED = { failed: 'failed', denied: 'was denied' } as const;

function oneLine(text: string): string {
  return text.replaceAll(/\s+/gu, ' ').trim();
}
