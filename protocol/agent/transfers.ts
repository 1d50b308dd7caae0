import * as z from 'zod';

const figure = z.int().min(1).max(1e12).optional();

/** How patient and how wide the transfers of a node's agent are; what is absent is the agent's own default. */
export const TransferLimits = z.object({
  /** Tries in a row that bring nothing on. */
  triesMax: figure,
  /** Pause before the second try; doubles each time. */
  retryMs: figure,
  /** Without a byte. */
  idleMs: figure,
  parallel: figure,
  /** A download that came this much further starts its tries anew. */
  progressBytes: figure,
  /** Longer files are uploaded in blocks. */
  singlePutBytes: figure,
  blockBytes: figure,
});
export type TransferLimits = z.infer<typeof TransferLimits>;

/** Reads `name=number,…`. Throws for another name, and for what is no whole number above 0. */
export function parseTransferLimits(text: string): TransferLimits {
  const limits: TransferLimits = {};
  for (const part of text.split(',').filter((one) => one !== '')) {
    const [name = '', value = ''] = part.split('=', 2);
    const isKnown = Object.hasOwn(TransferLimits.shape, name) && /^[1-9]\d{0,11}$/.test(value);
    if (!isKnown)
      throw new Error(
        `${JSON.stringify(part)} is none of ${Object.keys(TransferLimits.shape).join(', ')} with a whole number above 0`,
      );
    limits[name as keyof TransferLimits] = Number(value);
  }
  return limits;
}
