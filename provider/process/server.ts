import {
  Server,
  ServerCredentials,
  status as codes,
  type handleUnaryCall,
  type sendUnaryData,
  type ServerUnaryCall,
} from '@grpc/grpc-js';
import { PluginInfo } from '@pulumi/pulumi/proto/plugin_pb.js';
import { ResourceProviderService } from '@pulumi/pulumi/proto/provider_grpc_pb.js';
import * as messages from '@pulumi/pulumi/proto/provider_pb.js';
import type { PluginAttach } from '@pulumi/pulumi/proto/plugin_pb.js';
import { Empty } from 'google-protobuf/google/protobuf/empty_pb.js';
import { same, type Properties } from '../core/json.js';
import type { CheckFailure } from '../core/kind.js';
import { fromStruct, refusal, toStruct } from './answer.js';
import type { Change } from './detail.js';
import { invoke } from './invoke.js';
import { Resource, type Compared } from './resource.js';
import { PACKAGE_VERSION, schemaText } from './schema.js';
import { NO_MARKS, received, wrapped } from './secret-marks.js';
import { configurationFailures, type Session } from './session.js';

const LARGEST_MESSAGE_BYTES = 400 * 1024 * 1024;

/** Serves the provider on a free port of the loopback interface; answers with the port. */
export async function serve(session: Session): Promise<{ server: Server; port: number }> {
  const server = new Server({ 'grpc.max_receive_message_length': LARGEST_MESSAGE_BYTES });
  server.addService(ResourceProviderService, { ...lifeCycle(session), ...resources(session) });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return { server, port };
}

/** A step as a handler: what it throws is the answer's error, in the resource's own words. */
const answering =
  <Request, Answer>(
    step: (request: Request) => Answer | Promise<Answer>,
    code = codes.UNKNOWN,
  ): handleUnaryCall<Request, Answer> =>
  (call: ServerUnaryCall<Request, Answer>, callback: sendUnaryData<Answer>) => {
    void Promise.resolve()
      .then(() => step(call.request))
      .then(
        (answer) => callback(null, answer),
        (error: unknown) => {
          const { answer } = error as { answer?: ReturnType<typeof refusal> };
          callback(answer ?? refusal(error, code));
        },
      );
  };

const lifeCycle = (session: Session) => ({
  handshake: answering((request: messages.ProviderHandshakeRequest) => {
    session.attach(request.getEngineAddress());
    session.acceptsSecrets = true;
    const answer = new messages.ProviderHandshakeResponse();
    answer.setAcceptSecrets(true);
    return answer;
  }),
  attach: answering((request: PluginAttach) => {
    session.attach(request.getAddress());
    return new Empty();
  }),
  getPluginInfo: answering(() => {
    const answer = new PluginInfo();
    answer.setVersion(PACKAGE_VERSION);
    return answer;
  }),
  getSchema: answering(() => {
    const answer = new messages.GetSchemaResponse();
    answer.setSchema(schemaText());
    return answer;
  }),
  checkConfig: answering((request: messages.CheckRequest) => {
    const { value, marks } = received(fromStruct(request.getNews()));
    const secret = new Set(session.acceptsSecrets ? ['adminToken'] : []);
    const inputs = wrapped(value, session.acceptsSecrets ? marks : NO_MARKS, secret);
    return checked(inputs, configurationFailures(value));
  }),
  /** Another address or token is no reason to replace anything: the objects are still there. */
  diffConfig: answering((request: messages.DiffRequest) => {
    const { value: olds } = received(fromStruct(request.getOldInputs() ?? request.getOlds()));
    const { value: news } = received(fromStruct(request.getNews()));
    const names = [...new Set([...Object.keys(olds), ...Object.keys(news)])];
    const changed = names.filter((name) => name !== 'version' && !same(olds[name], news[name]));
    const detail = new Map(changed.map((name): [string, Change] => [name, 'update']));
    return compared({
      changes: changed.length > 0,
      replaces: [],
      deleteBeforeReplace: false,
      detail,
    });
  }),
  configure: answering((request: messages.ConfigureRequest) => {
    const { value } = received(fromStruct(request.getArgs()));
    session.acceptsSecrets = session.acceptsSecrets || request.getAcceptsecrets();
    session.configure(value);
    const answer = new messages.ConfigureResponse();
    answer.setAcceptsecrets(true);
    answer.setSupportspreview(true);
    return answer;
  }, codes.INVALID_ARGUMENT),
  cancel: answering(() => {
    session.cancel();
    return new Empty();
  }),
});

const resources = (session: Session) => {
  const of = (request: { getUrn(): string }) => new Resource(session, request.getUrn());
  return {
    check: answering(async (request: messages.CheckRequest) => {
      const { inputs, failures } = await of(request).check(request);
      return checked(inputs, failures);
    }),
    diff: answering((request: messages.DiffRequest) => compared(of(request).diff(request))),
    create: answering(async (request: messages.CreateRequest) => {
      const { id, properties } = await of(request).create(request);
      const answer = new messages.CreateResponse();
      answer.setId(id);
      answer.setProperties(toStruct(properties));
      return answer;
    }),
    read: answering(async (request: messages.ReadRequest) => {
      const found = await of(request).read(request);
      const answer = new messages.ReadResponse();
      // An empty id says that there is none.
      if (found === undefined) return answer;
      answer.setId(found.id);
      answer.setProperties(toStruct(found.properties));
      answer.setInputs(toStruct(found.inputs));
      return answer;
    }),
    update: answering(async (request: messages.UpdateRequest) => {
      const answer = new messages.UpdateResponse();
      answer.setProperties(toStruct(await of(request).update(request)));
      return answer;
    }),
    delete: answering(async (request: messages.DeleteRequest) => {
      await of(request).delete(request);
      return new Empty();
    }),
    invoke: answering(async (request: messages.InvokeRequest) => {
      const { result, failures } = await invoke(session, request);
      const answer = new messages.InvokeResponse();
      if (result !== undefined) answer.setReturn(toStruct(result));
      answer.setFailuresList(failures.map(failed));
      return answer;
    }),
  };
};

function checked(inputs: Properties, failures: CheckFailure[]): messages.CheckResponse {
  const answer = new messages.CheckResponse();
  answer.setInputs(toStruct(inputs));
  answer.setFailuresList(failures.map(failed));
  return answer;
}

function failed({ property, reason }: CheckFailure): messages.CheckFailure {
  const failure = new messages.CheckFailure();
  failure.setProperty(property);
  failure.setReason(reason);
  return failure;
}

const { Kind } = messages.PropertyDiff;
const KINDS: Readonly<Record<Change, messages.PropertyDiff.Kind>> = {
  add: Kind.ADD,
  'add and replace': Kind.ADD_REPLACE,
  delete: Kind.DELETE,
  'delete and replace': Kind.DELETE_REPLACE,
  update: Kind.UPDATE,
  'update and replace': Kind.UPDATE_REPLACE,
};

function compared({ changes, replaces, deleteBeforeReplace, detail }: Compared) {
  const { DIFF_NONE, DIFF_SOME } = messages.DiffResponse.DiffChanges;
  const answer = new messages.DiffResponse();
  answer.setChanges(changes ? DIFF_SOME : DIFF_NONE);
  answer.setReplacesList(replaces);
  answer.setDeletebeforereplace(deleteBeforeReplace);
  answer.setDiffsList([...new Set([...detail.keys()].map((path) => path.replace(/[.[].*$/s, '')))]);
  answer.setHasdetaileddiff(detail.size > 0);
  for (const [path, change] of detail) {
    const one = new messages.PropertyDiff();
    one.setKind(KINDS[change]);
    one.setInputdiff(true);
    answer.getDetaileddiffMap().set(path, one);
  }
  return answer;
}
