/** In QEMU's user mode network the host's loopback has this address. */
const USER_MODE_HOST = '10.0.2.2';
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\]|0\.0\.0\.0|\[::\])$/;

/**
 * The controller's URL as a guest reaches it. User mode: loopback becomes the host's address in there;
 * libvirt networks can't be guessed, and on another machine loopback is not ours: an error then says which
 * setting helps.
 * @param uri of the hypervisor
 */
export function guestUrl(url: string, network: string, configured?: string, uri = ''): string {
  if (configured !== undefined) return configured;
  const parsed = new URL(url);
  if (!LOOPBACK.test(parsed.hostname)) return url;
  const machine = /^[\w+]+:\/\/(?:[^/@]*@)?(\[[^\]]*\]|[^/:?]+)/.exec(uri)?.[1];
  if (machine !== undefined && !LOOPBACK.test(machine)) {
    throw new Error(
      `guests on ${machine} can't reach the controller at ${url}, which only this machine can: ` +
        'listen on an address that they reach, or set `controllerUrl` of the hypervisor',
    );
  }
  if (network !== 'user') {
    throw new Error(
      `guests on libvirt network ${network} can't reach the controller at ${url}: listen on the network's host address ` +
        "(192.168.122.1 for libvirt's default) or set `controllerUrl` of the hypervisor",
    );
  }
  parsed.hostname = USER_MODE_HOST;
  return parsed.href.replace(/\/$/, '');
}
