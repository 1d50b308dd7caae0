/** A finished build: `image` is an entry for `images` of the controller's configuration. */
export interface Manifest {
  image: Record<string, string>;
}
/** Which image: `include`, packages of Debian beside the usual ones, needs a `sku` of its own. */
export interface Wanted {
  kind?: 'small' | 'cloud';
  include?: string[];
  sku?: string;
}
/** Builds the image, or finds it built by the same recipe; progress goes to standard error. */
export function buildImage(
  options?: Wanted & { out?: string; mirror?: string; force?: boolean },
): Promise<Manifest>;
/** The manifest of a finished build in the folder, or undefined. */
export function builtImage(directory?: string): Manifest | undefined;
