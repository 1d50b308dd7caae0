/** Lower case, as the Blob service wants containers and accounts; undefined for anything else. */
export function folderName(name: string): string | undefined {
  const lower = name.toLowerCase();
  return /^(\$root|[a-z0-9](-?[a-z0-9])*)$/.test(lower) && lower.length <= 63 ? lower : undefined;
}
