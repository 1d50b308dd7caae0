import type { Effect } from '../core/effect.js';
import type { Effects } from '../engine/ports.js';
import type { AgentEffects } from './agents/agent-effects.js';
import type { Log } from './log.js';
import type { NodeConsoles } from './nodes/consoles.js';
import type { NodeReconciler } from './nodes/reconcile.js';

/** The Effects port of the engine: hands each effect to its executor, and never throws. */
export function effectsOf(executors: {
  agents: AgentEffects;
  reconciler: NodeReconciler;
  consoles: NodeConsoles;
  log: Log;
}): Effects {
  const performOne = (effect: Effect) => {
    if (effect.type === 'reconcilePool') executors.reconciler.wake(effect.poolKey);
    else if (effect.type === 'keepConsole')
      executors.consoles.keep(effect.nodeKey, effect.incarnation);
    else executors.agents.perform(effect);
  };
  return {
    perform(effects) {
      for (const effect of effects) {
        try {
          performOne(effect);
        } catch (error) {
          executors.log.error({ err: error, effect: effect.type }, 'an effect failed');
        }
      }
    },
  };
}
