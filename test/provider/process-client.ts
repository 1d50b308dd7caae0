import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { credentials, type Metadata, type ServiceError } from '@grpc/grpc-js';
import { ResourceProviderClient } from '@pulumi/pulumi/proto/provider_grpc_pb.js';
import * as messages from '@pulumi/pulumi/proto/provider_pb.js';
import { Status } from '@pulumi/pulumi/proto/status_pb.js';
import { Empty } from 'google-protobuf/google/protobuf/empty_pb.js';
import { Struct, type JavaScriptValue } from 'google-protobuf/google/protobuf/struct_pb.js';
import type { Properties } from '../../provider/core/json.js';
import { root } from './pulumi-stack.js';

const SECRET_KEY = '4dabf18193072939515e22adb298388d';
const SECRET = '1b47061264138c4ac30d75fd1eb44270';
export const secret = (value: unknown) => ({ [SECRET_KEY]: SECRET, value });
const struct = (properties: Properties) =>
  Struct.fromJavaScript(properties as Record<string, JavaScriptValue>);
const plain = (from: Struct | undefined) => from?.toJavaScript() as Properties;

type Callback<Answer> = (error: ServiceError | null, answer: Answer) => void;
const answered = <Answer>(call: (callback: Callback<Answer>) => unknown): Promise<Answer> =>
  new Promise((resolve, reject) => {
    call((error, answer) => (error ? reject(error) : resolve(answer)));
  });

/** The provider process, asked as Pulumi's engine asks it. */
export class ProcessClient {
  private constructor(
    readonly child: ChildProcess,
    private readonly client: ResourceProviderClient,
  ) {}

  static async start(environment: NodeJS.ProcessEnv = {}): Promise<ProcessClient> {
    const program = join(root, 'provider', 'bin', 'pulumi-resource-batchyard');
    const child = spawn(program, [], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env.PATH, ...environment },
    });
    const [port] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const client = new ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure());
    return new ProcessClient(child, client);
  }

  /** SIGINT, as the engine ends its plugins; answers with the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number | null> {
    this.client.close();
    if (this.child.exitCode !== null) return this.child.exitCode;
    this.child.kill(signal);
    const [code] = (await once(this.child, 'exit')) as [number | null];
    return code;
  }

  async configure(settings: Properties, acceptSecrets = true): Promise<void> {
    const request = new messages.ConfigureRequest();
    request.setArgs(struct(settings));
    request.setAcceptsecrets(acceptSecrets);
    await answered((callback) => this.client.configure(request, callback));
  }

  async checkConfig(settings: Properties) {
    const request = new messages.CheckRequest();
    request.setNews(struct(settings));
    const answer = await answered<messages.CheckResponse>((callback) =>
      this.client.checkConfig(request, callback),
    );
    return answer.getFailuresList().map((one) => one.toObject());
  }

  async check(urn: string, news: Properties) {
    const request = new messages.CheckRequest();
    request.setUrn(urn);
    request.setNews(struct(news));
    const answer = await answered<messages.CheckResponse>((callback) =>
      this.client.check(request, callback),
    );
    return {
      inputs: plain(answer.getInputs()),
      failures: answer.getFailuresList().map((one) => one.toObject()),
    };
  }

  async diff(urn: string, olds: Properties, news: Properties) {
    const request = new messages.DiffRequest();
    request.setUrn(urn);
    request.setOlds(struct(olds));
    request.setNews(struct(news));
    const answer = await answered<messages.DiffResponse>((callback) =>
      this.client.diff(request, callback),
    );
    const kinds = Object.entries(messages.PropertyDiff.Kind);
    const detail: Record<string, string | undefined> = {};
    answer.getDetaileddiffMap().forEach((one, path) => {
      detail[path] = kinds.find(([, kind]) => kind === one.getKind())?.[0];
    });
    return {
      changes: answer.getChanges() === messages.DiffResponse.DiffChanges.DIFF_SOME,
      replaces: answer.getReplacesList(),
      deleteBeforeReplace: answer.getDeletebeforereplace(),
      detail,
    };
  }

  async create(urn: string, inputs: Properties, { preview = false, timeout = 0 } = {}) {
    const request = new messages.CreateRequest();
    request.setUrn(urn);
    request.setProperties(struct(inputs));
    request.setPreview(preview);
    request.setTimeout(timeout);
    const answer = await answered<messages.CreateResponse>((callback) =>
      this.client.create(request, callback),
    );
    return { id: answer.getId(), outs: plain(answer.getProperties()) };
  }

  async read(urn: string, id: string, props: Properties = {}, inputs: Properties = {}) {
    const request = new messages.ReadRequest();
    request.setUrn(urn);
    request.setId(id);
    request.setProperties(struct(props));
    request.setInputs(struct(inputs));
    const answer = await answered<messages.ReadResponse>((callback) =>
      this.client.read(request, callback),
    );
    return {
      id: answer.getId(),
      props: plain(answer.getProperties()),
      inputs: plain(answer.getInputs()),
    };
  }

  async update(urn: string, olds: Properties, news: Properties, { preview = false } = {}) {
    const request = new messages.UpdateRequest();
    request.setUrn(urn);
    request.setOlds(struct(olds));
    request.setNews(struct(news));
    request.setPreview(preview);
    const answer = await answered<messages.UpdateResponse>((callback) =>
      this.client.update(request, callback),
    );
    return plain(answer.getProperties());
  }

  async invoke(name: string, args: Properties) {
    const request = new messages.InvokeRequest();
    request.setTok(`batchyard:index:${name}`);
    request.setArgs(struct(args));
    const answer = await answered<messages.InvokeResponse>((callback) =>
      this.client.invoke(request, callback),
    );
    return {
      result: plain(answer.getReturn()),
      failures: answer.getFailuresList().map((one) => one.toObject()),
    };
  }

  async schema(): Promise<string> {
    const answer = await answered<messages.GetSchemaResponse>((callback) =>
      this.client.getSchema(new messages.GetSchemaRequest(), callback),
    );
    return answer.getSchema();
  }

  async cancel(): Promise<void> {
    await answered((callback) => this.client.cancel(new Empty(), callback));
  }
}

/** What the engine reads from an error about an object that exists all the same. */
export function halfMade(error: unknown): { id: string; reasons: string[]; props: Properties } {
  const { metadata } = error as { metadata: Metadata };
  const [bytes] = metadata.get('grpc-status-details-bin');
  const [detail] = Status.deserializeBinary(bytes as Buffer).getDetailsList();
  const failed = messages.ErrorResourceInitFailed.deserializeBinary(
    detail?.getValue_asU8() ?? new Uint8Array(),
  );
  return {
    id: failed.getId(),
    reasons: failed.getReasonsList(),
    props: plain(failed.getProperties()),
  };
}
