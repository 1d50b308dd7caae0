/** A finished build: `image` is an entry for `images` of the controller's configuration. */
export interface Manifest {
  image: Record<string, string>;
}
/** Builds the image, or finds it built by the same recipe; progress goes to standard error. */
export function buildImage(options?: {
  kind?: 'small' | 'cloud';
  out?: string;
  mirror?: string;
  force?: boolean;
}): Promise<Manifest>;
/** The manifest of a finished build in the folder, or undefined. */
export function builtImage(directory?: string): Manifest | undefined;
