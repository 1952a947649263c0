/** The service config that every client has; written by `make gen`. */
export const SERVICE_CONFIG = String.raw`{
  "methodConfig": [
    {
      "name": [
        {"service": "routemoa.v1.ScorerService", "method": "RankModels"},
        {"service": "routemoa.v1.ScorerService", "method": "GetScorerInfo"},
        {"service": "routemoa.v1.JudgeService", "method": "AssessAnswers"},
        {"service": "routemoa.v1.RouterService", "method": "RouteQuery"},
        {"service": "routemoa.v1.RouterService", "method": "GetRouterInfo"},
        {"service": "routemoa.v1.RouterService", "method": "ListModels"},
        {"service": "routemoa.v1.RouterService", "method": "RecordFeedback"}
      ],
      "timeout": "5s",
      "retryPolicy": {
        "maxAttempts": 3,
        "initialBackoff": "0.05s",
        "maxBackoff": "1s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"]
      }
    },
    {
      "name": [{"service": "routemoa.v1.ScorerService", "method": "BatchRankModels"}],
      "timeout": "30s",
      "retryPolicy": {
        "maxAttempts": 3,
        "initialBackoff": "0.05s",
        "maxBackoff": "1s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"]
      }
    },
    {
      "name": [
        {"service": "routemoa.v1.RouterService", "method": "GenerateAnswer"},
        {"service": "routemoa.v1.RouterService", "method": "StreamAnswer"}
      ],
      "timeout": "600s"
    }
  ],
  "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1},
  "loadBalancingConfig": [{"round_robin": {}}],
  "healthCheckConfig": {"serviceName": ""}
}`;
