/** The contract's messages: their types, and the schemas that `create` of @bufbuild/protobuf takes. */
export * from "./gen/routemoa/v1/error_reason_pb.js";
export * from "./gen/routemoa/v1/generation_pb.js";
export * from "./gen/routemoa/v1/judge_service_pb.js";
export * from "./gen/routemoa/v1/model_pb.js";
export * from "./gen/routemoa/v1/router_service_pb.js";
export * from "./gen/routemoa/v1/scorer_service_pb.js";
