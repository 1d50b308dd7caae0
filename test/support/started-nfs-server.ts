import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { freePort } from './free-port.js';
import { programs, requirement } from './requirements.js';
import { tempDirectory } from './temp-dir.js';
import { waitFor } from './wait-for.js';

/** A server that needs nothing of the kernel, with a file system in its memory. */
export const nfsServerRequirement = () =>
  requirement(
    'nfs-ganesha',
    () => programs('ganesha.nfsd'),
    'apt-get install -y --no-install-recommends nfs-ganesha nfs-ganesha-mem',
  );

/** An NFS server (version 4) on the loopback interface, which everyone may write to at `/data`. */
export class StartedNfsServer {
  private constructor(
    readonly port: number,
    private readonly process: ChildProcess,
    private readonly folder: { path: string; remove(): void },
  ) {}

  static async start(): Promise<StartedNfsServer> {
    const folder = tempDirectory('nfs');
    const port = await freePort();
    const [configuration, log] = [join(folder.path, 'nfs.conf'), join(folder.path, 'log')];
    writeFileSync(
      configuration,
      `NFS_CORE_PARAM {
  Protocols = 4; NFS_Port = ${String(port)}; Bind_addr = 127.0.0.1;
  Enable_NLM = false; Enable_RQUOTA = false; mount_path_pseudo = true;
}
NFSV4 { Graceless = true; Only_Numeric_Owners = true; RecoveryRoot = ${folder.path}; }
MEM { Inode_Size = 4096; }
NFS_KRB5 { Active_krb5 = false; }
EXPORT {
  Export_Id = 1; Path = /data; Pseudo = /data; Protocols = 4; Transports = TCP;
  Access_Type = RW; Squash = No_Root_Squash; SecType = sys; FSAL { Name = MEM; }
}
`,
    );
    const files = ['-f', configuration, '-L', log, '-p', join(folder.path, 'pid')];
    const server = spawn('ganesha.nfsd', ['-F', ...files], { stdio: 'ignore' });
    const started = new StartedNfsServer(port, server, folder);
    await waitFor('the NFS server to listen', () => listens(port), { timeoutMs: 60_000 }).catch(
      async (error: unknown) => {
        const said = readFileSync(log, 'utf8').slice(-3000);
        await started.stop();
        throw new Error(`${String(error)}\n${said}`, { cause: error });
      },
    );
    return started;
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill('SIGKILL');
      await once(this.process, 'exit');
    }
    this.folder.remove();
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
