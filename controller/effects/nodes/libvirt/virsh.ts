/**
 * libvirt's storage verbs, which the binding lacks, by its own program. Each call is one connection; it
 * may carry several commands, of which virsh carries out every one, whatever became of those before it.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

const PACKAGE = 'libvirt-clients';
const TIMEOUT_MS = 120_000;
/** Of an upload: no byte was taken, or the last ones are not confirmed, for so long. */
const STALL_MS = 120_000;
const OUTPUT_CHARACTERS_MAX = 16 * 1024 * 1024;
const WORDS_MAX = 1_500;
const NOT_THERE = /^(failed to get vol|Storage volume not found)/;

/** virsh's own words. */
export class VirshError extends Error {
  override readonly name = 'VirshError';

  /** The program is not there at all. */
  get isMissing(): boolean {
    return this.message === MISSING;
  }
}

export type VirshCommand = readonly [string, ...string[]];

export interface Upload {
  /** In pieces; they are taken as fast as the hypervisor takes them. */
  content: AsyncIterable<Buffer> | Iterable<Buffer>;
  /** With the bytes that were handed over so far. */
  onProgress?: (bytes: number) => void;
}

/** What a command reads that is given an upload. */
export const UPLOADED = '/dev/stdin';

export class Virsh {
  /** @param uri see `batchUri` */
  constructor(
    private readonly uri: string,
    private readonly timeoutMs = TIMEOUT_MS,
  ) {}

  /**
   * Resolves to the standard output of all commands. Throws VirshError if any failed; that a volume is
   * not there is no failure: it is only ever deleted then.
   */
  run(commands: readonly VirshCommand[], upload?: Upload): Promise<string> {
    const script = commands.map((words) => words.map(quoted).join(' ')).join('; ');
    const args = ['-q', '-c', this.uri, script];
    return upload === undefined
      ? this.finish(spawn('virsh', args, { ...SPAWN, stdio: ['ignore', 'pipe', 'pipe'] }))
      : this.send(args, upload);
  }

  /** virsh opens what it reads by name, which a socket has none of: Node's are sockets, so `cat` stands between. */
  private async send(args: readonly string[], { content, onProgress }: Upload): Promise<string> {
    const child = spawn('sh', ['-c', 'cat | exec virsh "$@"', 'sh', ...args], {
      ...SPAWN,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const finished = this.finish(child);
    const ended = finished.then(nothing, nothing);
    const timer = setTimeout(() => {
      end(child);
    }, STALL_MS);
    const { stdin } = child;
    // virsh has ended before all was read: its own words say why.
    stdin.on('error', nothing);
    let sent = 0;
    try {
      for await (const piece of content) {
        if (stdin.destroyed || child.exitCode !== null) break;
        if (!stdin.write(piece)) await Promise.race([once(stdin, 'drain').catch(nothing), ended]);
        timer.refresh();
        sent += piece.length;
        onProgress?.(sent);
      }
      stdin.end();
      await ended;
    } catch (error) {
      end(child);
      await ended;
      throw error;
    } finally {
      clearTimeout(timer);
    }
    return finished;
  }

  private finish(child: ChildProcess): Promise<string> {
    return new Promise((resolve, reject) => {
      const output = { stdout: '', stderr: '' };
      for (const name of ['stdout', 'stderr'] as const)
        child[name]?.setEncoding('utf8').on('data', (text: string) => {
          output[name] = (output[name] + text).slice(0, OUTPUT_CHARACTERS_MAX);
        });
      // An upload takes as long as it takes; it is ended where it stalls.
      const timer =
        child.stdin === null
          ? setTimeout(() => {
              end(child);
            }, this.timeoutMs)
          : undefined;
      child.on('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        reject(new VirshError(error.code === 'ENOENT' ? MISSING : error.message, { cause: error }));
      });
      child.on('close', (code, signal) => {
        clearTimeout(timer);
        const words = failureIn(output.stderr);
        if (code === 127) reject(new VirshError(MISSING));
        else if (signal !== null) reject(new VirshError('no answer in time: virsh was ended'));
        else if (words !== '') reject(new VirshError(words));
        else if (code !== 0 && !/^error: /m.test(output.stderr))
          reject(new VirshError(`virsh ended with ${String(code)}: ${output.stderr.trim()}`));
        else resolve(output.stdout);
      });
    });
  }
}

const MISSING = `virsh is not installed; on Debian: apt-get install -y ${PACKAGE}`;
const SPAWN = { env: { ...process.env, LC_ALL: 'C' }, detached: true } as const;

/** The words of all failures; none where only volumes were missing. */
function failureIn(stderr: string): string {
  if (!/^error: /m.test(stderr)) return '';
  const failures = stderr
    .slice(stderr.search(/^error: /m))
    .split(/^error: /m)
    .map((words) => brief(words.trim().replace(/\s*\n\s*/g, '; ')))
    .filter((words) => words !== '' && !NOT_THERE.test(words));
  return failures.join(': ').slice(0, WORDS_MAX);
}

/** Without our own temporary names, and without the whole command line of a program that libvirt ran. */
const brief = (words: string) =>
  words
    .replace(/^(Failed to create vol) from \S+$/, '$1')
    .replace(/^internal error: Child process \(.*?\) unexpected exit status \d+: /, '');

/** Inside apostrophes nothing means anything to virsh, but an apostrophe. */
const quoted = (word: string) =>
  /^[\w.+:/=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** With all that it started: an ssh below virsh would hold our pipes open. */
function end(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

const nothing = () => undefined;

/** ssh may ask nobody for a password: a controller has nobody to answer. */
export function batchUri(uri: string): string {
  if (!/^\w+\+ssh:\/\//.test(uri) || /[?&]no_tty=/.test(uri)) return uri;
  return `${uri}${uri.includes('?') ? '&' : '?'}no_tty=1`;
}
