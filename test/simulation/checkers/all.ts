import type { Checker } from '../observers.js';
import { acknowledgedChecker } from './acknowledged.js';
import { capacityChecker } from './capacity.js';
import { completionChecker } from './completion.js';
import { countsChecker } from './counts.js';
import { dependenciesChecker } from './dependencies.js';
import { leasesChecker } from './leases.js';
import { lifeCyclesChecker } from './life-cycles.js';
import { preparationChecker } from './preparation.js';
import { priorityChecker } from './priority.js';
import { samplesChecker } from './samples.js';
import { slotsChecker } from './slots.js';
import { turnsChecker } from './turns.js';
import { wavesChecker } from './waves.js';

/** A fresh set for one world; convergence.ts is asked at the end. */
export const checkers = (): Checker[] => [
  acknowledgedChecker(),
  leasesChecker(),
  slotsChecker(),
  countsChecker(),
  completionChecker(),
  lifeCyclesChecker(),
  dependenciesChecker(),
  preparationChecker(),
  priorityChecker(),
  capacityChecker(),
  samplesChecker(),
  turnsChecker(),
  wavesChecker(),
];
