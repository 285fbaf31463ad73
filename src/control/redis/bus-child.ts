// A program of the tests: what its trust is was decided when it started (NODE_EXTRA_CA_CERTS).
// usage: node bus-child.ts URL
import { systemClock } from '../../kernel/clock.ts';
import { openBus } from './bus-fixture.ts';

const [url = ''] = process.argv.slice(2);
const heard: string[] = [];
const done = new AbortController();
await using bus = await openBus(url);
const listening = new AbortController().signal;
await bus.listen(
  'control',
  (id) => {
    heard.push(id);
    if (id !== '') {
      done.abort();
    }
  },
  listening,
);
bus.publish('control', 1);
await systemClock.sleep(5_000, done.signal);
process.stdout.write(JSON.stringify({ heard, status: bus.status() }));
