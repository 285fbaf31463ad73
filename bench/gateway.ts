import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';
import process from 'node:process';

import { isJsonObject } from '../src/domain/canonical-json.ts';
import { systemClock } from '../src/kernel/clock.ts';
import { silentLog } from '../src/kernel/log.ts';
import { DEFAULT_CALL_LIMITS } from '../src/llm/gateway/attempt.ts';
import { startGateway } from '../src/llm/gateway/gateway.ts';
import { PRICES } from '../src/llm/prices-table.ts';
import { startLlmStandIn } from '../test/llm/stand-in.ts';
import { print, printTable } from './print-table.ts';

/**
 * What the gateway costs a worker: calls through it and straight to a stand-in for the provider, in turns. Both are
 * processes of their own; requests are as large as the CLIs send them, answers are streams of 50 events. Ends with 1
 * when a goal is missed. Takes about a minute.
 *
 *     npx node bench/gateway.ts [rounds]
 */
const [TOKEN, KEY, MODEL] = ['adt_bench', 'sk-bench-key', 'gpt-5.4'];
const BODY = JSON.stringify({
  model: MODEL,
  stream: true,
  input: Array.from({ length: 60 }, (_, i) => ({
    type: 'message',
    role: i % 2 === 0 ? 'user' : 'assistant',
    content: [
      {
        type: i % 2 === 0 ? 'input_text' : 'output_text',
        text: `export const value${i} = compute(${i});\n`.repeat(20),
      },
    ],
  })),
});
const [EVENTS, GAP_MS] = [50, 20];
const WAYS = ['direct', 'through'] as const;

interface Counted {
  readonly cpuMs: number;
  readonly rssMb: number;
}

const role = process.argv[2];
if (role === 'stand-in') {
  const standIn = await startLlmStandIn(() => ({
    kind: 'text',
    text: 'a few words ',
    events: EVENTS,
    gapMs: GAP_MS,
    usage: { input: 12_000 },
  }));
  process.send?.({ url: standIn.url });
} else if (role === 'gateway') {
  await serveGateway(process.argv[3] ?? '');
} else {
  await measure(Number(role ?? 40));
}

async function serveGateway(upstream: string): Promise<void> {
  const gateway = await startGateway(
    {
      clock: systemClock,
      log: silentLog,
      prices: () => PRICES,
      storeUsage: () => Promise.resolve(),
      onCredential: () => {},
    },
    { listen: { port: 0 }, baseUrls: { codex: `${upstream}/v1`, claude: upstream } },
  );
  gateway.attach({
    repoId: 1,
    jobId: 1,
    attempt: 1,
    token: TOKEN,
    access: { codex: { credential: 'codex', key: KEY, models: [MODEL] } },
    limits: { ...DEFAULT_CALL_LIMITS, calls: 1e6, callsPerMinute: 1e6, parallel: 1_000 },
    grant: { microUsd: 1e12, tokens: 1e12 },
    onEvent: () => {},
  });
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    const rssMb = process.memoryUsage().rss / 2 ** 20;
    process.send?.({ cpuMs: (user + system) / 1_000, rssMb } satisfies Counted);
  });
  process.send?.({ url: gateway.address });
}

async function measure(rounds: number): Promise<void> {
  const standIn = fork(import.meta.filename, ['stand-in']);
  const direct = await startedAt(standIn);
  const child = fork(import.meta.filename, ['gateway', direct]);
  const through = await startedAt(child);
  process.once('exit', () => {
    child.kill();
    standIn.kill();
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1_000 });
  const call = (url: string): Promise<Timing> => timedCall(agent, url);

  for (let i = 0; i < 10; i += 1) {
    await call(direct);
    await call(through);
  }
  const first: Record<'direct' | 'through', number[]> = { direct: [], through: [] };
  for (let i = 0; i < rounds; i += 1) {
    for (const way of i % 2 === 0 ? WAYS : WAYS.toReversed()) {
      first[way].push((await call(way === 'direct' ? direct : through)).firstMs);
    }
  }

  const whole: Record<'direct' | 'through', number[]> = { direct: [], through: [] };
  const cpu: number[] = [];
  for (let i = 0; i < 6; i += 1) {
    for (const way of i % 2 === 0 ? WAYS : WAYS.toReversed()) {
      const before = await counted(child);
      const burst = await Promise.all(
        Array.from({ length: 50 }, () => call(way === 'direct' ? direct : through)),
      );
      const after = await counted(child);
      // The first pair opens the connections and is not counted.
      if (i > 0) {
        whole[way].push(median(burst.map(({ wholeMs }) => wholeMs)));
        cpu.push(...(way === 'through' ? [(after.cpuMs - before.cpuMs) / 50] : []));
      }
    }
  }

  const many = Promise.all(Array.from({ length: 200 }, () => call(through)));
  const done = new AbortController();
  const peak = peakMemory(child, done.signal);
  await many;
  done.abort();

  print(
    `${rounds} single calls, 5 bursts of 50, 200 at once; ${BODY.length} bytes, ${EVENTS} events`,
  );
  const reached = printTable([
    { name: 'first byte, direct', value: median(first.direct), unit: 'ms' },
    { name: 'first byte, gateway', value: median(first.through), unit: 'ms' },
    {
      name: 'first byte, added',
      value: median(first.through.map((ms, i) => ms - (first.direct[i] ?? Number.NaN))),
      unit: 'ms',
      most: 2,
    },
    { name: '50 at once, direct', value: median(whole.direct), unit: 'ms' },
    {
      name: '50 at once, gateway',
      value: median(whole.through.map((ms, i) => ms / (whole.direct[i] ?? Number.NaN))),
      unit: 'x direct',
      most: 1.1,
    },
    { name: 'CPU of a call', value: median(cpu), unit: 'ms', most: 1.5 },
    { name: '200 at once, memory', value: await peak, unit: 'MB', most: 150 },
  ]);
  agent.destroy();
  child.kill();
  standIn.kill();
  process.exitCode = reached ? 0 : 1;
}

interface Timing {
  readonly firstMs: number;
  readonly wholeMs: number;
}

function timedCall(agent: Agent, url: string): Promise<Timing> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const asked = request(
      `${url}/v1/responses`,
      {
        agent,
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      },
      (response) => {
        let firstMs: number | undefined;
        response.on('data', () => {
          firstMs ??= performance.now() - began;
        });
        response.on('end', () =>
          response.statusCode === 200 && firstMs !== undefined
            ? resolve({ firstMs, wholeMs: performance.now() - began })
            : reject(new Error(`answered with ${response.statusCode}`)),
        );
        response.on('error', reject);
      },
    );
    asked.on('error', reject);
    asked.end(BODY);
  });
}

async function peakMemory(child: ChildProcess, signal: AbortSignal): Promise<number> {
  let peak = 0;
  while (!signal.aborted) {
    peak = Math.max(peak, (await counted(child)).rssMb);
    await systemClock.sleep(20, signal);
  }
  return peak;
}

async function startedAt(child: ChildProcess): Promise<string> {
  return String((await messageOf(child))['url']);
}

async function counted(child: ChildProcess): Promise<Counted> {
  const answer = messageOf(child);
  child.send('count');
  const { cpuMs, rssMb } = await answer;
  return { cpuMs: Number(cpuMs), rssMb: Number(rssMb) };
}

async function messageOf(child: ChildProcess): Promise<Readonly<Record<string, unknown>>> {
  const [message]: unknown[] = await once(child, 'message');
  return isJsonObject(message) ? message : {};
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}
