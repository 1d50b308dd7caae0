import * as z from 'zod';
import { LIMITS } from '../batch/limits.js';

/** The contract's section 9.1: names in paths. A version may hold dots, not begin with one. */
export const APPLICATION_NAME = /^[A-Za-z0-9_-]{1,64}$/;
export const VERSION_NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$/;

const properties = z.object({
  displayName: z.string().max(LIMITS.displayNameLength).nullish(),
  allowUpdates: z.boolean().nullish(),
  /** Must name a version that exists; null or empty: none. */
  defaultVersion: z.string().max(64).nullish(),
});

/** Application: the body of create and update; absent properties stay as they are. */
export const ApplicationBody = z
  .object({ properties: properties.nullish() })
  .transform((body) => body.properties ?? {});
export type ApplicationBody = z.output<typeof ApplicationBody>;

/** ActivateApplicationPackageParameters. */
export const ApplicationPackageActivate = z.object({
  format: z.string().refine((format) => format.toLowerCase() === 'zip', 'must be zip'),
});
