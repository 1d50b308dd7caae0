/**
 * The part of the optional binding that is used here. Declared by hand, so that the controller compiles
 * where the native package could not be built.
 */
declare module '@unraid/libvirt' {
  export interface Domain {
    destroy(): Promise<void>;
    getName(): Promise<string>;
    getXMLDesc(): Promise<string>;
    /** `state` 1: running, 3: paused. */
    getInfo(): Promise<{ state: number }>;
    save(file: string): Promise<void>;
  }
  export class Hypervisor {
    constructor(options: { uri: string });
    connectOpen(): Promise<void>;
    connectClose(): Promise<void>;
    connectListAllDomains(): Promise<Domain[]>;
    /** `memory` in KiB. */
    nodeGetInfo(): Promise<{ cpus: number; memory: number }>;
    domainCreateXML(xml: string): Promise<Domain>;
    domainRestore(file: string): Promise<void>;
    domainLookupByName(name: string): Promise<Domain>;
  }
}
