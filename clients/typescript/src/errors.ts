import { fromBinary, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { status as Code, type Metadata, type StatusObject } from "@grpc/grpc-js";

import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { StatusSchema, type Status } from "./gen/google/rpc/status_pb.js";
import { ErrorReason, ErrorReasonSchema } from "./gen/routemoa/v1/error_reason_pb.js";

const DOMAIN = "routemoa.v1";
const DETAILS_KEY = "grpc-status-details-bin";
const RETRYABLE: ReadonlySet<ErrorReason> = new Set([
  ErrorReason.OVERLOADED,
  ErrorReason.DRAINING,
  ErrorReason.BUDGET_STORE_UNAVAILABLE,
]);

/** One thing that is wrong with a request. */
export interface FieldViolation {
  /** Path of the field, e.g. `policy.max_layer_count`. */
  readonly field: string;
  /** What is wrong with it, for a person. */
  readonly description: string;
}

interface Content {
  readonly reasonName: string;
  readonly code: Code;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  readonly retryDelayMs: number | undefined;
}

/** What every call of a client fails with; `reason` says why, as a value of the contract's ErrorReason. */
export class RouteMoAError extends Error {
  override readonly name: string = "RouteMoAError";
  /** The reason; `UNSPECIFIED` where it is newer than this client, or where no service said why. */
  readonly reason: ErrorReason;
  /** The reason's name as the service sent it, e.g. `ERROR_REASON_OVERLOADED`; empty if none did. */
  readonly reasonName: string;
  /** The gRPC status code. */
  readonly code: Code;
  /** Everything variable in the message, for a program. */
  readonly metadata: Readonly<Record<string, string>>;
  /** What is wrong with the request, all of it. */
  readonly violations: readonly FieldViolation[];
  /** The time in milliseconds after which another try is worth it, if the service gave one. */
  readonly retryDelayMs: number | undefined;

  constructor(message: string, content: Content, cause?: unknown) {
    super(message, { cause });
    this.reasonName = content.reasonName;
    const known = ErrorReasonSchema.values.find((value) => value.name === content.reasonName);
    this.reason = known?.number ?? ErrorReason.UNSPECIFIED;
    this.code = content.code;
    this.metadata = content.metadata;
    this.violations = content.violations;
    this.retryDelayMs = content.retryDelayMs;
  }

  /** Whether the same call may succeed if it is made again, and costs nothing twice. */
  get retryable(): boolean {
    return RETRYABLE.has(this.reason);
  }
}

/** No RouteMoA service said why the call failed: nobody answered, or not in time. */
export class TransportError extends RouteMoAError {
  override readonly name = "TransportError";
}

/** Returns the typed form of gRPC's error; `where` names the address and how it is spoken to. */
export function typed(error: StatusObject & { cause?: unknown }, where: string): RouteMoAError {
  const status = statusOf(error.metadata);
  const info = detail(status, ErrorInfoSchema);
  if (info?.domain !== DOMAIN) {
    const message = error.code === Code.UNAVAILABLE ? `${where}: ${error.details}` : error.details;
    const nothing = { reasonName: "", metadata: {}, violations: [], retryDelayMs: undefined };
    return new TransportError(message, { ...nothing, code: error.code }, error);
  }
  const delay = detail(status, RetryInfoSchema)?.retryDelay;
  const content: Content = {
    reasonName: info.reason,
    code: error.code,
    metadata: info.metadata,
    violations: (detail(status, BadRequestSchema)?.fieldViolations ?? []).map(
      ({ field, description }) => ({ field, description }),
    ),
    retryDelayMs: delay && Number(delay.seconds) * 1000 + delay.nanos / 1e6,
  };
  return new RouteMoAError(status?.message ?? error.details, content, error);
}

function statusOf(metadata: Metadata | undefined): Status | undefined {
  const bytes = metadata?.get(DETAILS_KEY)[0];
  return bytes instanceof Buffer ? fromBinary(StatusSchema, bytes) : undefined;
}

function detail<T extends DescMessage>(status: Status | undefined, schema: T): MessageShape<T> | undefined {
  for (const packed of status?.details ?? []) {
    const unpacked = anyUnpack(packed, schema);
    if (unpacked) return unpacked;
  }
  return undefined;
}
