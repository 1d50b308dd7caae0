import * as z from 'zod';

/** What may be changed of a hypervisor while the controller runs. */
export const HypervisorPatch = z.object({
  properties: z.object({ maintenance: z.boolean() }),
});
