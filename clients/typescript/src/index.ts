/**
 * Client of the RouteMoA services, which rank language models for a query before running any, and let the
 * best few work together.
 */
export { RouteMoAClient, type CallOptions, type ClientOptions } from "./client.js";
export { tlsFromFiles, type TlsFiles } from "./credentials.js";
export { RouteMoAError, TransportError, type FieldViolation } from "./errors.js";
export { ErrorReason } from "./gen/routemoa/v1/error_reason_pb.js";
export {
  argumentsOf,
  assistant,
  audio,
  file,
  image,
  system,
  text,
  tool,
  toolResult,
  user,
  type MediaSource,
} from "./messages.js";
export { StreamedAnswer } from "./streamed_answer.js";
export { VERSION } from "./version.js";
