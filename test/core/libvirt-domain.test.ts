import { describe, expect, it } from 'vitest';
import {
  domainName,
  domainNamePrefix,
  domainXml,
  hostName,
  ownerOf,
  resumedXml,
  templateOf,
  templateXml,
} from '../../controller/effects/nodes/libvirt/domain.js';
import type { DomainDescription } from '../../controller/effects/nodes/libvirt/domain.js';
import { guestUrl } from '../../controller/effects/nodes/libvirt/controller-url.js';
import { text } from '../../controller/effects/nodes/libvirt/xml.js';
import { accountKey, nodeKey, poolKey } from '../../protocol/keys.js';

const key = nodeKey(poolKey(accountKey('account'), 'Pool_1'), 'tvm-1');
const description: DomainDescription = {
  controllerId: `it's <ours> & "theirs"`,
  nodeKey: key,
  incarnation: 3,
  type: 'qemu',
  vcpus: 2,
  memoryMiB: 512,
  boot: { kernel: '/k', initrd: '/i', arguments: 'root=LABEL=root a="<&>"' },
  disk: '/disks/a & b.qcow2',
  agentDisk: '/agent.iso',
  seedFile: '/seed',
  consoleLog: '/console.log',
  network: 'user',
};

describe('the domain of a node', () => {
  it('tells whose it is, whatever characters the controller has in its name', () => {
    const { controllerId, incarnation } = description;
    expect(ownerOf(domainXml(description))).toEqual({ controllerId, nodeKey: key, incarnation });
  });
  it('is nobody’s without our namespace', () => {
    const foreign = domainXml(description).replace('urn:batchyard:node:1', 'urn:other');
    expect(ownerOf(foreign)).toBeUndefined();
    expect(ownerOf('<domain/>')).toBeUndefined();
  });
  it('escapes paths and kernel arguments', () => {
    const xml = domainXml(description);
    expect(xml).toContain("file='/disks/a &amp; b.qcow2'");
    expect(xml).toContain('a=&quot;&lt;&amp;&gt;&quot;');
  });
  it('refuses characters that XML cannot hold', () => {
    expect(() => text('a\u0000b')).toThrow('U+0000');
  });
  it('has a network address of its own for all its life, which guests may have written down', () => {
    const addressOf = (more: Partial<DomainDescription>) =>
      /<mac address='(.*?)'/.exec(domainXml({ ...description, network: 'lab', ...more }))?.[1];
    expect(addressOf({})).toMatch(/^52(:[0-9a-f]{2}){5}$/);
    expect(addressOf({ incarnation: 4, disk: '/other' })).toBe(addressOf({}));
    const other = nodeKey(poolKey(accountKey('account'), 'Pool_1'), 'tvm-2');
    expect(addressOf({ nodeKey: other })).not.toBe(addressOf({}));
    expect(addressOf({ controllerId: 'another' })).not.toBe(addressOf({}));
    expect(addressOf({ network: 'user' })).toBe(addressOf({}));
  });
  it('calls itself by as much of its id as a host name holds', () => {
    expect(hostName(`tvmps_${'0123456789abcdef'.repeat(4)}_d`)).toBe('tvmps-0123456789abcdef');
  });
  it('limits the translation cache under emulation only', () => {
    expect(domainXml(description)).toContain("<tb-cache unit='MiB'>64</tb-cache>");
    expect(domainXml({ ...description, type: 'kvm' })).not.toContain('tb-cache');
  });
  it('has its data disks in order, each in a file of its own, and the devices of the host', () => {
    const xml = domainXml({
      ...description,
      dataDisks: [
        { lun: 3, sizeGiB: 1 },
        { lun: 12, sizeGiB: 1 },
      ],
      hostDevices: ['0000:3b:00.1'],
    });
    expect(xml).toMatch(/file='\/disks\/data-3.qcow2'.*dev='vdc'.*lun-3/);
    expect(xml).toMatch(/file='\/disks\/data-12.qcow2'.*dev='vdd'.*lun-12/);
    expect(xml).toContain("<hostdev mode='subsystem' type='pci' managed='yes'>");
    expect(xml).toContain("<address domain='0x0000' bus='0x3b' slot='0x00' function='0x1'/>");
  });
  it('has a name of its own for nodes whose ids differ in punctuation only', () => {
    const other = nodeKey(poolKey(accountKey('account'), 'Pool-1'), 'tvm-1');
    expect(domainName('c', key)).not.toBe(domainName('c', other));
    expect(domainName('c', key).startsWith(domainNamePrefix('c'))).toBe(true);
    expect(domainNamePrefix('c')).not.toBe(domainNamePrefix('d'));
  });
});

describe('the domain of a resumed node', () => {
  const files = { disk: '/t/disk.qcow2', seedFile: '/t/seed.json', consoleLog: '/t/console.log' };
  const template = templateXml({ ...description, ...files }, { key: 'k', generation: 'g-0' });
  // As libvirt saves it: with an id, an address, and the chain of the disk.
  const saved = template
    .replace('<genid>', '<uuid>u-0</uuid><genid>')
    .replace(/<mac address='[^']*'/, '<mac address="52:54:00:00:00:01"')
    .replace(
      "<target dev='vda'",
      `<backingStore type='file'><source file='/base'/><backingStore/></backingStore><target dev='vda'`,
    );
  const identity = { uuid: 'u-1', generation: 'g-1', macAddress: '52:54:00:00:00:02' };
  const node = resumedXml(saved, files, description, identity);

  it('is the node’s and not the template’s', () => {
    expect(templateOf(template)).toEqual({ controllerId: description.controllerId });
    expect(ownerOf(template)).toBeUndefined();
    expect(templateOf(node)).toBeUndefined();
    expect(ownerOf(node)).toMatchObject({ nodeKey: key, incarnation: 3 });
    expect(node).toContain(`<name>${domainName(description.controllerId, key)}</name>`);
  });
  it('has identity, address and files of its own, and nothing of the template’s', () => {
    expect(node).toContain('<uuid>u-1</uuid><genid>g-1</genid>');
    expect(node).toContain("<mac address='52:54:00:00:00:02'/>");
    expect(node).toContain("file='/disks/a &amp; b.qcow2'");
    expect(node).not.toMatch(/\/t\/|u-0|g-0|00:00:01|backingStore/);
  });
  it('fits where the template’s was', () => {
    expect(node.length).toBeLessThan(saved.length);
  });
});

describe('the URL that a guest calls', () => {
  it('is the host as user mode networking shows it, where the controller listens on loopback', () => {
    expect(guestUrl('http://127.0.0.1:8480', 'user')).toBe('http://10.0.2.2:8480');
    expect(guestUrl('https://localhost:1', 'user')).toBe('https://10.0.2.2:1');
    expect(guestUrl('http://192.168.1.5:8480', 'user')).toBe('http://192.168.1.5:8480');
  });
  it('is the configured one, if there is one', () => {
    expect(guestUrl('http://127.0.0.1:1', 'default', 'https://a:2')).toBe('https://a:2');
  });
  it('cannot be loopback where guests are on another machine', () => {
    const url = 'http://127.0.0.1:1';
    for (const uri of [
      'qemu+ssh://root@far.example:22/system?keyfile=k',
      'qemu+tls://[fd00::1]/system',
    ])
      expect(() => guestUrl(url, 'user', undefined, uri)).toThrow('controllerUrl');
    for (const uri of [
      'qemu:///system',
      'qemu+ssh://root@127.0.0.1:22/system',
      'qemu+unix:///system',
    ])
      expect(guestUrl(url, 'user', undefined, uri)).toBe('http://10.0.2.2:1');
  });
  it('cannot be loopback on a libvirt network', () => {
    expect(() => guestUrl('http://127.0.0.1:1', 'default')).toThrow('controllerUrl');
  });
});
