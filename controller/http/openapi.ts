import type { Middleware } from 'koa';
import * as z from 'zod';
import { API_VERSIONS } from '../../protocol/batch/api-version.js';
import { ENTITIES, entityOf } from '../../protocol/batch/entities.js';
import { LIMITS } from '../../protocol/batch/limits.js';
import { operations } from '../../protocol/batch/operations.js';
import type { Operation } from '../../protocol/batch/operations.js';
import { queryParametersOf } from '../../protocol/batch/query-parameters.js';
import { originOf } from './origin.js';

type Json = Record<string, unknown>;

const JSON_TYPE = 'application/json';
const text = { type: 'string' };
const ref = (kind: string, name: string) => ({ $ref: `#/components/${kind}/${name}` });
const parameter = (name: string, where: string, description: string, more: Json = {}) => ({
  name,
  in: where,
  description,
  schema: text,
  ...more,
});

/** Parameters by the name that operations refer to them with. */
const parameters = {
  'api-version': parameter('api-version', 'query', 'The version of the API.', {
    required: true,
    schema: { type: 'string', enum: [...API_VERSIONS] },
  }),
  timeout: parameter('timeout', 'query', 'Seconds that the client waits.', {
    schema: { type: 'integer', minimum: 1 },
  }),
  $filter: parameter('$filter', 'query', 'Which entities: a part of OData’s filter language.'),
  $select: parameter('$select', 'query', 'Names of top-level properties, with commas.'),
  $expand: parameter('$expand', 'query', 'Only `stats`.', {
    schema: { type: 'string', enum: ['stats'] },
  }),
  maxresults: parameter('maxresults', 'query', 'Entities a page.', {
    schema: { type: 'integer', minimum: 1, maximum: LIMITS.pageSize },
  }),
  $skiptoken: parameter('$skiptoken', 'query', 'Where a page starts; comes with odata.nextLink.'),
  recursive: parameter('recursive', 'query', 'Also what is in directories below.', {
    schema: { type: 'boolean', default: false },
  }),
  starttime: parameter('starttime', 'query', 'From when.', {
    schema: { type: 'string', format: 'date-time' },
  }),
  endtime: parameter('endtime', 'query', 'Until when.', {
    schema: { type: 'string', format: 'date-time' },
  }),
  kept: parameter(
    'kept',
    'query',
    'What is kept of an output where its node is gone (extension).',
    {
      schema: { type: 'boolean', default: false },
    },
  ),
  'client-request-id': parameter('client-request-id', 'header', 'The caller’s name for the call.'),
  'return-client-request-id': parameter('return-client-request-id', 'header', 'Echo it.', {
    schema: { type: 'boolean', default: false },
  }),
  'ocp-date': parameter(
    'ocp-date',
    'header',
    'When it was sent; else Date. At most 15 minutes off.',
  ),
  'ocp-range': parameter(
    'ocp-range',
    'header',
    'bytes=start-end or bytes=start-; answered with 200.',
  ),
  'If-Match': parameter('If-Match', 'header', 'Only if the ETag is one of these.'),
  'If-None-Match': parameter('If-None-Match', 'header', 'Only if the ETag is none of these.'),
  'If-Modified-Since': parameter('If-Modified-Since', 'header', 'Only if changed since.'),
  'If-Unmodified-Since': parameter('If-Unmodified-Since', 'header', 'Only if not changed since.'),
} satisfies Record<string, Json>;
type ParameterName = keyof typeof parameters;

const EVERY: ParameterName[] = [
  'api-version',
  'timeout',
  'client-request-id',
  'return-client-request-id',
  'ocp-date',
];
const DATES: ParameterName[] = ['If-Modified-Since', 'If-Unmodified-Since'];
const TAGS: ParameterName[] = ['If-Match', 'If-None-Match'];

const isFileRead = ({ id }: Operation) => /^File_Get/.test(id);
const isList = ({ id }: Operation) => /_List/.test(id);

function parametersOf(operation: Operation): Json[] {
  const names: ParameterName[] = [...EVERY, ...queryParametersOf(operation.id)];
  if (/^File_GetFrom/.test(operation.id)) names.push('ocp-range');
  if (operation.conditions === true) names.push(...(isFileRead(operation) ? [] : TAGS), ...DATES);
  const inPath = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) =>
    parameter(
      name,
      'path',
      name === 'filePath' ? 'The rest of the path, slashes included.' : 'Compared without case.',
      { required: true },
    ),
  );
  return [...inPath, ...names.map((name) => ref('parameters', name.replace('$', '')))];
}

/** What the success status comes with. */
function success(operation: Operation): Json {
  const description = 'Done.';
  if (/^File_GetFrom/.test(operation.id))
    return {
      description: 'The file, or the range of it.',
      content: { 'application/octet-stream': {} },
    };
  const json = (name: string) => ({
    description,
    content: { [JSON_TYPE]: { schema: ref('schemas', name) } },
  });
  if (operation.id === 'Task_AddCollection') return json('TaskAddCollectionResult');
  const entity = entityOf(operation.id);
  if (entity !== undefined) return json(isList(operation) ? `${entity}List` : entity);
  if (isList(operation)) return json('List');
  if (operation.method === 'GET') return json('Entity');
  return { description };
}

const REFUSALS: Record<string, string> = {
  400: 'The request is wrong.',
  403: 'The credentials are wrong.',
  404: 'There is no such entity.',
  405: 'The path has no such verb.',
  409: 'The state of an entity does not allow it.',
  412: 'A condition is not met.',
  413: 'The body is larger than 1 MB.',
  416: 'The file has no such range.',
  500: 'A fault of the service.',
  501: 'Not implemented.',
  503: 'Come again later.',
};

function refusalsOf(operation: Operation): string[] {
  return [
    ...['400', '403', '404', '500', '503'],
    ...(operation.method === 'GET' || operation.method === 'HEAD' ? [] : ['409']),
    ...(/^File_/.test(operation.id) ? ['409'] : []),
    ...(operation.conditions === true ? ['412'] : []),
    ...(operation.request === undefined ? [] : ['413']),
    ...(/^File_GetFrom/.test(operation.id) ? ['416'] : []),
  ];
}

const schemaName = ({ id }: Operation) => `${id.replace('_', '')}Request`;

function describe(operation: Operation): Json {
  const mayBeOld = operation.conditions === true && /^(GET|HEAD)$/.test(operation.method);
  // HEAD has no body, not even of an error.
  const kind = operation.method === 'HEAD' ? 'Bare' : 'Refused';
  return {
    operationId: operation.id,
    tags: [operation.id.split('_', 1)[0]],
    ...(operation.extension === true && { 'x-extension': true }),
    parameters: parametersOf(operation),
    ...(operation.request !== undefined && {
      requestBody: {
        required: operation.bodyOptional !== true,
        content: { [JSON_TYPE]: { schema: ref('schemas', schemaName(operation)) } },
      },
    }),
    responses: {
      [operation.success]: success(operation),
      ...(mayBeOld && { 304: { description: 'Not changed.' } }),
      ...Object.fromEntries(
        refusalsOf(operation).map((status) => [status, ref('responses', `${kind}${status}`)]),
      ),
    },
  };
}

/** What a client may send, after the schema that every body is checked with. */
const schemaOf = (request: z.ZodType): Json => {
  const { $schema: _, ...schema } = z.toJSONSchema(request, {
    io: 'input',
    unrepresentable: 'any',
  }) as Json;
  return schema;
};

/** An entity as an answer holds it, and a page of them; which properties are there depends on `$select` and state. */
const entitySchemas = Object.fromEntries(
  Object.entries(ENTITIES).flatMap(([name, entity]) => {
    const schema = schemaOf(entity);
    const page = {
      'odata.metadata': text,
      value: { type: 'array', items: ref('schemas', name) },
      'odata.nextLink': { type: 'string', format: 'uri' },
    };
    return [
      [name, schema],
      [`${name}List`, { type: 'object', properties: page, required: ['odata.metadata', 'value'] }],
    ];
  }),
) as Json;

const object = (properties: Json, required: string[]) => ({ type: 'object', properties, required });

const answers = {
  Error: object(
    {
      'odata.metadata': text,
      code: text,
      message: object({ lang: text, value: text }, ['lang', 'value']),
      values: { type: 'array', items: object({ key: text, value: text }, ['key', 'value']) },
    },
    ['odata.metadata', 'code', 'message'],
  ),
  Entity: object({ 'odata.metadata': text }, ['odata.metadata']),
  List: object(
    {
      'odata.metadata': text,
      value: { type: 'array', items: { type: 'object' } },
      'odata.nextLink': { type: 'string', format: 'uri' },
    },
    ['odata.metadata', 'value'],
  ),
  TaskAddResult: object(
    {
      status: { type: 'string', enum: ['Success', 'clienterror', 'servererror'] },
      taskId: text,
      eTag: text,
      lastModified: { type: 'string', format: 'date-time' },
      location: { type: 'string', format: 'uri' },
      error: ref('schemas', 'Error'),
    },
    ['status', 'taskId'],
  ),
  TaskAddCollectionResult: object(
    { 'odata.metadata': text, value: { type: 'array', items: ref('schemas', 'TaskAddResult') } },
    ['odata.metadata', 'value'],
  ),
};

const refusals = Object.fromEntries(
  Object.entries(REFUSALS).flatMap(([status, description]) => [
    [
      `Refused${status}`,
      { description, content: { [JSON_TYPE]: { schema: ref('schemas', 'Error') } } },
    ],
    [`Bare${status}`, { description }],
  ]),
);

/** The OpenAPI 3.1 document of the operations of `table`, for clients of the service at `origin`. */
function openApiDocument(table: readonly Operation[], origin: string): Json {
  const paths: Record<string, Json> = {};
  for (const operation of table)
    (paths[operation.path] ??= {})[operation.method.toLowerCase()] = describe(operation);
  const requests = table.flatMap((operation) =>
    operation.request === undefined ? [] : [[schemaName(operation), schemaOf(operation.request)]],
  );
  return {
    openapi: '3.1.0',
    info: {
      title: 'Batch service',
      version: [...API_VERSIONS].at(-1),
      description: 'The REST API of Azure Batch as this controller serves it.',
    },
    servers: [{ url: origin }],
    security: [{ sharedKey: [] }, { taskToken: [] }],
    paths,
    components: {
      parameters: Object.fromEntries(
        Object.entries(parameters).map(([name, value]) => [name.replace('$', ''), value]),
      ),
      schemas: { ...(Object.fromEntries(requests) as Json), ...entitySchemas, ...answers },
      responses: refusals,
      securitySchemes: {
        sharedKey: {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description: 'SharedKey or SharedKeyLite {account}:{signature}',
        },
        taskToken: { type: 'http', scheme: 'bearer', description: 'A task’s, for its own job.' },
      },
    },
  };
}

/** `GET /openapi.json`: no credentials, no state. */
export function openApi(): Middleware {
  let document: Json | undefined;
  return async (context, next) => {
    if (context.path !== '/openapi.json' || !/^(GET|HEAD)$/.test(context.method)) return next();
    const url = originOf(context);
    document ??= openApiDocument(operations, url);
    context.body = { ...document, servers: [{ url }] };
  };
}
