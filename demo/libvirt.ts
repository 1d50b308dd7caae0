import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { buildImage } from '../scripts/image-build.mjs';
import { start as startLibvirtd } from '../scripts/libvirtd.mjs';
import type { DemoOptions } from './options.js';

/**
 * Makes sure that libvirt answers and that the base image is built, and writes the controller's
 * configuration for them.
 * @returns the path of the configuration file
 */
export async function libvirtConfig(
  options: DemoOptions,
  say: (text: string) => void,
): Promise<string> {
  say(`libvirtd: ${startLibvirtd()}`);
  const { image } = await buildImage();
  const path = join(options.directory, 'controller.yaml');
  const hypervisors = [
    { name: 'local', uri: 'qemu:///system', domainType: options.domainType, network: 'user' },
  ];
  writeFileSync(path, stringify({ images: [image], hypervisors }));
  return path;
}
