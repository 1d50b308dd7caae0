import * as z from 'zod';
import { nonEmpty } from '../batch/common.js';
import { LIMITS } from '../batch/limits.js';

/** Of a resource: also the last part of the id that pools name a custom image by. */
export const IMAGE_NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,78}[A-Za-z0-9_-])?$/;

const name = nonEmpty(64);

/** What an image is made from, and what it is offered as. */
export const ImageProperties = z
  .object({
    /** file:///…qcow2 on the controller's machine, http:// or https://. */
    source: z
      .string()
      .max(LIMITS.pathLength)
      .refine((text) => /^(file:\/\/\/|https?:\/\/[^\s/])/.test(text), {
        message: 'allowed are file:///… and http(s):// URLs',
      }),
    /** Hexadecimal digits; the file must have it. */
    sha256: z
      .string()
      .regex(/^[0-9a-fA-F]{64}$/, 'allowed are 64 hexadecimal digits')
      .transform((text) => text.toLowerCase())
      .optional(),
    /** With these three, pools may name it like an image of a marketplace; always by its id. */
    publisher: name.optional(),
    offer: name.optional(),
    sku: name.optional(),
    version: name.default('1.0.0'),
    nodeAgentSkuId: name,
    osType: z.enum(['linux', 'windows']).default('linux'),
    verificationType: z.enum(['verified', 'unverified']).default('unverified'),
  })
  .superRefine((image, context) => {
    const given = (['publisher', 'offer', 'sku'] as const).filter((part) => image[part]);
    if (given.length !== 0 && given.length !== 3)
      context.addIssue({
        code: 'custom',
        path: ['publisher'],
        message: 'publisher, offer and sku are given together or not at all',
      });
    if (image.version === 'latest')
      context.addIssue({
        code: 'custom',
        path: ['version'],
        message: 'latest names the highest version and is none itself',
      });
  });
export type ImageProperties = z.output<typeof ImageProperties>;

export const ImageBody = z.object({ properties: ImageProperties });
