#!/usr/bin/env node
// A stand-in for both command-line workers, by the name that it is started with: it takes the flags, talks to the
// gateway and prints the events of the real one, and does what the model asks of its one tool, a shell.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const isCodex = basename(process.argv[1] ?? '').startsWith('codex');
const argv = process.argv.slice(2);
if (argv.includes('--version')) {
  process.stdout.write(isCodex ? 'codex-cli 0.169.0\n' : '2.1.330 (Claude Code)\n');
  process.exit(0);
}

const valueOf = (flag) => argv[argv.indexOf(flag) + 1];
const model = valueOf(isCodex ? '-m' : '--model');
const resumed = isCodex
  ? argv[1] === 'resume' && argv.at(-2)
  : argv.includes('--resume') && valueOf('--resume');
const id = resumed || crypto.randomUUID();
const session = isCodex
  ? join(process.env.CODEX_HOME, 'sessions', '2026', `rollout-${id}.jsonl`)
  : join(process.env.CLAUDE_CONFIG_DIR, 'projects', 'workspace', `${id}.jsonl`);
const print = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

if (resumed && !existsSync(session)) {
  process.stderr.write(isCodex ? 'Error: no rollout found for thread id\n' : '');
  if (!isCodex) {
    print({
      type: 'result',
      subtype: 'error_during_execution',
      is_error: true,
      session_id: id,
      errors: ['No conversation found with session ID'],
    });
    process.stderr.write(`No conversation found with session ID: ${id}\n`);
  }
  process.exit(1);
}
const state = resumed
  ? JSON.parse(readFileSync(session, 'utf8'))
  : { messages: [], used: [0, 0, 0] };
const prompt = readFileSync(0, 'utf8');
state.messages.push(
  isCodex
    ? { type: 'message', role: 'user', content: [{ type: 'input_text', text: prompt }] }
    : { role: 'user', content: prompt },
);

print(
  isCodex
    ? { type: 'thread.started', thread_id: id }
    : { type: 'system', subtype: 'init', session_id: id, model, tools: ['Bash'], mcp_servers: [] },
);
const run = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0, turns: 0 };

for (;;) {
  const answer = await ask();
  run.turns += 1;
  if (answer.error !== undefined) {
    fail(answer.error);
  }
  if (answer.tool === undefined) {
    finish(answer.text);
  }
  call(answer.tool);
}

async function ask() {
  const [url, headers] = isCodex
    ? [
        `${/base_url="([^"]+)"/.exec(argv.join(' '))[1]}/responses`,
        { authorization: `Bearer ${process.env.AUTODEV_LLM_TOKEN}` },
      ]
    : [
        `${process.env.ANTHROPIC_BASE_URL}/v1/messages?beta=true`,
        { 'x-api-key': process.env.ANTHROPIC_API_KEY, 'anthropic-version': '2023-06-01' },
      ];
  const body = isCodex
    ? { model, input: state.messages, stream: true, store: false }
    : { model, messages: state.messages, max_tokens: 4000, stream: true };
  let response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  } catch (error) {
    return { error: { status: 0, message: String(error) } };
  }
  const text = await response.text();
  if (!response.ok) {
    return { error: { status: response.status, message: JSON.parse(text).error?.message ?? text } };
  }
  return isCodex ? readResponses(text) : readMessages(text);
}

function eventsOf(text) {
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice(6)));
}

function readResponses(text) {
  const answer = { text: '', tool: undefined };
  for (const event of eventsOf(text)) {
    if (event.type === 'response.output_item.done' && event.item.type === 'function_call') {
      answer.tool = {
        id: event.item.call_id,
        name: event.item.name,
        input: JSON.parse(event.item.arguments),
      };
      state.messages.push({
        type: 'function_call',
        call_id: event.item.call_id,
        name: event.item.name,
        arguments: event.item.arguments,
      });
    } else if (event.type === 'response.output_text.delta') {
      answer.text += event.delta;
    } else if (event.type === 'response.completed') {
      const {
        input_tokens: input,
        output_tokens: output,
        input_tokens_details: { cached_tokens: cached },
      } = event.response.usage;
      state.used = [state.used[0] + input, state.used[1] + cached, state.used[2] + output];
    }
  }
  return answer;
}

function readMessages(text) {
  const answer = { text: '', tool: undefined };
  for (const event of eventsOf(text)) {
    if (event.type === 'content_block_start' && event.content_block.type === 'tool_use') {
      answer.tool = { id: event.content_block.id, name: event.content_block.name, json: '' };
    } else if (event.type === 'content_block_delta' && event.delta.type === 'input_json_delta') {
      answer.tool.json += event.delta.partial_json;
    } else if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') {
      answer.text += event.delta.text;
    } else if (event.type === 'message_delta') {
      run.input += event.usage.input_tokens;
      run.cacheRead += event.usage.cache_read_input_tokens;
      run.cacheWrite += event.usage.cache_creation_input_tokens;
      run.output += event.usage.output_tokens;
    }
  }
  if (answer.tool !== undefined) {
    answer.tool.input = JSON.parse(answer.tool.json);
    const { id: callId, name, input } = answer.tool;
    state.messages.push({
      role: 'assistant',
      content: [{ type: 'tool_use', id: callId, name, input }],
    });
  }
  return answer;
}

function call({ id: callId, name, input }) {
  const command = input.cmd ?? input.command;
  print(
    isCodex
      ? {
          type: 'item.started',
          item: {
            id: callId,
            type: 'command_execution',
            command,
            aggregated_output: '',
            exit_code: null,
            status: 'in_progress',
          },
        }
      : {
          type: 'assistant',
          message: { model, content: [{ type: 'tool_use', id: callId, name, input }] },
          session_id: id,
        },
  );
  const { status, signal, stdout } = spawnSync('/bin/sh', ['-c', command], { encoding: 'utf8' });
  const ok = status === 0;
  const output = `${stdout}${signal ?? ''}`;
  print(
    isCodex
      ? {
          type: 'item.completed',
          item: {
            id: callId,
            type: 'command_execution',
            command,
            aggregated_output: output,
            exit_code: status,
            status: ok ? 'completed' : 'failed',
          },
        }
      : {
          type: 'user',
          message: {
            role: 'user',
            content: [{ type: 'tool_result', tool_use_id: callId, content: output, is_error: !ok }],
          },
          session_id: id,
        },
  );
  state.messages.push(
    isCodex
      ? { type: 'function_call_output', call_id: callId, output }
      : {
          role: 'user',
          content: [{ type: 'tool_result', tool_use_id: callId, content: output, is_error: !ok }],
        },
  );
  save();
}

function save() {
  mkdirSync(dirname(session), { recursive: true });
  writeFileSync(session, JSON.stringify(state));
}

function claudeUsage() {
  return {
    input_tokens: run.input,
    cache_read_input_tokens: run.cacheRead,
    cache_creation_input_tokens: run.cacheWrite,
    output_tokens: run.output,
  };
}

function finish(text) {
  state.messages.push(
    isCodex
      ? { type: 'message', role: 'assistant', content: [{ type: 'output_text', text }] }
      : { role: 'assistant', content: [{ type: 'text', text }] },
  );
  save();
  if (isCodex) {
    const [input, cached, output] = state.used;
    print({ type: 'item.completed', item: { id: 'last', type: 'agent_message', text } });
    print({
      type: 'turn.completed',
      usage: { input_tokens: input, cached_input_tokens: cached, output_tokens: output },
    });
  } else {
    print({
      type: 'assistant',
      message: { model, content: [{ type: 'text', text }] },
      session_id: id,
    });
    print({
      type: 'result',
      subtype: 'success',
      is_error: false,
      result: text,
      num_turns: run.turns,
      session_id: id,
      usage: claudeUsage(),
    });
  }
  process.exit(0);
}

function fail({ status, message }) {
  save();
  if (isCodex) {
    print({
      type: 'turn.failed',
      error: {
        message:
          status === 429
            ? 'exceeded retry limit, last status: 429 Too Many Requests'
            : message.includes('context window')
              ? "Codex ran out of room in the model's context window."
              : `unexpected status ${status}: ${message}`,
      },
    });
  } else {
    print({
      type: 'result',
      subtype: 'success',
      is_error: true,
      api_error_status: status,
      result: `API Error: ${status} ${message}`,
      session_id: id,
      num_turns: run.turns,
      usage: claudeUsage(),
    });
  }
  process.exit(1);
}
