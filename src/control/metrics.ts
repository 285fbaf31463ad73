import type { Registry } from 'prom-client';
import { Counter, Gauge } from 'prom-client';

import type { ControlBus } from './control-bus.ts';

const OUTCOMES = ['published', 'dropped', 'received', 'refused', 'gathered'] as const;

/** What this process's end of the bus counted, for its `/metrics`. */
export function registerBusMetrics(registry: Registry, bus: Pick<ControlBus, 'status'>): void {
  const registers = [registry];
  const up = new Gauge({
    name: 'autodev_control_bus_up',
    help: '1 while hints travel; 0: orders are found by polling.',
    labelNames: ['kind'],
    registers,
    collect: () => {
      const status = bus.status();
      up.set({ kind: status.kind }, status.up ? 1 : 0);
    },
  });
  const hints = new Counter({
    name: 'autodev_control_bus_hints_total',
    help: 'Hints by what became of them; refused: messages that are no hints of ours.',
    labelNames: ['outcome'],
    registers,
    collect: () => {
      const { counts } = bus.status();
      hints.reset();
      for (const outcome of OUTCOMES) {
        hints.inc({ outcome }, counts[outcome]);
      }
    },
  });
  const lost = new Counter({
    name: 'autodev_control_bus_lost_total',
    help: 'Connections to the bus that stood and were lost.',
    registers,
    collect: () => {
      lost.reset();
      lost.inc(bus.status().counts.lost);
    },
  });
}
