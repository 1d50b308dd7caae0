import type {
  CheckRequest,
  CreateRequest,
  DeleteRequest,
  DiffRequest,
  ReadRequest,
  UpdateRequest,
} from '@pulumi/pulumi/proto/provider_pb.js';
import { Incomplete } from '../core/failure.js';
import { objectOf, type Properties } from '../core/json.js';
import type { CheckFailure, Kind } from '../core/kind.js';
import { fromStruct, halfMade } from './answer.js';
import { detailedDiff, type Change } from './detail.js';
import { idOfInputs, inputsOfId, partsOfUrn } from './identity.js';
import { leanInputs } from './lean.js';
import { SERVED } from './kinds.js';
import { createdLater, updatedLater } from './preview.js';
import { resourceSchema, type ResourceSchema } from './schema.js';
import { foundMarks, holdsMark, NO_MARKS, received, wrapped, type Marks } from './secret-marks.js';
import type { Session } from './session.js';

interface Found {
  id: string;
  properties: Properties;
}
export interface Compared {
  changes: boolean;
  replaces: string[];
  deleteBeforeReplace: boolean;
  detail: Map<string, Change>;
}

/** One resource in one request: Pulumi's words on the outside, a kind of the core on the inside. */
export class Resource {
  private readonly schema: ResourceSchema;
  private readonly kind: Kind;

  constructor(
    private readonly session: Session,
    private readonly urn: string,
  ) {
    this.schema = resourceSchema(partsOfUrn(urn).type);
    this.kind = SERVED[this.schema.kindName].kind;
  }

  async check(request: CheckRequest): Promise<{ inputs: Properties; failures: CheckFailure[] }> {
    const { value: olds } = received(fromStruct(request.getOlds()));
    const { value: news, marks } = received(fromStruct(request.getNews()));
    const { inputs, failures } = await this.kind.check(olds, { ...news, ...this.hidden() });
    return {
      inputs: this.sent(inputs, marks),
      // The engine prints the value of the property that a failure names.
      failures: failures.map(({ property, reason }) =>
        property !== '' && (holdsMark(marks, property) || this.schema.secret.has(property))
          ? { property: '', reason: `${property}: ${reason}` }
          : { property, reason },
      ),
    };
  }

  diff(request: DiffRequest): Compared {
    const { value: olds } = received(fromStruct(request.getOlds()));
    const { value: news } = received(fromStruct(request.getNews()));
    const id = request.getId();
    const { changes, replaces, deleteBeforeReplace, notes = [] } = this.kind.diff(id, olds, news);
    for (const note of notes) this.session.say(`${this.schema.title}: ${note}`, this.urn);
    const unique = [...new Set(replaces)];
    const detail = changes
      ? detailedDiff(this.kind, id, olds, news, unique, this.schema.inputs)
      : new Map<string, Change>();
    return { changes, replaces: unique, deleteBeforeReplace, detail };
  }

  async create(request: CreateRequest): Promise<Found> {
    const { value: inputs, marks } = received(fromStruct(request.getProperties()));
    if (request.getPreview())
      return { id: '', properties: this.sent(createdLater(this.schema, inputs), marks) };
    const limited = within(inputs, 'create', request.getTimeout());
    const { id, outs } = await this.reported(inputs, marks, () =>
      this.kind.create(limited, this.ports(inputs)),
    );
    return { id, properties: this.sent(restored(outs, inputs), marks) };
  }

  async update(request: UpdateRequest): Promise<Properties> {
    const { value: olds } = received(fromStruct(request.getOlds()));
    const { value: inputs, marks } = received(fromStruct(request.getNews()));
    if (request.getPreview()) return this.sent(updatedLater(this.schema, olds, inputs), marks);
    const limited = within(inputs, 'update', request.getTimeout());
    const outs = await this.reported(inputs, marks, () =>
      this.kind.update(request.getId(), olds, limited, this.ports(inputs)),
    );
    return this.sent(restored(outs, inputs), marks);
  }

  async delete(request: DeleteRequest): Promise<void> {
    const { value: held } = received(fromStruct(request.getProperties()));
    const props = reached(held, received(fromStruct(request.getOldInputs())).value);
    const limited = within(props, 'delete', request.getTimeout());
    await this.kind.delete(request.getId(), limited, this.ports(props));
  }

  /**
   * For a refresh, with what the state holds; for an import and for `Pool.get`, with nothing but the id.
   * Undefined where the service says by its own code that there is none.
   */
  async read(
    request: ReadRequest,
  ): Promise<{ id: string; properties: Properties; inputs: Properties } | undefined> {
    const { value: held, marks } = received(fromStruct(request.getProperties()));
    const given = received(fromStruct(request.getInputs()));
    const id = request.getId();
    if (Object.keys(held).length === 0) return this.lookUp(id, given.value);
    const found = await this.kind.read(id, held, this.ports(reached(held, given.value)));
    if (found === undefined) return undefined;
    return {
      id,
      properties: this.sent(found.props, marks),
      inputs: this.sent(found.inputs ?? given.value, given.marks),
    };
  }

  private async lookUp(id: string, given: Properties) {
    const named = inputsOfId(this.schema.kindName, this.schema.title, id);
    const props = { ...given, ...named };
    const found = await this.kind.read(id, props, this.ports(props));
    if (found === undefined) return undefined;
    const { computed } = this.schema;
    const inputs = leanInputs(this.kind, id, objectOf(found.inputs ?? props), named);
    const outputs = Object.entries(found.props).filter(([name]) => computed.includes(name));
    const properties = { ...inputs, ...Object.fromEntries(outputs) };
    const marks = foundMarks(inputs);
    return {
      id: idOfInputs(this.schema.kindName, named),
      properties: this.sent(properties, marks),
      inputs: this.sent(inputs, marks),
    };
  }

  /** What the classes of dynamic resources pass by themselves. */
  private hidden(): Properties {
    const { project, stack, name } = partsOfUrn(this.urn);
    switch (SERVED[this.schema.kindName].hidden) {
      case 'owner':
        return { owner: `${project}/${stack}/${name}` };
      case 'workingDirectory':
        return { workingDirectory: this.session.programDirectory };
      case undefined:
        return {};
    }
  }

  private ports(props: Properties) {
    return this.session.ports(props, this.urn);
  }

  private sent(properties: Properties, marks: Marks): Properties {
    return this.session.acceptsSecrets
      ? wrapped(properties, marks, this.schema.secret)
      : wrapped(properties, NO_MARKS, new Set());
  }

  private async reported<Result>(
    inputs: Properties,
    marks: Marks,
    step: () => Promise<Result>,
  ): Promise<Result> {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof Incomplete)) throw error;
      const outputs = this.sent(restored(error.properties, inputs), marks);
      throw Object.assign(new Error(error.message), {
        answer: halfMade(error, outputs, this.sent(inputs, marks)),
      });
    }
  }
}

/** A changed `connection` is no change of the resource: only the inputs have the latest. */
const reached = (held: Properties, { connection }: Properties): Properties =>
  connection === undefined ? held : { ...held, connection };

/** `customTimeouts` of the resource's options, in seconds and 0 for none, go before its own `timeouts`. */
function within(inputs: Properties, step: string, seconds: number): Properties {
  if (seconds <= 0) return inputs;
  const limit = `PT${String(Math.ceil(seconds))}S`;
  return { ...inputs, timeouts: { ...objectOf(inputs.timeouts), [step]: limit } };
}

/** Outputs repeat the inputs as they were given. */
function restored(outs: Properties, { timeouts }: Properties): Properties {
  const { timeouts: _limited, ...rest } = outs;
  return timeouts === undefined ? rest : { ...rest, timeouts };
}
