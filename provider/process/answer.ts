import { Metadata, status as codes, type ServiceError } from '@grpc/grpc-js';
import { ErrorResourceInitFailed } from '@pulumi/pulumi/proto/provider_pb.js';
import { Status } from '@pulumi/pulumi/proto/status_pb.js';
import { Any } from 'google-protobuf/google/protobuf/any_pb.js';
import { Struct, type JavaScriptValue } from 'google-protobuf/google/protobuf/struct_pb.js';
import { messageOf } from '../core/failure.js';
import type { Properties } from '../core/json.js';

/** Plain JSON of a message's properties; none where there are none. */
export const fromStruct = (struct: Struct | undefined): Properties =>
  (struct?.toJavaScript() ?? {}) as Properties;

export const toStruct = (properties: Properties): Struct =>
  Struct.fromJavaScript(properties as Record<string, JavaScriptValue>);

type Refusal = Pick<ServiceError, 'code' | 'details' | 'message' | 'metadata'>;

/** As Pulumi's engine prints it: the message alone. */
export const refusal = (error: unknown, code = codes.UNKNOWN): Refusal => ({
  code,
  message: messageOf(error),
  details: messageOf(error),
  metadata: new Metadata(),
});

/** The object exists but is not what it should be: the engine keeps it in the state, with the reasons. */
export function halfMade(
  error: { id: string; message: string; reasons: string[] },
  outputs: Properties,
  inputs: Properties,
): Refusal {
  const detail = new ErrorResourceInitFailed();
  detail.setId(error.id);
  detail.setReasonsList(error.reasons);
  detail.setProperties(toStruct(outputs));
  detail.setInputs(toStruct(inputs));
  const packed = new Any();
  packed.pack(detail.serializeBinary(), 'pulumirpc.ErrorResourceInitFailed');
  const status = new Status();
  status.setCode(codes.UNKNOWN);
  status.setMessage(error.message);
  status.addDetails(packed);
  const answer = refusal(error);
  answer.metadata.add('grpc-status-details-bin', Buffer.from(status.serializeBinary()));
  return answer;
}
