import { closeSync, readFileSync, readdirSync } from 'node:fs';

const CLOSE_ON_EXEC = 0o2000000;

/**
 * Closes what this process inherited beyond stdin, stdout and stderr, and returns it. The first thing main does:
 * Node marks only the lowest descriptors close-on-exec and bubblewrap closes none, so a file that our parent had
 * open as number 200 was readable inside a box (measured).
 */
export function closeInheritedDescriptors(): number[] {
  const inherited = inheritableDescriptors();
  for (const descriptor of inherited) {
    closeSync(descriptor);
  }
  return inherited;
}

/** Descriptors above 2 that a child would get. Node opens its own close-on-exec, so after start-up there is none. */
export function inheritableDescriptors(): number[] {
  if (process.platform !== 'linux') {
    return [];
  }
  return readdirSync('/proc/self/fd')
    .map(Number)
    .filter((descriptor) => descriptor > 2 && isInheritable(descriptor));
}

function isInheritable(descriptor: number): boolean {
  try {
    const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8');
    const flags = /^flags:\s+(\d+)/m.exec(info)?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  } catch {
    return false; // the descriptor of the very listing, closed by now
  }
}
