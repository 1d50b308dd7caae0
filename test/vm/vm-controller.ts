import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { ensureImage, ensureLibvirtd } from '../support/requirements.js';
import { startController, type StartedController } from '../support/start-controller.js';
import { tempDirectory } from '../support/temp-dir.js';
import { consolesOf, destroyDomainsOf } from './domains.js';

interface Wanted {
  image?: Parameters<typeof ensureImage>[0];
  /** Absent: whatever the hypervisor proves to have. */
  domainType?: 'qemu';
  /** Of the configuration, beside the image and the hypervisor. */
  configuration?: Record<string, unknown>;
  tls?: boolean;
}

/** A controller with this machine's libvirt and one image for its VM nodes, and a folder for all their files. */
export class VmController {
  private constructor(
    readonly controller: StartedController,
    readonly folder: string,
    private readonly end: () => void,
  ) {}

  /** @param name of the folder: `vm-…` */
  static async start(
    name: string,
    { image, domainType, configuration = {}, tls }: Wanted = {},
  ): Promise<VmController> {
    const stopLibvirtd = ensureLibvirtd();
    const manifest = ensureImage(image);
    const folder = tempDirectory(name);
    // QEMU's own user has to get to the disks.
    chmodSync(folder.path, 0o711);
    const controller = await startController({
      ...(tls === undefined ? {} : { tls }),
      configuration: {
        images: [{ manifest }],
        hypervisors: [{ name: 'test', diskDirectory: join(folder.path, 'disks'), domainType }],
        ...configuration,
      },
    });
    return new VmController(controller, folder.path, () => {
      stopLibvirtd();
      folder.remove();
    });
  }

  get disks(): string {
    return join(this.folder, 'disks');
  }

  /** Throws it again, with the ends of the guests' consoles and of the controller's log. */
  readonly explain = (error: unknown): never => {
    const logs = this.controller.logs().slice(-3000);
    throw new Error(`${String(error)}\n${consolesOf(this.disks)}\n${logs}`, { cause: error });
  };

  /** Ends the controller and what is left of its VMs. */
  async stop(): Promise<void> {
    try {
      destroyDomainsOf(this.folder);
    } finally {
      await this.controller.stop();
      this.end();
    }
  }
}
