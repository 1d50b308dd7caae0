/**
 * Templates of resumed nodes: for each kind of guest (image, agent disk, size, network, all that is in
 * its domain) one that was booted until its agent waited for an identity, and saved with its memory.
 *
 *   DIR/templates/{controller}/{key}/   disk.qcow2, memory.save, template.json, console.log
 *
 * The key starts with a digest of everything that the guest is made of (whatever changes makes another
 * template) and ends with a number of its own: a broken one is made anew beside the nodes that stand on
 * its disk. `template.json` is written last; a folder without it is a half-made one and is removed.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeKey } from '../../../../protocol/keys.js';
import { PADDED_SEED_BYTES } from '../../../../protocol/agent/enrol.js';
import type { Resumption, Seed, TemplateSeed } from '../../../../protocol/agent/enrol.js';
import type { Log } from '../../log.js';
import type { LibvirtConnection } from './connection.js';
import { macAddress, resumedXml, templateName, templateXml } from './domain.js';
import type { DomainDescription } from './domain.js';
import { isMissing } from './folders.js';
import type { HostFiles } from './host-files.js';
import { sha256 } from './host-files.js';
import { copySaved, savedXml } from './save-image.js';

/** What the agent prints (agent/node/resume.ts). */
const WAITS_FOR_SEED = /waits for its identity/;
const GOES_ON = /goes on from a memory image/;
const CANNOT_WAIT = /agent: (Cannot find module|.*(koffi|RAND_seed|no seed)).*/i;
const LOOK_INTERVAL_MS = 50;
/** A boot under emulation on a busy host takes up to a minute; nodes boot by themselves beyond this. */
const BOOT_TIMEOUT_MS = 240_000;
/** From the restore to the agent's word; beyond it the image is taken for broken. */
const RESUME_LIMIT_MS = 60_000;
/** After a template could not be made: nodes boot meanwhile. */
const RETRY_AFTER_MS = 10 * 60_000;
/** Those that are neither in use nor among the newest are removed when another one is made. */
const KEPT = 4;

export interface Template {
  key: string;
  /** The base of the nodes' disks: frozen when the guest was saved. */
  disk: string;
  memory: string;
  record: string;
}

const templateIn = (folder: string, key: string): Template => ({
  key,
  disk: join(folder, 'disk.qcow2'),
  memory: join(folder, 'memory.save'),
  record: join(folder, 'template.json'),
});

interface Record {
  memoryBytes: number;
  memorySha256: string;
}

/** What a template is made of: a node's domain without the node. */
export interface TemplatePlan {
  description: DomainDescription;
  base: string;
  diskGiB: number;
}

export class Templates {
  private readonly made = new Map<string, Promise<Template>>();
  private readonly failedAt = new Map<string, number>();
  private readonly building = new Set<string>();
  private readonly watched = new Set<Promise<void>>();
  private readonly closing = new AbortController();

  constructor(
    private readonly connection: LibvirtConnection,
    private readonly files: () => Promise<HostFiles>,
    private readonly log: Log,
  ) {}

  /** The template of that kind of guest, made when it isn't there; undefined: none can be had, boot instead. */
  async get(plan: TemplatePlan): Promise<Template | undefined> {
    const key = digestOf(plan);
    if (Date.now() - (this.failedAt.get(key) ?? Number.NEGATIVE_INFINITY) < RETRY_AFTER_MS)
      return undefined;
    let made = this.made.get(key);
    if (made === undefined) {
      made = this.findOrMake(key, plan);
      this.made.set(key, made);
    }
    try {
      return await made;
    } catch (error) {
      if (this.made.get(key) !== made) return undefined;
      this.made.delete(key);
      this.failedAt.set(key, Date.now());
      this.log.warn({ err: error, template: key }, 'no template for resumed nodes: they boot');
      return undefined;
    }
  }

  /**
   * Starts the node where the template stood. Throws what went wrong; the template is given up then, and
   * nothing of the node runs.
   */
  async resume(template: Template, node: DomainDescription, name: string): Promise<void> {
    const own = join(node.disk, '..', 'memory.save');
    const identity = { uuid: randomUUID(), generation: randomUUID(), macAddress: macAddress(node) };
    try {
      await copySaved(template.memory, own, (xml) =>
        resumedXml(xml, filesOf(template.disk), node, identity),
      );
      await this.fillIn(node, identity.macAddress);
      await rm(node.consoleLog, { force: true });
      await this.connection.restore(name, own);
      this.watch(template, node, name);
    } catch (error) {
      await this.connection.destroy(name);
      await this.giveUp(template);
      throw error;
    } finally {
      await rm(own, { force: true });
    }
  }

  /** Makes the template anew when it is next wanted; nodes on its disk keep it. */
  async giveUp({ key, memory }: Template): Promise<void> {
    this.made.delete(key.split('-', 1)[0] ?? key);
    await rm(memory, { force: true });
  }

  /** A template guest of ours that nobody is making: an earlier run of this controller was cut off. */
  async removeLeftOver(name: string): Promise<void> {
    if (!this.building.has(name)) await this.connection.destroy(name);
  }

  /** Ends what only looks on. */
  async close(): Promise<void> {
    this.closing.abort();
    await Promise.all(this.watched);
  }

  /**
   * A guest that says nothing after it was resumed had a broken image: it is ended, so that its node comes
   * back in another incarnation, and the image is made anew.
   */
  private watch(template: Template, { consoleLog }: DomainDescription, name: string): void {
    const watching = printed(consoleLog, GOES_ON, RESUME_LIMIT_MS, this.closing.signal)
      .then(async (seen) => {
        if (seen || (await this.connection.find(name)) === undefined) return;
        this.log.warn({ domain: name, template: template.key }, 'a resumed node says nothing');
        await this.giveUp(template);
        await this.connection.destroy(name);
      })
      .catch((error: unknown) => {
        if (!this.closing.signal.aborted)
          this.log.warn({ err: error, domain: name }, 'a resumed node could not be watched');
      })
      .finally(() => this.watched.delete(watching));
    this.watched.add(watching);
  }

  /** The random numbers and the time of the resumption go into the seed at the last moment. */
  private async fillIn(node: DomainDescription, mac: string): Promise<void> {
    const seed = JSON.parse(await readFile(node.seedFile, 'utf8')) as Seed;
    const resumption: Resumption = {
      time: Date.now(),
      entropy: randomBytes(64).toString('base64'),
      machineId: randomBytes(16).toString('hex'),
      ...(node.network === 'user' ? {} : { macAddress: mac }),
    };
    await writeSeed(node.seedFile, { ...seed, resumption });
  }

  private async findOrMake(digest: string, plan: TemplatePlan): Promise<Template> {
    const files = await this.files();
    for (const key of await files.templates()) {
      if (!key.startsWith(`${digest}-`)) continue;
      const template = templateIn(await files.templateFolder(key), key);
      if (await isWhole(template)) return template;
      await files.removeTemplateUnlessUsed(key);
    }
    const key = `${digest}-${randomBytes(3).toString('hex')}`;
    await files.removeUnusedTemplates(KEPT - 1);
    const started = Date.now();
    const folder = await files.templateFolder(key);
    try {
      await this.make(templateIn(folder, key), plan, files);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
    const milliseconds = Date.now() - started;
    this.log.info({ template: key, milliseconds }, 'made the template of resumed nodes');
    return templateIn(folder, key);
  }

  private async make(template: Template, plan: TemplatePlan, files: HostFiles): Promise<void> {
    const name = templateName(plan.description.controllerId, template.key);
    this.building.add(name);
    try {
      const { network } = plan.description;
      const nodeKey = template.key as NodeKey; // Nobody's: it has a network address of its own.
      const description = { ...plan.description, nodeKey, ...filesOf(template.disk) };
      await files.makeDisk(template.disk, plan.base, plan.diskGiB);
      const seed: TemplateSeed = { template: true, sharesNetwork: network !== 'user' };
      await writeSeed(description.seedFile, seed);
      const generation = randomUUID();
      await this.connection.create(
        name,
        templateXml(description, { key: template.key, generation }),
      );
      await waitUntilReady(description.consoleLog, this.closing.signal);
      await this.connection.save(name, template.memory);
      await savedXml(template.memory);
      const record: Record = {
        memoryBytes: (await stat(template.memory)).size,
        memorySha256: await sha256(template.memory),
      };
      await writeFile(template.record, JSON.stringify(record), { mode: 0o600 });
    } finally {
      this.building.delete(name);
      await this.connection.destroy(name);
      await rm(filesOf(template.disk).seedFile, { force: true });
    }
  }
}

/** Everything in the domain that is not one node's, and what the disk is made of. */
function digestOf({ description, base, diskGiB }: TemplatePlan): string {
  const nobody = {
    ...description,
    nodeKey: 'template' as NodeKey,
    incarnation: 0,
    disk: 'disk',
    seedFile: 'seed',
    consoleLog: 'console',
  };
  const xml = templateXml(nobody, { key: '', generation: '' });
  const parts = JSON.stringify([xml, base, diskGiB]);
  return createHash('sha256').update(parts).digest('hex').slice(0, 16);
}

const filesOf = (disk: string) => ({
  disk,
  seedFile: join(disk, '..', 'seed.json'),
  consoleLog: join(disk, '..', 'console.log'),
});

/** Of one length always: the guest's kernel learns the length when it boots, and not again. */
async function writeSeed(file: string, seed: object): Promise<void> {
  const text = JSON.stringify(seed);
  if (Buffer.byteLength(text) > PADDED_SEED_BYTES)
    throw new Error(`the seed takes more than ${String(PADDED_SEED_BYTES)} bytes`);
  const padding = ' '.repeat(PADDED_SEED_BYTES - Buffer.byteLength(text));
  await rm(file, { force: true });
  await writeFile(file, text + padding, { mode: 0o600 });
}

/** By its length always, by its content when it is first used by this controller. */
async function isWhole({ memory, disk, record: recordFile }: Template): Promise<boolean> {
  try {
    const record = JSON.parse(await readFile(recordFile, 'utf8')) as Record;
    await stat(disk);
    return (
      (await stat(memory)).size === record.memoryBytes &&
      (await sha256(memory)) === record.memorySha256
    );
  } catch {
    // None, or a half of one: it is made.
    return false;
  }
}

async function waitUntilReady(consoleLog: string, signal: AbortSignal): Promise<void> {
  const either = new RegExp(`${WAITS_FOR_SEED.source}|${CANNOT_WAIT.source}`, 'i');
  const seen = await printed(consoleLog, either, BOOT_TIMEOUT_MS, signal);
  if (!seen)
    throw new Error(
      `the guest did not wait for its identity within ${String(BOOT_TIMEOUT_MS / 1000)} s; see ${consoleLog}`,
    );
  const text = await consoleText(consoleLog);
  if (!WAITS_FOR_SEED.test(text))
    throw new Error(`the guest can't wait to be saved: ${CANNOT_WAIT.exec(text)?.[0] ?? ''}`);
}

/** Whether the guest prints it in time. Throws when the signal says so. */
async function printed(
  consoleLog: string,
  words: RegExp,
  limitMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const deadline = Date.now() + limitMs;
  while (Date.now() < deadline) {
    if (words.test(await consoleText(consoleLog))) return true;
    await delay(LOOK_INTERVAL_MS, undefined, { signal });
  }
  return false;
}

async function consoleText(file: string): Promise<string> {
  try {
    return await readFile(file, 'latin1');
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}
