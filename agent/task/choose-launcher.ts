import { createRequire } from 'node:module';
import type { Launcher } from './launcher.js';
import { createNodeLauncher } from './node-launcher.js';
import { createPosixLauncher } from './posix-launcher.js';

export interface ChosenLauncher {
  launcher: Launcher;
  /** A word for whoever wonders why it is not posix_spawn. */
  remark?: string;
  /** Does now what the first launch would do. */
  load(): void;
}

/**
 * posix_spawn where it can be called; else Node's own. koffi is not loaded before a first process is to start,
 * or `load` is called: emulated guests need half a second for it, and are idle that much sooner.
 */
export function chooseLauncher(log: (text: string) => void): ChosenLauncher {
  try {
    createRequire(import.meta.url).resolve('koffi');
  } catch (error) {
    return { launcher: createNodeLauncher(), remark: remarkOn(error), load: () => undefined };
  }
  let found: Launcher | undefined;
  const get = (): Launcher => (found ??= create(log));
  return {
    launcher: {
      launch: (order, callbacks) => get().launch(order, callbacks),
      sweepGroup: (leader) => get().sweepGroup(leader),
    },
    load: () => void get(),
  };
}

function create(log: (text: string) => void): Launcher {
  try {
    return createPosixLauncher();
  } catch (error) {
    log(remarkOn(error));
    return createNodeLauncher();
  }
}

function remarkOn(error: unknown): string {
  const reason = (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
  return `posix_spawn can't be called (${reason}): processes start by Node's own, slower spawn`;
}
