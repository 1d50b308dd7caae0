/** Ticks of 100 ns between the year 1 and 1970. */
const EPOCH_TICKS = 621_355_968_000_000_000n;

/**
 * The ETag of an entity: an unquoted hex token in the shape the service uses (`0x8DE29…`), different
 * for each version of one entity and for a new entity under an old id.
 */
export function etagOf(entity: { creationTime: number; version: number }): string {
  const ticks = EPOCH_TICKS + BigInt(Math.trunc(entity.creationTime)) * 10_000n;
  return `0x${(ticks + BigInt(entity.version)).toString(16).toUpperCase()}`;
}
