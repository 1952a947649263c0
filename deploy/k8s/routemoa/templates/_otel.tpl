{{/* Traces: where the services send them. Each takes the root. */}}

{{/* The standard variables of OpenTelemetry. */}}
{{- define "routemoa.otelVariables" -}}
{{- with .Values.otel }}
{{- if .endpoint -}}
OTEL_EXPORTER_OTLP_ENDPOINT: {{ .endpoint | quote }}
OTEL_RESOURCE_ATTRIBUTES: service.namespace={{ $.Release.Name }},k8s.namespace.name={{ $.Release.Namespace }}
OTEL_TRACES_SAMPLER: {{ .sampler }}
OTEL_TRACES_SAMPLER_ARG: {{ .samplerArgument | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* Egress to that address, for pods that may ask DNS. */}}
{{- define "routemoa.otelEgress" -}}
{{- with .Values.otel.endpoint }}
{{- include "routemoa.egressTo" (list .) }}
{{- end }}
{{- end }}

{{/* Egress to DNS, for pods that have no other reason to ask it. */}}
{{- define "routemoa.dnsEgress" -}}
- to:
    {{- toYaml .Values.networkPolicy.dns | nindent 4 }}
  ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
{{- end }}
