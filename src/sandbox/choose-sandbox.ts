import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { bubblewrapSandbox } from './bubblewrap.ts';
import type { Sandbox, SandboxMode } from './sandbox.ts';
import type { Toolbox } from './toolbox.ts';
import { unsandboxed } from './unsandboxed.ts';

interface ChooseDeps {
  readonly clock: Clock;
  readonly toolbox: Toolbox;
  readonly bwrap?: string;
}

export interface ChosenSandbox {
  readonly sandbox: Sandbox;
  /** Why there is no box although one was wanted or offered, with what to do; undefined when workers are in one. */
  readonly degraded: string | undefined;
}

/**
 * The sandbox for a mode, after a probe. `strict` without a working box throws SANDBOX_UNAVAILABLE; `auto` degrades
 * and says why. What may run degraded (the demo alone) is for the caller to decide.
 */
export async function chooseSandbox(deps: ChooseDeps, mode: SandboxMode): Promise<ChosenSandbox> {
  if (mode === 'off') {
    return { sandbox: unsandboxed(deps), degraded: 'The sandbox is switched off.' };
  }
  const sandbox = bubblewrapSandbox(deps);
  const state = await sandbox.probe();
  if (state.available) {
    return { sandbox, degraded: undefined };
  }
  if (mode === 'strict') {
    throw new AppError('SANDBOX_UNAVAILABLE', `workers cannot be kept in a box: ${state.reason}`, {
      remedy: state.remedy,
    });
  }
  return { sandbox: unsandboxed(deps), degraded: `${state.reason}. ${state.remedy}` };
}
